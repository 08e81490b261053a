from __future__ import annotations

import dns.exception
import dns.name
import dns.rdata
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splitdns.load import rdata
from splitdns.names import from_text
from splitdns.records import type_to_text

ORIGIN = b"\x07Example\x03org\x00"

TEXTS = st.one_of(
    st.text(alphabet="aA1.-_*/@ :\"\\$;x'", max_size=20),
    st.ip_addresses().map(str),
    st.lists(st.integers(0, 70_000), min_size=1, max_size=4).map(lambda items: " ".join(map(str, items))),
    st.tuples(st.integers(0, 70_000), st.text(alphabet="ab.@", min_size=1)).map(lambda t: f"{t[0]} {t[1]}"),
)


@given(st.sampled_from(sorted(rdata.PLAIN)), TEXTS)
@example(15, "10 mail")
@example(33, "0 5 443 host.example.net.")
@example(16, '"a b"')
@example(1, "192.0.02.1")
@example(28, "::ffff:192.0.2.1")
@example(5, ".")
@example(16, "a" * 256)
def test_a_plain_reader_makes_what_dnspython_makes_of_it(rdtype: int, text: str) -> None:
    found = rdata.PLAIN[rdtype](text, ORIGIN)
    if found is not None:
        origin = dns.name.from_wire(ORIGIN, 0)[0]
        parsed = dns.rdata.from_text("IN", type_to_text(rdtype), text, origin, relativize=False)
        assert found == parsed.to_wire()


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("www", b"\x03www" + ORIGIN),
        ("a.b.", b"\x01a\x01b\x00"),
        ("@", ORIGIN),
        ("*.a", b"\x01*\x01a" + ORIGIN),
        ("_sip._tcp", b"\x04_sip\x04_tcp" + ORIGIN),
    ],
)
def test_a_plain_name_is_relative_to_the_origin(text: str, wire: bytes) -> None:
    assert rdata.plain_name(text, ORIGIN) == wire == rdata.name(text, ORIGIN)


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", ".a", "a\\.b", "a" * 64, ".".join(["a" * 60] * 5), "a b", "ü"]
)
def test_a_name_that_is_not_plain_is_left_for_a_closer_look(text: str) -> None:
    assert rdata.plain_name(text, ORIGIN) is None


@pytest.mark.parametrize("text", ["a!b", "a@b", "@.a", "a:b", "a+b", "a\\", "a\\25"])
def test_a_character_that_knot_refuses_in_a_name_needs_a_backslash(text: str) -> None:
    with pytest.raises(ValueError, match="expected a name of letters"):
        rdata.name(text, ORIGIN)


def test_an_escaped_character_may_be_any() -> None:
    assert rdata.name(r"a\!\046b", ORIGIN) == b"\x04a!.b" + ORIGIN
    assert rdata.name(".", ORIGIN) == from_text(".")
