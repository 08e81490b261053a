"""Marks by name, and the notes of a rule."""

from __future__ import annotations

from splitdns.check.dialects.routeros.rule import MAX_MARKS, PACKET, ROUTING, Marks, marks_of
from splitdns.check.model import Of
from tests.check.routeros import config, usual


def test_marks_of_packets_and_of_routing_do_not_meet() -> None:
    marks = Marks()

    packet, routing = marks.of("packet", "a"), marks.of("routing", "a")
    assert packet == (Of.PACKET, 1, PACKET)
    assert routing == (Of.PACKET, 1 << 16, ROUTING)
    assert PACKET & ROUTING == 0
    assert marks.of("packet", "b")[1] == 2
    assert marks.of("packet", "a") == packet
    assert marks.of("connection", "no-mark") == (Of.CONNECTION, 0, 0xFFFF_FFFF)


def test_more_marks_than_bits_are_too_many() -> None:
    marks = Marks(packet={str(at): at + 1 for at in range(MAX_MARKS)})
    assert not marks.too_many()
    marks.of("packet", "one more")
    assert marks.too_many()


def test_the_marks_are_those_that_rules_set() -> None:
    items = config("/ip firewall mangle\nadd action=mark-routing new-routing-mark=isp2 packet-mark=p").items

    assert marks_of(items["ip firewall mangle"]) == Marks(routing={"isp2": 1})


def test_a_rule_that_only_counts_widens_nothing() -> None:
    rules = "/ip firewall filter\nadd action={} chain=forward content=x"

    assert [note.name for note in usual(rules.format("passthrough")).ruleset.notes] == []
    assert [note.name for note in usual(rules.format("drop")).ruleset.notes] == ["content"]
    assert [note.name for note in usual(rules.format("log")).ruleset.notes] == ["action log"]
