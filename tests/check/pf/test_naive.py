"""Random rules, each packet: the chains say what pf's own few lines say."""

from __future__ import annotations

import random

import pytest

from splitdns.check.network import Clients
from splitdns.check.sets import address_of
from tests.check.pf import INTERNET, LAN, asked, gateway
from tests.check.pf.naive import Packet, passed, read

HOSTS = ["any", "192.168.1.0/24", "192.168.20.20", "203.0.113.7", "!192.168.1.0/24", "198.51.100.0/24"]
TARGETS = ["192.168.1.20", "192.168.20.20", "192.168.1.20 port 80", "203.0.113.7 port 80"]
SOURCES = ["203.0.113.7", "192.168.1.1", "192.168.20.1"]
ASKED = [("203.0.113.7", 443), ("203.0.113.7", 80), ("192.168.20.20", 443), ("198.51.100.99", 443)]
SEEDS = 100


def _filter(some: random.Random, *, leads: bool = False) -> str:
    """``leads``: of a rule that translates, which is to hold more often."""
    if leads and some.random() < 0.7:
        return f"inet proto tcp from {some.choice(['any', *HOSTS])} to any {some.choice(['', 'port 443'])}"
    on = some.choice(["", "", "on em0", "on em1", "on ! em1", "on { em0 em2 }"])
    source, to = some.choice(["any", *HOSTS]), some.choice(["any", *HOSTS, "192.168.1.20"])
    port = some.choice(["", "", "port 443", "port 80", "port != 443"])
    return f"{on} inet proto tcp from {source} to {to} {port}"


def _options(some: random.Random, direction: str) -> str:
    tag = some.choice([""] * 5 + ["tag A", "tag B", "tagged A", "! tagged A", "tag B tagged A"])
    came = some.choice([""] * 4 + ["received-on em1", "! received-on em0"]) if direction == "out" else ""
    return f"{tag} {came}"


def _rules(some: random.Random, depth: int, *, openbsd: bool) -> str:
    lines = []
    for _ in range(some.randint(1, 6 - 2 * depth)):
        direction = some.choice(["in", "out", "", "in", "out"])
        quick = some.choice(["", "", "quick"])
        if depth < 2 and some.random() < 0.2:
            inside = _rules(some, depth + 1, openbsd=openbsd)
            lines.append(f"anchor {direction} {quick} {_filter(some)} {{\n{inside}}}")
            continue
        does = some.choice(["pass", "pass", "block", "match"] if openbsd else ["pass", "block"])
        target = ""
        if openbsd and direction and some.random() < 0.5 and does != "block":
            to = f"rdr-to {some.choice(TARGETS)}" if direction == "in" else f"nat-to {some.choice(SOURCES)}"
            target = f" {to}"
        quick = "" if does == "match" else quick
        holds = _filter(some, leads=bool(target))
        lines.append(f"{does} {direction} {quick} {holds} {_options(some, direction)}{target}")
    return "".join(f"{line}\n" for line in lines)


def _translations(some: random.Random) -> str:
    lines = ["no nat on em9"]
    for _ in range(some.randint(0, 4)):
        kind = some.choice(["rdr", "nat"])
        target = f"-> {some.choice(TARGETS if kind == 'rdr' else SOURCES)}"
        no = some.choice(["", "", "no "])
        passes = some.choice(["", "", "pass"]) if not no else ""
        tag = some.choice(["", "", "tag A"]) if not no else ""
        lines.append(f"{no}{kind} {passes} {_filter(some, leads=True)} {tag} {'' if no else target}")
    return "".join(f"{line}\n" for line in lines)


def _arrived(text: str, who: Clients, at: str, port: int) -> tuple[str, int, str] | None:
    """Where the packet arrives, and from whom, by the walk."""
    result = asked(gateway(text), who, at=at, ports=port)
    assert len(result.outcomes) == 1, (text, result.outcomes)
    endpoint = result.outcomes[0].endpoint
    if endpoint is None:
        return None
    to, its_port, source = endpoint.addresses.single, endpoint.ports.single, endpoint.seen_source.single
    assert to is not None, text
    assert its_port is not None, text
    assert source is not None, text
    return str(address_of(4, to)), its_port, str(address_of(4, source))


@pytest.mark.parametrize("flavour", ["openbsd", "freebsd"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_rules_do_what_pf_does(flavour: str, seed: int) -> None:
    some = random.Random(f"{flavour} {seed}")
    first = some.choice(["pass\n", "block\n", "pass\n"])
    if flavour == "openbsd":
        text = first + _rules(some, 0, openbsd=True)
    else:
        text = _translations(some) + first + _rules(some, 0, openbsd=False)
    written = read(text)
    for who, source, came in ((INTERNET, "198.51.100.9", "em0"), (LAN, "192.168.1.50", "em1")):
        for at, port in ASKED:
            told = passed(written, Packet(source, at, port, came))
            expected = None if told is None else (told.destination, told.port, told.source)
            assert _arrived(text, who, at, port) == expected, f"{came} {source} to {at}:{port}\n{text}"
