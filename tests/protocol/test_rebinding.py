"""DNS rebinding, bytes to bytes: what upstreams may not say to clients inside."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.rcode
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.metrics import LEAKS_BLOCKED, REBINDINGS_BLOCKED
from splitdns.names import fold, to_text, wire_from_text
from splitdns.records import RRset, Type
from tests.serving import SPLIT_CONFIG, World, records

ZONES = {
    "example.org.yaml": """
zone: example.org
mode: overlay
ns: [ns1]
records: {ns1: {A: 192.168.1.2}, nas: {A: 192.168.1.3}, alias: {CNAME: www.evil.example.}}
"""
}
CONFIG = SPLIT_CONFIG + "  - {domains: [corp.example], upstreams: [10.8.0.53]}\n"
INSIDE, PUBLIC = bytes((192, 168, 1, 1)), bytes((198, 51, 100, 1))


def upstream(forward: Forward) -> Reply:
    """Every name has one inside address and, where its name says so, a public one; aliases by name."""
    name, rrsets = forward.name, []
    for start, target in (("evil-alias", "www.evil.example."), ("to-nas", "nas.example.org.")):
        if fold(name).startswith(bytes([len(start)]) + start.encode()):
            rrsets.append(RRset(name, Type.CNAME, 60, (wire_from_text(target),)))
            name = rrsets[0].rdatas[0]
    if forward.qtype == Type.A and b"nas" not in name:
        addresses = (INSIDE, PUBLIC) if b"mixed" in name else (INSIDE,)
        rrsets.append(RRset(name, Type.A, 60, addresses))
    return Reply(dns.rcode.NOERROR, tuple(rrsets))


def world(directory: Path, config: str = CONFIG) -> World:
    return World(directory, ZONES, config, upstream)


def blocked(here: World, view: str = "lan") -> float:
    return here.counts.value(REBINDINGS_BLOCKED, view)


@pytest.mark.parametrize("name", ["www.evil.example.", "evil-alias.example.net.", "alias.example.org."])
def test_a_strange_name_gets_no_inside_address(name: str, tmp_path: Path) -> None:
    here = world(tmp_path)
    for times in (1, 2):
        got = here.ask(name, client="lan", use_edns=0)
        assert got.rcode() == dns.rcode.NOERROR
        assert not any(rrset.rdtype == Type.A for rrset in got.answer)
        (option,) = got.options
        assert isinstance(option, dns.edns.EDEOption)
        assert option.code == dns.edns.EDECode.BLOCKED
        assert blocked(here) == times
    assert len(here.forwarder.asked) == 2, "a stripped answer is not asked for again"


def test_public_addresses_beside_it_stay(tmp_path: Path) -> None:
    got = world(tmp_path).ask("mixed.evil.example.", client="lan")
    assert records(got.answer) == ["mixed.evil.example. 60 in a 198.51.100.1"]


@pytest.mark.parametrize("name", ["www.corp.example.", "undeclared.example.org.", "printer.lan.", "printer."])
def test_names_that_can_mean_it_keep_theirs(name: str, tmp_path: Path) -> None:
    here = world(tmp_path)
    assert records(here.ask(name, client="lan").answer) == [f"{name} 60 in a 192.168.1.1"]
    assert blocked(here) == 0


def test_a_name_of_ours_at_the_end_of_a_strange_alias_is_ours(tmp_path: Path) -> None:
    got = world(tmp_path).ask("to-nas.evil.example.", client="lan")
    assert records(got.answer)[0] == "nas.example.org. 60 in a 192.168.1.3"


def test_a_view_may_allow_it_for_all_or_for_some(tmp_path: Path) -> None:
    config = CONFIG.replace("horizon: [inside],      ", "horizon: [inside], rebinding: allow, ")
    vpn = "horizon: [vpn, inside],"
    config = config.replace(vpn, f"{vpn} rebinding_allow: [plex.direct],")
    here = world(tmp_path, config)
    assert here.ask("www.evil.example.", client="lan").answer
    assert not here.ask("www.evil.example.", client="vpn").answer
    assert here.ask("a.plex.direct.", client="vpn").answer
    assert (blocked(here), blocked(here, "vpn")) == (0, 1)


def test_an_outside_view_gets_none_whatever_is_trusted__semantics_1(tmp_path: Path) -> None:
    here = world(tmp_path)
    for name in ("www.corp.example.", "printer.lan.", "www.evil.example."):
        assert not here.ask(name, client="guest").answer, to_text(wire_from_text(name))
    assert here.counts.value(LEAKS_BLOCKED, "guest", "address") == 3
    assert blocked(here, "guest") == 0
