"""One name in one zone (RFC 1034 4.3.2, RFC 4592, RFC 6672)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.answer.lookup import (
    Delegated,
    Failed,
    Found,
    Inherited,
    NoData,
    NoName,
    NotOurs,
    Outcome,
    Redirected,
    lookup,
)
from splitdns.names import Qname, from_text
from splitdns.records import Ede, RRset, Type, type_from_text
from splitdns.zone import Node, Zone, pack
from tests.build import zone

PLAIN = zone(
    """
@       3600 IN NS    ns1
www     3600 IN A     192.0.2.1
alias   3600 IN CNAME www
a.b.ent 3600 IN A     192.0.2.2
*.wild  3600 IN A     192.0.2.3
deep.x.wild 3600 IN A 192.0.2.4
*.cname 3600 IN CNAME www
sub     3600 IN NS    ns.sub
ns.sub  3600 IN A     192.0.2.5
dn      3600 IN DNAME target.example.net.
dn      3600 IN A     192.0.2.6
"""
)


def look(name: str, rdtype: str = "A", where: Zone = PLAIN) -> Outcome:
    return lookup(where, from_text(name, where.apex), type_from_text(rdtype))


@pytest.mark.parametrize(
    ("name", "rdtype", "outcome"),
    [
        ("www", "A", Found),
        ("www", "AAAA", NoData),
        ("www", "ANY", Found),
        ("alias", "A", Redirected),
        ("alias", "CNAME", Found),
        ("alias", "ANY", Found),
        ("nothing", "A", NoName),
        ("below.www", "A", NoName),
        ("ent", "A", NoData),
        ("b.ent", "A", NoData),
        ("a.b.ent", "A", Found),
        ("x.b.ent", "A", NoName),
        ("one.wild", "A", Found),
        ("two.one.wild", "A", Found),
        ("one.wild", "TXT", NoData),
        ("x.wild", "A", NoData),
        ("y.x.wild", "A", NoName),
        ("*.wild", "A", Found),
        ("one.cname", "A", Redirected),
        ("sub", "A", Delegated),
        ("sub", "NS", Delegated),
        ("sub", "DS", NoData),
        ("ns.sub", "A", Delegated),
        ("ds.beneath.sub", "DS", Delegated),
        ("dn", "A", Found),
        ("dn", "DNAME", Found),
        ("below.dn", "A", Redirected),
        ("@", "SOA", Found),
        ("@", "A", NoData),
    ],
)
def test_every_kind_of_name__rfc1034_4_3_2(name: str, rdtype: str, outcome: type[Outcome]) -> None:
    assert isinstance(look(name, rdtype), outcome)


def test_a_wildcard_does_not_match_beneath_an_empty_non_terminal__rfc4592_2_2_2() -> None:
    # x.wild exists (deep.x.wild is below it), so *.wild has no say beneath it.
    assert isinstance(look("other.x.wild"), NoName)


def test_a_wildcard_cut_refers_but_for_ds_as_knot_does__rfc4592_4_2() -> None:
    where = zone("*.w 3600 IN NS ns.example.net.\n")
    assert isinstance(look("any.w", "A", where), Delegated)
    assert isinstance(look("any.w", "DS", where), NoData)


def test_an_address_beneath_a_cut_is_never_an_answer() -> None:
    outcome = look("ns.sub")
    assert isinstance(outcome, Delegated)
    assert outcome.cut.name == from_text("sub.example.org.")


def test_a_dname_stands_for_what_is_below_it_not_for_itself__rfc6672_2_3() -> None:
    outcome = look("below.dn")
    assert isinstance(outcome, Redirected)
    assert outcome.dname
    assert isinstance(look("dn"), Found)


SPLIT = zone(
    """
www     3600 IN A 192.0.2.1
*       3600 IN A 192.0.2.9
has.below.partly 3600 IN A 192.0.2.8
""",
    elsewhere=["nas", "gone.deep"],
    differs=["www"],
    regexps=[("^nas$", "192.0.2.66"), ("^box[0-9]$", "192.0.2.7"), ("^box1$", "192.0.2.8")],
)


def test_ownership_a_declared_name_is_never_answered_by_a_wildcard_or_regexp__semantics_3() -> None:
    assert look("nas", where=SPLIT) == NoName(SPLIT, differs=True)
    assert isinstance(look("other", where=SPLIT), Found)


def test_beneath_a_name_of_other_views_the_wildcard_counts_as_for_any_name__semantics_3() -> None:
    assert isinstance(look("x.nas", where=SPLIT), Found)


def test_an_empty_non_terminal_of_other_views_is_not_declared__semantics_3() -> None:
    assert isinstance(look("deep", where=SPLIT), Found)  # by the wildcard
    without = zone("", elsewhere=["gone.deep"])
    assert look("deep", where=without) == NoName(without, differs=True)


def test_negative_answers_of_names_that_differ_are_marked__semantics_11() -> None:
    assert look("www", "TXT", SPLIT) == NoData(SPLIT, differs=True)
    assert look("has.below.partly", "TXT", SPLIT) == NoData(SPLIT, differs=False)


REGEXP = zone(
    """
exact1     3600 IN A 192.0.2.1
*.wild     3600 IN A 192.0.2.2
x.exact2   3600 IN A 192.0.2.3
sub        3600 IN NS ns.example.net.
""",
    regexps=[("exact|wild|sub|^@$", "192.0.2.50"), ("^n[0-9]+$", "192.0.2.51"), ("^n1$", "192.0.2.52")],
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("exact1", b"\xc0\0\x02\x01"),
        ("any.wild", b"\xc0\0\x02\x02"),
        ("exact3", b"\xc0\0\x02\x32"),
        ("n1", b"\xc0\0\x02\x33"),
    ],
)
def test_exact_beats_wildcard_beats_regexp_and_the_first_regexp_wins__semantics_7_and_8(
    name: str, expected: bytes
) -> None:
    outcome = look(name, where=REGEXP)
    assert isinstance(outcome, Found)
    assert outcome.rrsets[0].rdatas == (expected,)


def test_a_regexp_has_no_power_at_an_empty_non_terminal_or_beneath_a_cut__semantics_8() -> None:
    assert isinstance(look("exact2", where=REGEXP), NoData)
    assert isinstance(look("exact.sub", where=REGEXP), Delegated)


def test_a_regexp_that_has_nothing_in_this_view_shadows_the_later_ones__semantics_8() -> None:
    shadowed = zone("", regexps=[("^n", ""), ("^n1$", "192.0.2.1")])
    assert look("n1", where=shadowed) == NoName(shadowed, differs=True)


OVERLAY = zone(
    """
www        3600 IN A 192.0.2.1
a.ent      3600 IN A 192.0.2.2
*.wild     3600 IN A 192.0.2.3
""",
    overlay=True,
    elsewhere=["nas", "s.wild"],
    regexps=[("^r$", ""), ("^r", "192.0.2.4")],
)


@pytest.mark.parametrize(
    ("name", "rdtype", "outcome"),
    [
        ("www", "A", Found),
        ("www", "TXT", NoData),
        ("undeclared", "A", NotOurs),
        ("ent", "A", NotOurs),
        ("a.ent", "A", Found),
        ("nas", "A", NotOurs),
        ("s.wild", "A", Found),
        ("@", "MX", Inherited),
        ("@", "SOA", Found),
        ("r", "A", Found),
    ],
)
def test_an_overlay_owns_what_it_declares_in_the_view__semantics_4(
    name: str, rdtype: str, outcome: type[Outcome]
) -> None:
    assert isinstance(look(name, rdtype, OVERLAY), outcome)


def test_an_overlay_s_empty_non_terminal_is_known_as_one__semantics_4() -> None:
    assert look("ent", where=OVERLAY) == NotOurs(OVERLAY, empty_non_terminal=True)
    assert look("other", where=OVERLAY) == NotOurs(OVERLAY, empty_non_terminal=False)


def test_inherited_types_are_open_and_the_others_closed__semantics_6() -> None:
    opened = zone("www 3600 IN A 192.0.2.1", inherit={"www": ["TXT", "MX"], "only": ["TXT"]})
    assert isinstance(look("www", "TXT", opened), Inherited)
    assert isinstance(look("www", "A", opened), Found)
    assert isinstance(look("www", "AAAA", opened), NoData)
    assert isinstance(look("only", "TXT", opened), Inherited)
    assert isinstance(look("only", "A", opened), NoData)


def test_a_zone_without_a_good_version_fails_for_every_name__semantics_9() -> None:
    broken = zone("www 3600 IN A 192.0.2.1", fault="its file is broken")
    for name in ("@", "www", "nothing"):
        assert look(name, where=broken) == Failed(broken, Ede.INVALID_DATA, "its file is broken")


def test_a_value_that_is_not_known_yet_fails_for_its_type_only__semantics_12() -> None:
    apex = Qname(b"\x03org\0")
    nodes = [Node(apex, apex, (RRset(apex, Type.A, 60, ()), RRset(apex, Type.TXT, 60, (b"\x01x",))))]
    waiting = Zone(apex, pack(nodes))
    outcome = lookup(waiting, apex, Type.A)
    assert isinstance(outcome, Failed)
    assert outcome.ede == Ede.NOT_READY
    assert isinstance(lookup(waiting, apex, Type.TXT), Found)
    everything = lookup(waiting, apex, Type.ANY)
    assert isinstance(everything, Found)
    assert [rrset.rdtype for rrset in everything.rrsets] == [Type.TXT]


@pytest.mark.parametrize("overlay", [False, True])
def test_what_is_not_declared_is_not_denied_while_a_source_was_not_heard__semantics_31(overlay: bool) -> None:
    text = """
@      3600 IN NS ns.example.net.
www    3600 IN A  192.0.2.1
a.ent  3600 IN A  192.0.2.2
*.wild 3600 IN A  192.0.2.3
"""
    waiting = replace(zone(text, overlay=overlay), waiting=True)
    for name in ("nas", "x.www", "ent", "b.ent", "@"):
        outcome = look(name, where=waiting)
        assert isinstance(outcome, Failed)
        assert outcome.ede == Ede.NOT_READY
    assert isinstance(look("@", "SOA", waiting), Found)
    assert isinstance(look("www", where=waiting), Found)
    assert isinstance(look("www", "AAAA", waiting), NoData)
    assert isinstance(look("a.wild", where=waiting), Found)


def test_an_any_question_at_a_node_with_only_unknown_values_is_not_an_answer() -> None:
    apex = Qname(b"\x03org\0")
    waiting = Zone(apex, pack([Node(apex, apex, (RRset(apex, Type.A, 60, ()),))]))
    assert isinstance(lookup(waiting, apex, Type.ANY), Failed)
