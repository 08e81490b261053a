"""Static DNS of RouterOS: each type, and what a zone cannot say."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.entries import Found
from splitdns.imports.routeros import found_in


def found(words: str) -> Found:
    return found_in([Printed(f"/ip dns static\nadd {words}\n", "export.rsc")])


@pytest.mark.parametrize(
    ("words", "rdtype", "value"),
    [
        ("address=192.0.2.1 name=a.example.com", "A", "192.0.2.1"),
        ("address=2001:db8::1 name=a.example.com", "AAAA", "2001:db8::1"),
        ("address=2001:db8::1 name=a.example.com type=AAAA", "AAAA", "2001:db8::1"),
        ("cname=b.example.com name=a.example.com type=CNAME", "CNAME", "b.example.com."),
        ("mx-exchange=m.example.com name=a.example.com type=MX", "MX", "0 m.example.com."),
        ("mx-exchange=m.example.com. mx-preference=5 name=a.example.com type=MX", "MX", "5 m.example.com."),
        ("name=a.example.com ns=n.example.com type=NS", "NS", "n.example.com."),
        ('name=a.example.com text="v=spf1 -all" type=TXT', "TXT", "v=spf1 -all"),
        ("name=a.example.com srv-port=80 srv-target=t.example.com srv-weight=2 type=SRV", "SRV",
         "0 2 80 t.example.com."),
    ],
)  # fmt: skip
def test_a_type_has_its_value(words: str, rdtype: str, value: str) -> None:
    (entry,) = found(f"{words} ttl=1d comment=x").entries

    assert (entry.name, entry.rdtype, entry.value) == ("a.example.com", rdtype, value)
    assert (entry.ttl_s, entry.is_pattern, entry.beneath) == (86_400, False, False)
    assert str(entry.where) == "export.rsc:2:1"


def test_patterns_and_what_is_beneath_are_kept() -> None:
    (pattern,) = found(r'address=192.0.2.1 regexp="(^|www\\.)x\\.net\$" match-subdomain=yes').entries
    (beneath,) = found("address=192.0.2.1 name=x.net match-subdomain=yes").entries

    assert (pattern.name, pattern.is_pattern, pattern.beneath) == (r"(^|www\.)x\.net$", True, False)
    assert (beneath.is_pattern, beneath.beneath, beneath.ttl_s) == (False, True, None)
    assert found("address=192.0.2.1 name=x.net").patterns_first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("address=192.0.2.1 disabled=yes name=a", "left out: a is disabled"),
        ("address=192.0.2.1", "left out: it has neither a name nor a regexp"),
        ("address=x name=a", "left out: expected an address for a, found 'x'"),
        ("name=a type=MX", "left out: a has no mx-exchange"),
        ("name=a type=LOC", "left out: a is of type LOC, which is not known here"),
        ("ns=n regexp=a type=NS", "left out: a is a pattern, and those have no name servers"),
        ("forward-to=10.0.0.53 name=corp.example type=FWD",
         "corp.example is forwarded: write {domains: [corp.example], upstreams: [10.0.0.53]} under "
         "`forward`, which takes what is beneath it, too"),
        ("forward-to=10.0.0.53 match-subdomain=yes name=b",
         "b is forwarded: write {domains: [b], upstreams: [10.0.0.53]} under `forward`"),
        ("forward-to=10.0.0.53 regexp=^a", "names like ^a are forwarded to 10.0.0.53: forward whole domains"),
        ("name=ads.example type=NXDOMAIN", "ads.example does not exist there: put it into a blocklist"),
        ("match-subdomain=yes name=ads.example type=NXDOMAIN",
         "ads.example and what is beneath it does not exist there: put it into a blocklist"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_left_and_told(words: str, message: str) -> None:
    made = found(words)

    assert made.entries == []
    assert [str(one) for one in made.left] == [f"export.rsc:2:1: warning: {message}"]


def test_what_else_an_entry_did_is_told() -> None:
    made = found("address=192.0.2.1 address-list=seen colour=red name=a")

    assert len(made.entries) == 1
    assert [one.message for one in made.left] == [
        "colour of a is not known here, and left out", "the answers of a are no longer put into list seen",
    ]  # fmt: skip
