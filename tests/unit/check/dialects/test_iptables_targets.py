from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.dialects.iptables_targets import TARGETS
from splitdns.check.model import (
    Action,
    Opaque,
    Pass,
    Ports,
    Support,
    Translate,
)
from splitdns.check.sets import Numbers, numbers_of
from tests.check.iptables import action, chain_of, mistakes, one_rule, read, table
from tests.check.iptables.cases import SERVER, TO, port
from tests.check.iptables.cases import TARGETS as CASES

SIX = numbers_of(ip_address("2001:db8::5"))


@pytest.mark.parametrize(("name", "words", "expected"), CASES, ids=[words for _, words, _ in CASES])
def test_a_target_does_this(name: str, words: str, expected: Action) -> None:
    rule, notes = one_rule(words, name=name)

    assert rule.action == expected
    assert [note.support for note in notes] == [Support.IGNORED] * isinstance(expected, Pass)


def test_a_range_of_ports_keeps_those_in_it_and_makes_others_its_first() -> None:
    line = "-A PREROUTING -p tcp -m multiport --dports 80,81,90 -j DNAT --to-destination 10.0.0.5:80-85"

    ruleset = read(table(line, name="nat"))

    inside, outside = chain_of(ruleset, "PREROUTING").rules
    assert inside.conditions[-1] == Ports(TO, port(80, 81))
    assert inside.action == Translate(TO, SERVER)
    assert outside.conditions[-1] == Ports(TO, port(90))
    assert outside.action == Translate(TO, SERVER, port(80))
    assert inside.origin == outside.origin
    assert ruleset.rules == 1


def test_addresses_of_ipv6_stand_in_brackets_before_a_port() -> None:
    def six(words: str) -> Action:
        return action(words, family=6, name="nat")

    assert six("-j DNAT --to-destination 2001:db8::5") == Translate(TO, SIX)
    assert six("-j DNAT --to-destination [2001:db8::5]") == Translate(TO, SIX)
    assert six("-p tcp -j DNAT --to-destination [2001:db8::5]:80") == Translate(TO, SIX, port(80))
    both = Numbers.of((SIX.first, SIX.first + 4))
    brackets = "[2001:db8::5-2001:db8::9]:80"
    assert six(f"-p tcp -j DNAT --to-destination {brackets}") == Translate(TO, both, port(80))
    assert six("-j DNAT --to-destination 2001:db8::5-2001:db8::9") == Translate(TO, both)
    assert six("-p tcp -j DNAT --to-destination :80") == Translate(TO, None, port(80))


@pytest.mark.parametrize(
    "words",
    [
        "-j NFQUEUE --queue-num 0 --queue-bypass",
        "-p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
        "-j CT --zone 5",
        "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf",
        "-j MARK",
        "-j MARK --or-mark 1 --or-mark 2",
    ],
)
def test_targets_that_are_not_modelled_may_do_anything_and_are_named(words: str) -> None:
    rule, (note,) = one_rule(words, name="mangle")

    assert isinstance(rule.action, Opaque)
    assert (note.support, note.origin) == (Support.WIDENED, rule.origin)


def test_targets_that_nobody_knows_may_do_anything_and_are_named() -> None:
    rule, (note,) = one_rule("-j WARP --factor 9")

    assert isinstance(rule.action, Opaque)
    assert (note.support, note.name) == (Support.UNKNOWN, "target WARP")


def test_targets_that_let_pass_are_named() -> None:
    rule, (note,) = one_rule('-m limit --limit 1/sec -j LOG --log-prefix "-j DROP "')

    assert (rule.action, rule.conditions) == (Pass(), ())
    assert (note.support, note.name) == (Support.IGNORED, "target LOG")


MISTAKES = [
    ("-j DNAT", "rules:6:17: expected --to-destination after DNAT, found the end of the line"),
    ("-j DNAT --to-destination 10.0.0.x", "expected an IPv4 address, found '10.0.0.x'"),
    ("-j DNAT --to-destination 10.0.0.9-10.0.0.5", "expected a range from the lower address to the higher"),
    ("-j DNAT --to-destination 10.0.0.5:x", "found '10.0.0.5:x'"),
    ("-j DNAT --to-destination 10.0.0.5:9-8", "expected a range from the lower port to the higher"),
    ("-j DNAT --to-destination :", "expected ADDRESS[-ADDRESS][:PORT[-PORT]], found ':'"),
    ("-j NETMAP --to 10.0.0.0/99", "expected an IPv4 network, found '10.0.0.0/99'"),
    ("-j REDIRECT --to-ports 70000", "expected a port, found '70000'"),
    ("-j ACCEPT -j DROP", "expected one target, found -j"),
]


@pytest.mark.parametrize(("words", "mistake"), MISTAKES)
def test_a_value_that_cannot_be_is_told(words: str, mistake: str) -> None:
    (told,) = mistakes(table(f"-A INPUT {words}", name="nat"))

    assert mistake in told


def test_every_target_is_read_without_options_or_says_which_it_needs() -> None:
    for target in TARGETS:
        told = mistakes(table(f"-A INPUT -j {target}"))
        assert told == [] or "after " + target in told[0]
