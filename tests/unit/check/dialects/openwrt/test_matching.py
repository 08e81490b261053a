"""What all sections ask of a packet."""

from __future__ import annotations

import pytest

from splitdns.check.model import Condition, Mark, Of, Protocols, Unknown
from splitdns.check.sets import Numbers
from tests.check.openwrt.routers import notes, rules, section


def conditions(**more: str) -> tuple[Condition, ...]:
    (rule,) = rules("input_wan", section("rule", src="wan", target="ACCEPT", **{"proto": "tcp", **more}))
    return rule.conditions


def test_marks_are_followed() -> None:
    assert Mark(Of.PACKET, Numbers.one(1), 15) in conditions(mark="0x1/0xf")
    assert Mark(Of.PACKET, Numbers.of((0, 0), (2, 15)), 15) in conditions(mark="!0x1/0xf")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("src_mac", "02:00:00:00:00:01", "the hardware address"),
        ("start_time", "08:00", "the time of day, or the date"),
        ("helper", "ftp", "a helper's connections"),
        ("dscp", "EF", "the class of service"),
        ("proto", "pigeon", "the protocol pigeon"),
    ],
)
def test_what_is_not_followed_may_hold_or_not(name: str, value: str, reason: str) -> None:
    assert Unknown(reason) in conditions(**{name: value})


def test_icmp_is_that_of_the_family() -> None:
    assert Protocols(Numbers.of((1, 1), (58, 58))) in conditions(proto="icmp")
    assert Protocols(Numbers.one(58)) in conditions(proto="icmp", family="ipv6")


def test_what_is_of_both_families_is_left_out() -> None:
    (note,) = notes(section("rule", src="wan", src_ip="10.0.0.1", dest_ip="::1", target="ACCEPT"))

    assert note.reason == "fw4 leaves it out: it speaks of IPv4 here and of IPv6 there"


def test_a_zone_that_is_not_there_leaves_a_section_out() -> None:
    (note,) = notes(section("rule", src="vpn", target="ACCEPT"))

    assert note.reason == (
        "fw4 leaves it out: option src: expected * or a zone (lan, dmz, guest, wan), found 'vpn'"
    )
