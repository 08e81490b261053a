from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.model import (
    Addresses,
    Condition,
    Goto,
    Jump,
    Opaque,
    Pass,
    Ports,
    Protocols,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import Numbers, numbers_of
from tests.check.iptables import action, conditions, mistakes, one_rule, table
from tests.check.iptables.cases import BASICS, TO


@pytest.mark.parametrize(("words", "expected"), BASICS, ids=[words for words, _ in BASICS])
def test_what_every_rule_may_have_means_these_conditions(words: str, expected: list[Condition]) -> None:
    rule, notes = one_rule(f"{words} -j ACCEPT")

    assert list(rule.conditions) == expected
    assert (rule.families, notes) == ({4}, ())


def test_addresses_of_ipv6() -> None:
    expected = [Addresses(Side.SOURCE, numbers_of(ip_network("2001:db8::/32")))]

    assert conditions("-s 2001:db8::/32", family=6) == expected
    assert conditions("-p icmp", family=6) == [Protocols(Numbers.one(58))]


def test_a_mask_with_holes_is_exact() -> None:
    (found,) = conditions("-s 10.0.0.7/255.0.0.255")

    assert found == Unknown("-s NAME: the name's addresses, or its mask, are not to be had")  # 65,536 ranges
    (found,) = conditions("-s 10.0.0.1/255.255.254.255")
    assert found == Addresses(Side.SOURCE, numbers_of(ip_address("10.0.0.1"), ip_address("10.0.1.1")))


@pytest.mark.parametrize("words", ["-s host.example.org", "-p fancy"])
def test_names_that_are_not_known_may_be_anything(words: str) -> None:
    rule, (note,) = one_rule(f"{words} -j ACCEPT")

    assert isinstance(rule.conditions[0], Unknown)
    assert note.support is Support.WIDENED


def test_an_option_may_stand_anywhere_after_its_match() -> None:
    web = [Protocols(Numbers.one(6)), Ports(TO, Numbers.one(80))]

    assert conditions("-p tcp --dport 80 -m nfacct --nfacct-name x") == web
    assert conditions("-m tcp -m comment --comment x --dport 80 -p tcp") == web
    assert list(one_rule("-j ACCEPT -p tcp -m tcp --dport 80")[0].conditions) == web


def test_jumps_and_gotos_go_to_chains_of_the_table() -> None:
    assert action("-j mine") == Jump("mine")
    assert action("-g mine") == Goto("mine")
    told = "rules:5:13: expected a chain of this table, found 'ACCEPT'"
    assert mistakes(table("-A INPUT -g ACCEPT")) == [told]


def test_a_rule_without_a_target_only_counts() -> None:
    rule, (note,) = one_rule("-m recent --name x --set")

    assert (rule.action, rule.conditions) == (Pass(), ())
    assert (note.support, note.name) == (Support.IGNORED, "no target")


def test_rules_that_only_log_need_no_certainty() -> None:
    rule, _ = one_rule("-p icmp ! --icmp-type 3/4 -m limit --limit 1/sec -j LOG")

    assert rule.conditions == (Protocols(Numbers.one(1)),)


def test_what_iptables_itself_could_not_print_may_hold_and_is_named() -> None:
    rule, (note,) = one_rule("-m set [unsupported revision] -p tcp -j ACCEPT")

    assert rule.conditions[0] == Unknown("-m set of a newer kernel: it is not known here")
    assert note.support is Support.UNKNOWN
    rule, (note,) = one_rule("-p tcp -j DNAT [unsupported revision]", name="nat")
    assert isinstance(rule.action, Opaque)
    assert note.support is Support.UNKNOWN


def test_a_rule_says_who_made_it() -> None:
    rule, (note,) = one_rule("-m ttl --ttl-eq 1 -m comment --comment !fw3 -j ACCEPT")

    assert (rule.origin.made_by, note.origin.made_by) == ("OpenWrt's fw3",) * 2


MISTAKES = [
    ("-s 192.0.2", "rules:5:13: expected an IPv4 address, found '192.0.2'"),
    ("-s 2001:db8::1", "rules:5:13: expected an IPv4 address, found '2001:db8::1'"),
    ("-s 192.0.2.0/33", "rules:5:13: expected a prefix length up to 32, found '192.0.2.0/33'"),
    ("-s", "rules:5:10: expected a value after -s, found none"),
    ("-p 256", "rules:5:13: expected a protocol, found '256'"),
    ("--dport 80", "rules:5:10: expected a match or a target before its option, found --dport"),
    ("! --dport 80", "rules:5:12: expected a match or a target before its option, found --dport"),
]


@pytest.mark.parametrize(("words", "mistake"), MISTAKES)
def test_a_value_that_cannot_be_is_told(words: str, mistake: str) -> None:
    assert mistakes(table(f"-A INPUT {words}")) == [mistake]
