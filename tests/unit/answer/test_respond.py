"""What goes beside the records that were asked for."""

import pytest

from splitdns.answer.lookup import Delegated, lookup
from splitdns.answer.respond import additional, negative_soa, referral
from splitdns.names import from_text, to_text
from splitdns.records import Type
from tests.build import SOA, view, zone

PLAIN = zone(
    """
a       60 IN A 192.0.2.1
a       60 IN AAAA 2001:db8::1
*.w     60 IN A 192.0.2.2
@       60 IN MX 10 a
@       60 IN MX 20 x.w
@       60 IN MX 30 a.example.net.
@       60 IN MX 40 a
svc     60 IN SVCB 0 .
svc     60 IN A 192.0.2.3
sub     60 IN NS ns.sub
sub     60 IN NS a
ns.sub  60 IN A 192.0.2.4
"""
)


@pytest.mark.parametrize(
    ("soa_ttl_s", "minimum_s", "differs", "expected_s"),
    [(3600, 300, False, 300), (200, 300, False, 200), (3600, 300, True, 60), (30, 300, True, 30)],
)
def test_a_negative_ttl_is_the_smallest_that_applies__rfc2308_5_semantics_11(
    soa_ttl_s: int, minimum_s: int, differs: bool, expected_s: int
) -> None:
    text = SOA.replace(" 3600 IN", f" {soa_ttl_s} IN").replace(" 300\n", f" {minimum_s}\n")
    (soa,) = negative_soa(zone(text), differs)
    assert soa.ttl_s == expected_s


def test_each_target_s_addresses_stand_there_once() -> None:
    apex = PLAIN.node(PLAIN.apex)
    assert apex is not None
    mx = apex.rrset(Type.MX)
    assert mx is not None
    found = additional([mx], view(PLAIN))
    assert [(to_text(rrset.owner), rrset.rdtype) for rrset in found] == [
        ("a.example.org.", Type.A),
        ("a.example.org.", Type.AAAA),
        ("x.w.example.org.", Type.A),
    ]


def test_what_stands_in_the_answer_is_not_repeated() -> None:
    node = PLAIN.node(from_text("a.example.org."))
    apex = PLAIN.node(PLAIN.apex)
    assert node is not None
    assert apex is not None
    mx = apex.rrset(Type.MX)
    assert mx is not None
    listed = [mx, *node.rrsets]
    assert {to_text(rrset.owner) for rrset in additional(listed, view(PLAIN))} == {"x.w.example.org."}


def test_an_alias_mode_svcb_that_points_nowhere_has_no_addresses__rfc9460_2_5_1() -> None:
    node = PLAIN.node(from_text("svc.example.org."))
    assert node is not None
    svcb = node.rrset(Type.SVCB)
    assert svcb is not None
    assert additional([svcb], view(PLAIN)) == ()


def test_glue_beneath_the_cut_is_needed_and_other_addresses_are_a_help__rfc9471_2() -> None:
    outcome = lookup(PLAIN, from_text("x.sub.example.org."), Type.A)
    assert isinstance(outcome, Delegated)
    answer = referral(outcome)
    assert [to_text(rrset.owner) for rrset in answer.glue] == ["ns.sub.example.org."]
    assert {to_text(rrset.owner) for rrset in answer.additional} == {"a.example.org."}
