"""Names as wire bytes (RFC 1035 2.3.4, 3.1, 5.1; RFC 4343)."""

import itertools
from ipaddress import IPv4Address, IPv6Address

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns import names

LABEL = st.binary(min_size=1, max_size=63)
NAME = (
    st.lists(LABEL, max_size=8)
    .map(lambda labels: b"".join(bytes([len(label)]) + label for label in labels) + b"\0")
    .filter(lambda wire: len(wire) <= names.MAX_NAME_OCTETS)
)


@given(NAME)
def test_any_octets_survive_the_presentation_form__rfc4343_2_1(wire: bytes) -> None:
    assert names.wire_from_text(names.to_text(wire)) == wire


@given(NAME)
def test_the_presentation_form_is_the_one_that_dnspython_reads(wire: bytes) -> None:
    assert dns.name.from_text(names.to_text(wire)).to_wire() == wire


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    try:
        wire = names.wire_from_text(text, b"\x07example\x03org\0")
    except ValueError:
        return
    assert len(wire) <= names.MAX_NAME_OCTETS
    assert wire.endswith(b"\0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www", b"\x03www\x07example\x03org\0"),
        ("WWW.Example.", b"\x03WWW\x07Example\0"),
        ("@", b"\x07example\x03org\0"),
        (".", b"\0"),
        (r"a\.b.", b"\x03a.b\0"),
        (r"\065.", b"\x01A\0"),
        (r"a\\.", b"\x02a\\\0"),
    ],
)
def test_text_becomes_wire__rfc1035_5_1(text: str, expected: bytes) -> None:
    assert names.wire_from_text(text, b"\x07example\x03org\0") == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "found nothing"),
        ("a..b.", "an empty one"),
        (".a.", "an empty one"),
        ("a" * 64 + ".", "at most 63 octets"),
        ("a.", None),
        (r"a\25", r"expected \DDD"),
        (r"a\256.", r"up to \255"),
        ("a b.", "no blanks"),
        ("bücher.example.", "xn--bcher-kva.example."),
        (".".join(["a" * 63] * 4) + ".", "at most 255 octets"),
        ("relative", "ends in a dot"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(text: str, complaint: str | None) -> None:
    if complaint is None:
        names.wire_from_text(text)
        return
    with pytest.raises(ValueError, match=complaint.replace("\\", "\\\\").replace(".", r"\.")):
        names.wire_from_text(text)


def test_the_longest_name_fits_and_one_octet_more_does_not__rfc1035_2_3_4() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61]) + "."
    assert len(names.wire_from_text(longest)) == 255
    with pytest.raises(ValueError, match="at most 255"):
        names.wire_from_text("a." + longest)


def test_folding_keeps_length_octets_and_other_octets() -> None:
    assert names.fold(b"\x3f" + b"A" * 63 + b"\x02\xc4Z\0") == b"\x3f" + b"a" * 63 + b"\x02\xc4z\0"


@given(NAME, NAME)
def test_is_under_agrees_with_dnspython(name: bytes, apex: bytes) -> None:
    qname, top = names.fold(name), names.fold(apex)
    expected = dns.name.from_text(names.to_text(qname)).is_subdomain(dns.name.from_text(names.to_text(top)))
    assert names.is_under(qname, top) is expected


@given(NAME)
def test_ancestors_end_at_the_root_and_between_is_their_reverse(name: bytes) -> None:
    qname = names.fold(name)
    chain = list(names.ancestors(qname))
    assert chain[0] == qname
    assert chain[-1] == names.ROOT
    assert names.between(qname, names.ROOT) == chain[-2::-1]
    for below, above in itertools.pairwise(chain):
        assert names.parent(below) == above


def test_a_label_that_ends_like_the_apex_is_not_under_it() -> None:
    # The octets of "org." also end the label "x\x03org" of a name that is not under it.
    assert not names.is_under(names.Qname(b"\x05x\x03org\0"), names.Qname(b"\x03org\0"))


def test_relative_text_of_the_apex_is_the_at_sign() -> None:
    apex = names.from_text("example.org.")
    assert names.relative_text(apex, apex) == "@"
    assert names.relative_text(names.from_text("a.b.example.org."), apex) == "a.b"


def test_reverse_names__rfc1035_3_5_rfc3596_2_5() -> None:
    assert names.to_text(names.reverse_name("192.0.2.7")) == "7.2.0.192.in-addr.arpa."
    assert names.to_text(names.reverse_name("2001:db8::1")).endswith("8.b.d.0.1.0.0.2.ip6.arpa.")


def test_wildcard_is_the_asterisk_label_only__rfc4592_2_1_1() -> None:
    apex = names.from_text("example.org.")
    assert names.is_wildcard(names.wildcard(apex))
    assert not names.is_wildcard(names.from_text("*a.example.org."))


@given(st.ip_addresses())
def test_a_packed_address_has_the_reverse_name_of_its_text(address: IPv4Address | IPv6Address) -> None:
    assert names.reverse_of(address.packed) == names.reverse_name(str(address))
