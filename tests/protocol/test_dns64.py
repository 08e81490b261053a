"""DNS64 (RFC 6147), bytes to bytes."""

from __future__ import annotations

from pathlib import Path

import dns.flags
import dns.rcode
import dns.reversename
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.names import fold, to_text, wire_from_text
from splitdns.records import RRset, Type
from tests.serving import SPLIT_CONFIG, World, records

ZONES = {
    "example.org.yaml": """
zone: example.org
ns: [ns1]
records:
  ns1:  {A: 192.168.1.2}
  www:  {A: 198.51.100.7}
  both: {A: 198.51.100.8, AAAA: "2001:db8::8"}
"""
}
CONFIG = SPLIT_CONFIG.replace("horizon: [inside],      ", 'horizon: [inside], dns64: "64:ff9b::/96", ')
CONFIG = CONFIG.replace("horizon: [vpn, inside],", 'horizon: [vpn, inside], dns64: "2001:db8:64::/96",')


def upstream(forward: Forward) -> Reply:
    """v4 names have an A record, v6 names an AAAA, all reverse names a PTR."""
    name, text = forward.name, to_text(fold(forward.name))
    if text.endswith(".arpa.") and forward.qtype == Type.PTR:
        return Reply(0, (RRset(name, Type.PTR, 60, (wire_from_text("host.example."),)),))
    if text.startswith("alias."):
        end = wire_from_text("v4.example.")
        alias = RRset(name, Type.CNAME, 60, (end,))
        addresses = (RRset(end, Type.A, 60, (b"\xc6\x33\x64\1",)),)
        return Reply(0, (alias, *(addresses if forward.qtype == Type.A else ())))
    if text.startswith("none."):
        return Reply(dns.rcode.NXDOMAIN)
    if text.startswith("v4") and forward.qtype == Type.A:
        return Reply(0, (RRset(name, Type.A, 60, (b"\xc6\x33\x64\1",)),))
    if text.startswith("v6") and forward.qtype == Type.AAAA:
        return Reply(0, (RRset(name, Type.AAAA, 60, (b"\x20\1\x0d\xb8" + bytes(12),)),))
    return Reply(0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, ZONES, CONFIG, upstream)


@pytest.mark.parametrize(
    ("asked", "client", "answer"),
    [
        ("v4.example. AAAA", "lan", ["v4.example. 60 in aaaa 64:ff9b::c633:6401"]),
        ("v4.example. AAAA", "vpn", ["v4.example. 60 in aaaa 2001:db8:64::c633:6401"]),
        ("v4.example. AAAA", "guest", []),
        ("v4.example. A", "lan", ["v4.example. 60 in a 198.51.100.1"]),
        ("v6.example. AAAA", "lan", ["v6.example. 60 in aaaa 2001:db8::"]),
        ("none.example. AAAA", "lan", []),
        (
            "alias.example. AAAA",
            "lan",
            ["alias.example. 60 in cname v4.example.", "v4.example. 60 in aaaa 64:ff9b::c633:6401"],
        ),
        ("www.example.org. AAAA", "lan", ["www.example.org. 60 in aaaa 64:ff9b::c633:6407"]),
        ("both.example.org. AAAA", "lan", ["both.example.org. 3600 in aaaa 2001:db8::8"]),
        ("ns1.example.org. AAAA", "lan", []),
        ("ns1.example.org. AAAA", "vpn", ["ns1.example.org. 60 in aaaa 2001:db8:64::c0a8:102"]),
        (
            "ipv4only.arpa. AAAA",
            "lan",
            ["ipv4only.arpa. 600 in aaaa 64:ff9b::c000:aa", "ipv4only.arpa. 600 in aaaa 64:ff9b::c000:ab"],
        ),
    ],
)
def test_who_has_no_ipv6_address_gets_one_made(
    asked: str, client: str, answer: list[str], world: World
) -> None:
    name, rdtype = asked.split()
    for _ in range(2):
        got = world.ask(name, rdtype, client=client)
        lines = records(got.answer)
        if name.startswith("ipv4only"):
            lines = [line.replace(" 10800 ", " 600 ") for line in lines]
        assert lines == answer


def test_a_name_that_does_not_exist_stays_so_and_is_not_asked_twice(world: World) -> None:
    assert world.ask("none.example.", "AAAA", client="lan").rcode() == dns.rcode.NXDOMAIN
    assert len(world.forwarder.asked) == 1


def test_who_validates_by_itself_gets_the_truth__rfc6147_5_5(world: World) -> None:
    made = world.ask("v4.example.", "AAAA", client="lan", want_dnssec=True)
    assert made.answer
    assert not made.flags & dns.flags.AD
    flags = dns.flags.RD | dns.flags.CD
    assert not world.ask("v4.example.", "AAAA", client="lan", want_dnssec=True, flags=flags).answer


def test_the_name_of_a_made_address_is_that_of_the_address_in_it__rfc6147_5_3_1(world: World) -> None:
    name = dns.reversename.from_address("64:ff9b::909:909").to_text()
    got = world.ask(name, "PTR", client="lan")
    assert records(got.answer) == sorted(
        [
            f"{name} 600 in cname 9.9.9.9.in-addr.arpa.",
            "9.9.9.9.in-addr.arpa. 60 in ptr host.example.",
        ]
    )


def test_no_prefix_carries_an_inside_address_to_an_outside_view__semantics_1(tmp_path: Path) -> None:
    def private(forward: Forward) -> Reply:
        address = RRset(forward.name, Type.A, 60, (b"\xc0\xa8\1\1",))
        return Reply(0, (address,) if forward.qtype == Type.A else ())

    prefix = '[outside], dns64: "2001:db8:64::/96", recursion'
    config = SPLIT_CONFIG.replace("[outside],     recursion", prefix)
    assert config != SPLIT_CONFIG
    here = World(tmp_path, ZONES, config, private)
    for name in ("x.example.", "ns1.example.org."):
        assert not here.ask(name, "AAAA", client="guest").answer
    assert here.forwarder.asked


@pytest.mark.parametrize(
    "prefix", ["64:ff9b::/95", "64:ff9b::", "192.0.2.0/24", "64:ff9b::1/96", "2001:db8::ff00:0:0:0/96"]
)
def test_a_prefix_that_cannot_hold_addresses_is_a_mistake(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        World(tmp_path, ZONES, CONFIG.replace("64:ff9b::/96", prefix), upstream)
    assert "expected a prefix like 64:ff9b::/96" in str(caught.value.exceptions[0])
