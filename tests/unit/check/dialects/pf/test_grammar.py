"""Statements of a pf.conf."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.grammar import Grammar
from splitdns.check.dialects.pf.values import Anchor, Does, On, Rule, Written
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Support
from splitdns.errors import Problems


def read(text: str, *others: tuple[str, str]) -> tuple[Written, list[str]]:
    problems = Problems()
    texts = [Printed(text, "pf.conf"), *(Printed(one, name) for name, one in others)]
    grammar = Grammar(texts, problems)
    grammar.file(texts[0])
    return grammar.written, [str(error) for error in problems.errors]


def rules(text: str) -> list[Rule]:
    written, errors = read(text)
    assert errors == []
    return [one for one in written.rules if isinstance(one, Rule)]


def test_a_rule() -> None:
    text = "pass in log (all) quick on egress inet proto tcp from any to (egress) port 80 \\\n tag WEB"
    (rule,) = rules(text)

    assert (rule.does, rule.direction, rule.quick, rule.tag) == (Does.PASS, "in", True, "WEB")
    assert rule.when.on == (On("egress"),)
    assert (rule.when.family, rule.when.flags, rule.stateful) == (4, (2, 18), True)
    assert rule.origin.text.startswith("pass in log (all) quick on egress")
    assert rule.origin.text.endswith("port 80 tag WEB")


def test_what_a_block_answers() -> None:
    text = "block\nset block-policy return\nblock\nblock drop\nblock return-rst\nblock return-icmp(3)\n"

    answers = [rule.answer for rule in rules(text)]

    assert answers == ["drop", "return", "drop", "return-rst", "return-icmp"]


def test_flags_are_looked_at_where_state_is_kept() -> None:
    text = "pass\npass no state\npass flags any\nblock\npass flags A/A\n"

    flags = [rule.when.flags for rule in rules(text)]

    assert flags == [(2, 18), None, None, None, (16, 16)]


def test_macros_and_tables() -> None:
    text = 'if = "{ em0 em1 }"\nnets = 10/8\ntable <t> const { $nets, !10.0.0.1 }\npass on $if from <t>\n'
    written, errors = read(text)

    assert errors == []
    assert [one.name for one in written.tables["t"].hosts] == ["10.0.0.0/8", "10.0.0.1"]
    assert not written.tables["t"].why
    assert rules(text)[0].when.on == (On("em0"), On("em1"))


@pytest.mark.parametrize(
    ("table", "others", "known"),
    [
        ("table <t> persist", (), False),
        ("table <t> persist { 10.0.0.1 }", (), True),
        ('table <t> persist file "/etc/t"', (), False),
        ('table <t> persist file "/etc/t"', (("t", "10.0.0.1 # one\n\n10.0.0.2\n"),), True),
        ("table <t> const", (), True),
    ],
)
def test_what_a_table_holds_may_not_be_known(
    table: str, others: tuple[tuple[str, str], ...], known: bool
) -> None:
    written, errors = read(table, *others)

    assert errors == []
    assert bool(written.tables["t"].why) is not known


def test_anchors_hold_their_rules() -> None:
    written, errors = read('anchor "web" quick in on em0 {\n block\n anchor { pass }\n}\npass\n')

    assert errors == []
    anchor, last = written.rules
    assert isinstance(anchor, Anchor)
    assert (anchor.name, anchor.direction, anchor.quick, len(anchor.rules)) == ("web", "in", True, 2)
    assert isinstance(last, Rule)


@pytest.mark.parametrize(
    "line", ['anchor "ftp-proxy/*"', 'load anchor a from "/etc/a"', 'rdr-anchor "miniupnpd"', "nat-anchor a"]
)
def test_rules_that_are_elsewhere_are_refused_by_name(line: str) -> None:
    written, errors = read(line)

    assert errors == []
    (note,) = written.notes
    assert note.support is Support.REFUSED
    assert note.origin.text == line


def test_antispoof_is_two_rules_for_each_interface() -> None:
    made = rules("antispoof quick for { lo0 em0 } inet")

    assert [str(one.origin).endswith("(antispoof)") for one in made] == [True] * 3
    assert [(one.when.on, one.when.sources[0].name) for one in made] == [
        ((On("lo0", negated=True),), "127.0.0.0/8"),
        ((On("em0", negated=True),), "em0"),
        ((), "em0"),
    ]


def test_binat_to_works_in_both_directions() -> None:
    out, into = rules("match on egress from 10.0.0.5 binat-to 203.0.113.9")

    assert out.nat is not None
    assert (out.direction, out.nat.hosts[0].name) == ("out", "203.0.113.9")
    assert into.rdr is not None
    assert (into.direction, into.when.destinations[0].name, into.rdr.hosts[0].name) == (
        "in", "203.0.113.9", "10.0.0.5",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "family"),
    [("10.0.0.5", 4), ("2001:db8::5", 6), ("{ 10.0.0.5 10.0.0.6 }", 4), ("(egress:0)", None)],
)
def test_a_rule_is_of_the_family_to_which_it_translates(target: str, family: int | None) -> None:
    (rule,) = rules(f"pass in proto tcp to port 443 rdr-to {target}")

    assert rule.when.family == family


def test_translation_rules_of_freebsd() -> None:
    text = (
        "nat on em0 from 10/8 to any -> (em0)\nno rdr on em1\n"
        "rdr pass on em0 proto tcp to (em0) port 80 -> 10.0.0.5 port 8080 tag WEB\n"
        "binat on em0 from 10.0.0.9 -> 203.0.113.9\n"
    )
    written, errors = read(text)

    assert errors == []
    kinds = [(one.kind, one.target is None, one.passes, one.tag) for one in written.translations]
    assert kinds == [
        ("nat", False, False, ""),
        ("rdr", True, False, ""),
        ("rdr", False, True, "WEB"),
        ("binat", False, False, ""),
    ]
    assert written.first_old is not None
    assert written.first_old.where.line == 1


@pytest.mark.parametrize(
    "line", ["set limit states 100000", "set state-policy if-bound", "queue up on em0", "scrub in all"]
)
def test_what_changes_no_packet_s_way_is_ignored(line: str) -> None:
    assert [note.support for note in read(line)[0].notes] == [Support.IGNORED]


def test_an_option_that_nobody_knows_is_unknown() -> None:
    assert [note.support for note in read("set magic on")[0].notes] == [Support.UNKNOWN]
    assert [note.support for note in read("ether block in all")[0].notes] == [Support.WIDENED]


def test_files_are_included_from_the_other_sources() -> None:
    written, errors = read('include "/etc/pf.more"\npass\n', ("site/pf.more", "block\n"))

    assert errors == []
    assert [one.origin.where.file for one in written.rules if isinstance(one, Rule)] == [
        "site/pf.more", "pf.conf",
    ]  # fmt: skip


def test_files_that_include_each_other_end() -> None:
    _, errors = read('include "a"\n', ("a", 'include "a"\n'))

    assert len(errors) == 1
    assert "at most 8 deep" in errors[0]


def test_every_mistake_is_told_and_the_rest_is_read() -> None:
    written, errors = read("pass in wrong\nblock }\npass\nanchor {\n wrong\n pass\n}\npass on\n")

    places = [error.split(": ")[0].removeprefix("pf.conf:") for error in errors]
    assert places == ["1:9", "2:7", "5:2", "8:8"]
    assert len(written.rules) >= 2


def test_an_anchor_that_is_not_closed_is_told() -> None:
    assert read("anchor {\n pass\n")[1] == ["pf.conf:3:1: expected '}', found the end of the file"]
