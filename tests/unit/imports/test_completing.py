"""Names that stand for all beneath them, and PTR records that repeat an address."""

from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.completing import completed, pointed
from splitdns.imports.entries import Entry

HERE = Where("x", 1, 1)


def entry(name: str, rdtype: str = "A", value: str = "192.0.2.1", *, beneath: bool = False) -> Entry:
    return Entry(name, rdtype, value, HERE, beneath=beneath)


def made(*entries: Entry, borders: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    return {(one.name, one.rdtype) for one in completed([*entries], borders)[len(entries) :]}


def test_a_name_beneath_keeps_no_wildcard_away__rfc4592_2_2_2() -> None:
    over = entry("example.com", beneath=True)

    assert made(over, entry("a.b.example.com")) == {
        ("*.a.b.example.com", "A"), ("*.b.example.com", "A"), ("b.example.com", "A"),
    }  # fmt: skip
    text = entry("t.example.com", "TXT", "x")
    assert made(over, text) == {("*.t.example.com", "A"), ("t.example.com", "A")}
    assert made(over, entry("c.example.com", "CNAME", "x.")) == {("*.c.example.com", "A")}
    assert made(over, entry("*.w.example.com")) == set()
    assert made(over, entry("example.com", "MX", "1 x."), entry("example.org")) == set()
    assert made(over, entry("b.example.com", beneath=True)) == set()


def test_nothing_goes_beyond_a_border() -> None:
    over = entry("example.com", beneath=True)

    assert made(over, entry("a.in.example.com"), borders=("in.example.com",)) == set()


def test_a_ptr_that_repeats_an_address_is_a_word_beside_it() -> None:
    address, pointer = entry("a.example"), entry("1.2.0.192.in-addr.arpa", "PTR", "A.example.")
    other = entry("1.2.0.192.in-addr.arpa", "PTR", "b.example.")

    (one,) = pointed([address, pointer])
    assert one.has_ptr
    assert pointed([address, other]) == [address, other]
    assert pointed([address, pointer, other]) == [address, pointer, other]
