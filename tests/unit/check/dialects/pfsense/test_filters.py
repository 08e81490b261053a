"""Filter rules: which one decides."""

from __future__ import annotations

import pytest

from splitdns.check.model import Support
from tests.check.gateways import ended
from tests.check.pfsense.configs import (
    ALLOW_LAN,
    DMZ_WEB,
    IN_LAN,
    INTERNET,
    PUBLIC,
    config,
    device,
    gateway,
    rule,
)

FLOATING, QUICK = "<floating>yes</floating><direction>any</direction>", "<quick>yes</quick>"


def lan(filters: str, ports: int = 443, at: str = DMZ_WEB, **more: object) -> str:
    return ended(gateway(config(filters=filters)), IN_LAN, at=at, ports=ports, **more)


def test_an_interface_s_first_rule_decides() -> None:
    block = rule("lan", kind="block")

    assert lan(ALLOW_LAN + block) == "ok-routed dmz-web"
    assert lan(block + ALLOW_LAN) == "dropped"
    assert lan(rule("lan", kind="reject")) == "refused"
    assert lan("") == "dropped"


def test_floating_rules_go_first_and_decide_only_if_quick() -> None:
    slow = rule("lan", kind="block", more=FLOATING)
    quick = rule("lan", kind="block", more=FLOATING + QUICK)
    passes = rule("lan", more=FLOATING)

    assert lan(ALLOW_LAN + quick) == "dropped"
    assert lan(ALLOW_LAN + slow) == "ok-routed dmz-web"
    assert lan(slow + passes) == "ok-routed dmz-web"  # the last of them
    assert lan(passes + slow) == "dropped"


def test_floating_rules_see_the_way_out_too() -> None:
    out = "<floating>yes</floating><direction>out</direction>" + QUICK
    block = rule("opt1", "<any/>", "<any/>", kind="block", more=out)

    assert lan(ALLOW_LAN + block) == "dropped"
    assert lan(ALLOW_LAN + block, at="198.51.100.9") == "ok-routed"


def test_a_rule_for_the_way_out_is_not_asked_on_the_way_in() -> None:
    out = "<floating>yes</floating><direction>out</direction>"
    block = rule("lan", kind="block", more=out + QUICK)

    assert lan(ALLOW_LAN + block) == "ok-routed dmz-web"
    both = rule("lan", kind="block", more="<floating>yes</floating>" + QUICK)
    assert lan(ALLOW_LAN + both) == "dropped"  # nothing said is both ways
    first_and_last = rule("opt1", kind="block", more=out) + rule("opt1", more=out)
    assert lan(ALLOW_LAN + first_and_last) == "ok-routed dmz-web"


def test_what_leaves_is_seen_with_the_source_that_it_has_then() -> None:
    out = "<floating>yes</floating><direction>out</direction>" + QUICK
    own = rule("wan", "<network>lan</network>", kind="block", more=out)
    public = rule("wan", "<network>wanip</network>", kind="block", more=out)

    assert lan(ALLOW_LAN + own, at="198.51.100.9") == "ok-routed"
    assert lan(ALLOW_LAN + public, at="198.51.100.9") == "dropped"


def test_groups_go_between() -> None:
    group = "<ifgroupentry><ifname>inside</ifname><members>lan opt1</members></ifgroupentry>"
    blocked = ALLOW_LAN + rule("inside", kind="block")
    text = config(filters=blocked, more=f"<ifgroups>{group}</ifgroups>")

    assert ended(gateway(text), IN_LAN, at=DMZ_WEB) == "dropped"
    floating = rule("lan", more=FLOATING + QUICK)
    text = config(filters=rule("inside", kind="block") + floating, more=f"<ifgroups>{group}</ifgroups>")
    assert ended(gateway(text), IN_LAN, at=DMZ_WEB) == "ok-routed dmz-web"


def test_protocols_ports_and_types_are_asked_for() -> None:
    assert lan(rule("lan", "<any/>", "<any/><port>443</port>", protocol="tcp")) == "ok-routed dmz-web"
    assert lan(rule("lan", "<any/>", "<any/><port>443</port>")) == "ok-routed dmz-web"  # TCP is meant
    assert lan(rule("lan", "<any/>", "<any/><port>80-442</port>", protocol="tcp/udp")) == "dropped"
    ping = rule("lan", protocol="icmp", more="<icmptype>echoreq</icmptype>")
    assert lan(ping, 8, protocol=1) == "ok-routed dmz-web"
    assert lan(ping.replace("echoreq", "timereq"), 8, protocol=1) == "dropped"


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("<os>Linux</os>", "os"),
        ("<sched>nights</sched>", "sched"),
        ("<tagged>vpn</tagged>", "tagged"),
        ("<dscp>af11</dscp>", "dscp"),
        ("<statetype>none</statetype>", "statetype"),
        ("<tcpflags1>syn</tcpflags1><tcpflags2>syn,ack</tcpflags2>", "tcpflags"),
    ],
)
def test_what_is_not_modelled_makes_a_maybe(more: str, name: str) -> None:
    text = rule("lan", more=more)
    notes = device(config(filters=text)).ruleset.notes

    assert lan(text) == "maybe"
    assert [note.name for note in notes if note.support is Support.WIDENED] == [name]


def test_what_was_never_seen_makes_a_maybe_by_name() -> None:
    found = device(config(filters=rule("lan", more="<phaseofthemoon>full</phaseofthemoon>"))).ruleset

    assert [note.name for note in found.notes if note.support is Support.UNKNOWN] == ["phaseofthemoon"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (rule("lan", more="<disabled/>"), "it is disabled"),
        (rule("lan", kind="match"), "it only gives marks and queues, and decides nothing"),
        (rule("opt9"), "left out: its interface opt9 is not enabled"),
        (rule("lan", "<address>x</address>"), "left out: x is no alias and no interface"),
        (rule(""), "left out: it has no interface"),
        (
            rule("lan", more="<gateway>VPN</gateway>"),
            "what it lets out takes gateway VPN: which uplink is not followed",
        ),
    ],
)
def test_what_is_left_out_or_has_no_effect_is_noted(text: str, reason: str) -> None:
    notes = device(config(filters=text)).ruleset.notes

    assert reason in [note.reason for note in notes]


def test_a_type_that_is_none_is_an_error() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(config(filters=rule("lan", kind="shrug")))
    assert "expected pass, block, reject or match as <type>" in str(caught.value.exceptions[0])


def test_opnsense_lets_a_rule_of_one_interface_wait_too() -> None:
    slow = rule("lan", kind="block", more="<quick>0</quick>")
    text = config(filters=slow + ALLOW_LAN, root="opnsense")

    assert ended(gateway(text), IN_LAN, at=DMZ_WEB) == "ok-routed dmz-web"
    assert ended(gateway(config(filters=slow, root="opnsense")), IN_LAN, at=DMZ_WEB) == "dropped"
    assert ended(gateway(text), INTERNET, at=PUBLIC) == "dropped"
