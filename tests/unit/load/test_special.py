from __future__ import annotations

import pytest

from splitdns.answer.lookup import Found, NoData, NoName, lookup
from splitdns.load.reverse import BUILT_IN
from splitdns.load.special import DOH_CANARIES, RELAY_CANARIES, SPECIAL, special, whoami
from splitdns.names import ROOT, Qname, ancestors, from_text, to_text
from splitdns.records import Type, soa_minimum_s
from splitdns.zone import Zone
from tests.build import zone

ALL = special({}, [ROOT], names=True, doh=True, relay=True)


def of(name: str) -> Zone:
    return next(ALL[ancestor] for ancestor in ancestors(from_text(name)) if ancestor in ALL)


def rdatas(name: str, rdtype: Type) -> tuple[bytes, ...]:
    outcome = lookup(of(name), from_text(name), rdtype)
    assert isinstance(outcome, Found), outcome
    assert all(rrset.public for rrset in outcome.rrsets)
    return outcome.rrsets[0].rdatas


@pytest.mark.parametrize("name", ["localhost.", "app.localhost.", "a.b.localhost."])
def test_localhost_and_names_beneath_it_are_loopback__rfc6761_6_3(name: str) -> None:
    assert rdatas(name, Type.A) == (b"\x7f\0\0\1",)
    assert rdatas(name, Type.AAAA) == (bytes(15) + b"\1",)
    assert isinstance(lookup(of(name), from_text(name), Type.MX), NoData)


@pytest.mark.parametrize("top", ["test", "invalid", "local", "onion", "home.arpa", "alt"])
def test_names_of_no_public_meaning_do_not_exist(top: str) -> None:
    name = f"x.{top}."
    assert isinstance(lookup(of(name), from_text(name), Type.A), NoName)


@pytest.mark.parametrize("name", ["resolver.arpa.", "_dns.resolver.arpa.", "x.resolver.arpa."])
def test_there_is_no_designated_resolver__rfc9462_4(name: str) -> None:
    assert isinstance(lookup(of(name), from_text(name), Type.SVCB), NoData)


def test_the_name_that_has_ipv4_addresses_only__rfc8880_7_2() -> None:
    assert rdatas("ipv4only.arpa.", Type.A) == (bytes((192, 0, 0, 170)), bytes((192, 0, 0, 171)))
    assert isinstance(lookup(of("ipv4only.arpa."), from_text("ipv4only.arpa."), Type.AAAA), NoData)


@pytest.mark.parametrize("apex", [*DOH_CANARIES, *RELAY_CANARIES], ids=to_text)
def test_a_canary_has_no_addresses(apex: Qname) -> None:
    for rdtype in (Type.A, Type.AAAA):
        assert isinstance(lookup(ALL[apex], apex, rdtype), NoData)


def test_each_switch_is_for_its_own_names() -> None:
    assert set(special({}, [], names=True, doh=False, relay=False)) == set(SPECIAL)
    assert set(special({}, [], names=False, doh=True, relay=False)) == set(DOH_CANARIES)
    assert set(special({}, [], names=False, doh=False, relay=True)) == set(RELAY_CANARIES)


def test_example_names_are_names_like_any_other__rfc6761_6_5() -> None:
    assert not {from_text(name) for name in ("example.", "example.com.", "example.org.")} & set(ALL)


def test_what_is_configured_comes_first__semantics_13() -> None:
    here = {from_text("test."): zone("", "test."), from_text("nas.local."): zone("", "nas.local.")}
    left = special(here, [ROOT, from_text("arpa.")], names=True, doh=True, relay=True)
    gone = {"test.", "home.arpa.", "resolver.arpa.", "ipv4only.arpa."}
    assert {to_text(apex) for apex in ALL} - {to_text(apex) for apex in left} == gone


def test_every_special_zone_has_an_apex_with_a_soa() -> None:
    assert not set(ALL) & set(BUILT_IN)
    for apex, made in ALL.items():
        assert made.apex == apex
        assert made.soa is not None
        assert not made.source


def test_at_the_whoami_name_and_beneath_it_every_name_exists_and_nothing_is_kept() -> None:
    name = from_text("who.example.com.")
    made = whoami(name, {}, recursion=True)[name]

    for one in ("who.example.com.", "x.who.example.com.", "x.y.who.example.com."):
        assert isinstance(lookup(made, from_text(one), Type.TXT), NoData)
    assert made.soa is not None
    assert (made.soa.ttl_s, soa_minimum_s(made.soa)) == (0, 0)
    assert whoami(name, {}, recursion=True)[name] is made


def test_the_whoami_name_is_for_views_that_recurse_or_have_a_zone_above() -> None:
    name, above = from_text("who.example.com."), from_text("example.com.")
    ours = zone("@ 60 IN A 192.0.2.1", "example.com.")

    assert not whoami(name, {}, recursion=False)
    assert [*whoami(name, {above: ours}, recursion=False)] == [name]
    assert not whoami(above, {above: ours}, recursion=True)
