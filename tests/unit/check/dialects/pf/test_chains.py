"""A pf.conf as chains: whose table, in what order, at which hooks."""

from __future__ import annotations

import pytest

from splitdns.check.model import Accept, Addresses, Drop, Hook, Original, Reject, Ruleset, Translate
from tests.check.pf import read

OPENBSD = """\
set skip on lo
block return
pass in on egress inet proto tcp to (egress) port 443 rdr-to 192.168.1.20
match out on egress inet nat-to (egress:0)
pass out
"""
FREEBSD = """\
nat on em0 inet from em1:network -> (em0)
rdr pass on em0 inet proto tcp to (em0) port 443 -> 192.168.1.20
block in on em0
pass out
"""


def layout(ruleset: Ruleset) -> list[tuple[str, str, str | None, int]]:
    return [(one.table, one.name, one.hook and one.hook.value, one.priority) for one in ruleset.chains]


def test_openbsd_filters_before_the_source_is_translated() -> None:
    assert layout(read(OPENBSD).ruleset) == [
        ("pf-openbsd nat", "rdr", "prerouting", -100),
        ("pf-openbsd nat", "nat", "postrouting", 100),
        ("pf-openbsd filter", "marks postrouting", "postrouting", 49),
        ("pf-openbsd filter", "in", None, 0),
        ("pf-openbsd filter", "forward", "forward", 0),
        ("pf-openbsd filter", "input", "input", 0),
        ("pf-openbsd filter", "out", "postrouting", 50),
    ]


def test_freebsd_filters_behind_all_translation() -> None:
    assert layout(read(FREEBSD).ruleset) == [
        ("pf-freebsd nat", "prerouting", "prerouting", -100),
        ("pf-freebsd nat", "rdr in", None, 0),
        ("pf-freebsd nat", "postrouting", "postrouting", 100),
        ("pf-freebsd nat", "nat out", None, 0),
        ("pf-freebsd filter", "in", None, 0),
        ("pf-freebsd filter", "forward", "forward", 0),
        ("pf-freebsd filter", "input", "input", 0),
        ("pf-freebsd filter", "out", "postrouting", 150),
    ]


def test_rules_are_counted_as_they_were_written() -> None:
    assert read(OPENBSD).ruleset.rules == read(FREEBSD).ruleset.rules == 4


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("block", Drop()),
        ("block return", Reject(reset=True)),
        ("block return-icmp", Reject()),
        ("pass", Accept()),
    ],
)
def test_what_a_rule_does(text: str, action: object) -> None:
    chain = next(one for one in read(text).ruleset.chains if one.name == "in")

    assert chain.rules[-1].action == action


def test_a_rule_that_is_the_same_in_both_families_is_one() -> None:
    chain = next(one for one in read("block").ruleset.chains if one.name == "in")

    assert [rule.families for rule in chain.rules] == [frozenset({4, 6})] * 2


def test_a_block_that_decides_keeps_the_translation_of_a_match() -> None:
    text = "match in inet proto tcp to (egress) port 443 rdr-to 192.168.1.20\nblock\n"
    rdr = read(text).ruleset.chains[0]

    assert (rdr.hook, [(type(rule.action), rule.origin.where.line) for rule in rdr.rules]) == (
        Hook.PREROUTING, [(Translate, 1)],
    )  # fmt: skip


def test_a_match_translates_what_an_earlier_rule_decides() -> None:
    text = "pass\nmatch in inet proto tcp to (egress) port 443 rdr-to 192.168.1.20\n"
    rdr = read(text).ruleset.chains[0]

    translating = [rule.origin.where.line for rule in rdr.rules if isinstance(rule.action, Translate)]
    assert set(translating) == {2}


def test_a_rule_behind_a_match_is_kept_where_it_cannot_hold_for_the_address_before_it() -> None:
    text = (
        "match in inet proto tcp to (egress) port 443 rdr-to 192.168.1.20\n"
        "block\npass in inet proto tcp to 203.0.113.7 port 443\n"
    )
    chain = next(one for one in read(text).ruleset.chains if one.name == "in")

    kinds = {
        type(one)
        for rule in chain.rules
        if rule.origin.where.line == 3
        for one in rule.conditions
        if isinstance(one, Addresses | Original)
    }
    assert kinds == {Addresses, Original}
