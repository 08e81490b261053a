"""The leak guard takes out what a view must not learn, in every section (semantics 1 and 2)."""

from __future__ import annotations

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.guard import guard, without_hints
from splitdns.names import from_text, wire_from_text
from splitdns.records import RRset, type_from_text
from splitdns.view import View
from splitdns.wire.message import Answer
from tests.build import address, view, zone

NAMES = zone(
    "www 60 IN A 192.0.2.1\n*.apps 60 IN A 192.0.2.2", elsewhere=["nas", "*.secret"], regexps=[("^box", "")]
)
OUTSIDE = view(NAMES, horizon=("outside",), hidden=["198.51.100.77"])
INSIDE = view(NAMES)
ASKED = from_text("asked.example.org.")


def rrset(rdtype: str, *texts: str, public: bool = False) -> RRset:
    number = type_from_text(rdtype)
    rdatas = (
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.RdataType.make(number), text) for text in texts
    )
    return RRset(
        wire_from_text("host.example.org."), number, 60, tuple(r.to_wire() or b"" for r in rdatas), public
    )


def texts(rrset: RRset) -> list[str]:
    rdtype = dns.rdatatype.RdataType.make(rrset.rdtype)
    return [
        dns.rdata.from_wire(dns.rdataclass.IN, rdtype, rdata, 0, len(rdata)).to_text()
        for rdata in rrset.rdatas
    ]


@pytest.mark.parametrize("section", ["answer", "authority", "glue", "additional"])
@pytest.mark.parametrize(
    ("rdtype", "before", "after"),
    [
        ("A", ["192.168.1.1", "203.0.113.7"], ["203.0.113.7"]),
        ("A", ["198.51.100.77", "198.51.100.78"], ["198.51.100.78"]),
        ("AAAA", ["fd00::1", "2001:db8::1", "::ffff:10.0.0.1"], ["2001:db8::1"]),
        (
            "HTTPS",
            ['1 . alpn="h2" ipv4hint="10.0.0.1,203.0.113.7" ipv6hint="fd00::1"'],
            ['1 . alpn="h2" ipv4hint="203.0.113.7"'],
        ),
        (
            "SVCB",
            ['1 www.example.org. ipv4hint="10.0.0.1"', "2 www.example.org."],
            ["1 www.example.org.", "2 www.example.org."],
        ),
        ("MX", ["10 nas.example.org.", "20 www.example.org."], ["20 www.example.org."]),
        ("SRV", ["0 0 1 x.secret.example.org.", "0 0 1 x.apps.example.org."], ["0 0 1 x.apps.example.org."]),
        ("NS", ["box1.example.org.", "ns.example.net."], ["ns.example.net."]),
        ("RP", ["www.example.org. nas.example.org.", "a.example.net. ."], ["a.example.net. ."]),
        ("PX", ["1 www.example.org. nas.example.org."], []),
        ("IPSECKEY", ["10 1 2 192.168.1.1 AQID", "10 1 2 203.0.113.7 AQID"], ["10 1 2 203.0.113.7 AQID"]),
        ("IPSECKEY", ["10 2 2 fd00::1 AQID", "10 0 2 . AQID"], ["10 0 2 . AQID"]),
        ("IPSECKEY", ["10 3 2 nas.example.org. AQID"], []),
        ("TYPE260", ["10 0 1 192.168.1.1", "10 1 3 www.example.org."], ["10 1 3 www.example.org."]),
        ("APL", ["1:192.168.0.0/16 1:203.0.113.0/24", "1:203.0.113.0/24"], ["1:203.0.113.0/24"]),
    ],
)
def test_every_section_and_type_is_looked_through(
    section: str, rdtype: str, before: list[str], after: list[str]
) -> None:
    guarded = guard(Answer(**{section: (rrset(rdtype, *before),)}), OUTSIDE, ASKED)  # type: ignore[arg-type]
    assert [text for kept in getattr(guarded, section) for text in texts(kept)] == after
    assert guarded.stripped > 0


def test_an_rrset_left_empty_becomes_nodata() -> None:
    guarded = guard(Answer(answer=(rrset("A", "10.0.0.1"),)), OUTSIDE, ASKED)
    assert guarded.answer == ()
    assert guarded.rcode == 0
    assert (guarded.stripped, guarded.leaks) == (1, 1)


def test_a_record_that_declares_a_stripped_hint_mandatory_goes_as_a_whole__rfc9460_8() -> None:
    guarded = guard(
        Answer(answer=(rrset("HTTPS", "1 . mandatory=ipv4hint ipv4hint=10.0.0.1"),)), OUTSIDE, ASKED
    )
    assert guarded.answer == ()


def test_public_records_are_let_through() -> None:
    meant = Answer(answer=(rrset("A", "10.0.0.1", public=True),))
    assert guard(meant, OUTSIDE, ASKED) is meant


def test_an_inside_view_may_have_inside_addresses() -> None:
    meant = Answer(answer=(rrset("A", "10.0.0.1"),))
    assert guard(meant, INSIDE, ASKED) is meant


@pytest.mark.parametrize("where", [INSIDE, OUTSIDE])
def test_no_view_names_hosts_that_only_other_views_have(where: View) -> None:
    guarded = guard(Answer(answer=(rrset("MX", "10 nas.example.org."),)), where, ASKED)
    assert guarded.answer == ()
    assert (guarded.stripped, guarded.leaks) == (1, 0)  # nothing that somebody must hear of


def test_the_asked_name_itself_may_be_repeated() -> None:
    negative = Answer(answer=(rrset("PTR", "nas.example.org."),))
    assert guard(negative, OUTSIDE, from_text("nas.example.org.")) is negative


def test_names_that_exist_nowhere_are_served_as_written() -> None:
    dangling = Answer(answer=(rrset("MX", "10 nowhere.example.org.", "20 elsewhere.example.net."),))
    assert guard(dangling, OUTSIDE, ASKED) is dangling


@given(st.binary(max_size=80))
def test_hints_of_any_rdata_are_walked_without_a_crash(tail: bytes) -> None:
    without_hints(b"\0\x01\0" + tail, lambda packed: packed == address("10.0.0.1"))
