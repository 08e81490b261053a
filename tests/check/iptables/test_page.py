"""The page about iptables says of each construct what the reader makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.ipset import read as read_sets
from splitdns.check.dialects.iptables_matches import MATCHES, WIDENED
from splitdns.check.dialects.iptables_targets import TARGETS
from splitdns.check.model import Note, Support, Unknown
from tests.check.iptables import conditions, read, table
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "dialects" / "iptables.md").read_text()
SETS = """\
create web hash:ip,port
add web 10.0.0.1,tcp:80
create block hash:net
add block 192.0.2.0/24
"""
ELEMENTS = {
    "ip": "10.0.0.1", "net": "10.0.0.0/8", "port": "tcp:80", "iface": "eth0", "mark": "1",
    "mac": "00:11:22:33:44:55", "set": "web",
}  # fmt: skip
TABLES = [
    ("DNAT|REDIRECT|NETMAP", "nat", "PREROUTING"),
    ("SNAT|MASQUERADE", "nat", "POSTROUTING"),
    ("NOTRACK|CT", "raw", "PREROUTING"),
    (".*", "mangle", "PREROUTING"),
]


def rows(heading: str) -> Iterator[tuple[str, str]]:
    """Each construct of the table under a heading, and its state."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n###")[0]
    for cells, state in re.findall(r"^\| (`.*?`) \| (\w+) \|", section, re.MULTILINE):
        for construct in re.findall(r"`([^`]+)`", cells):
            yield construct, state


def state_of(notes: tuple[Note, ...]) -> str:
    states = {note.support for note in notes}
    worst_first = (Support.UNKNOWN, Support.WIDENED, Support.IGNORED)
    return next((one.value for one in worst_first if one in states), "modelled")


CONSTRUCTS = [row for heading in ("What every rule may have", "Matches", "Targets") for row in rows(heading)]
NO_TARGET = ("-m state --state NEW", "ignored")


@pytest.mark.parametrize(("words", "state"), CONSTRUCTS, ids=[words for words, _ in CONSTRUCTS])
def test_a_construct_is_in_the_state_that_the_page_says(words: str, state: str) -> None:
    target = re.search(r"-j (\w+)", words)
    if not target and "-g " not in words and (words, state) != NO_TARGET:
        words = f"{words} -j ACCEPT"
    does = target[1] if target else ""
    name, chain = next((name, chain) for pattern, name, chain in TABLES if re.fullmatch(pattern, does))

    ruleset = read(table(":mine - [0:0]", f"-A {chain} {words}", name=name), sets=SETS)

    assert state_of(ruleset.notes) == state


TYPES = list(rows("Sets"))


@pytest.mark.parametrize(("kind", "state"), TYPES, ids=[kind for kind, _ in TYPES])
def test_a_type_of_set_is_in_the_state_that_the_page_says(kind: str, state: str) -> None:
    parts = kind.partition(":")[2].split(",")
    element = ",".join(ELEMENTS[part] for part in parts) if kind != "bitmap:port" else "80"
    sets = f"{SETS}create it {kind}\nadd it {element}\n"

    (found,) = conditions(f"-m set --match-set it {','.join(['dst'] * max(2, len(parts)))}", sets=sets)

    assert ("widened" if isinstance(found, Unknown) else "modelled") == state
    assert read_sets(sets, "sets").sets["it"].kind == kind


def test_the_page_names_every_match_and_target_that_is_modelled() -> None:
    named = {word for words, _ in CONSTRUCTS for word in words.split()}
    listed = set(re.findall(r"`(\w+)`", PAGE))

    twins = {"icmp6", "ipv6-icmp", "icmpv6", "udp"}  # of what is there
    assert {match for match in MATCHES if match not in named | listed | twins} == set()
    modelled = {"ACCEPT", "DROP", "RETURN", "REJECT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"}
    assert modelled < set(TARGETS)
    assert modelled < named
    assert len({match for match in WIDENED if match in named}) >= 20
