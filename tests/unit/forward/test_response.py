"""What a response says: which records, decoded how, and what of a broken one."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.errors import UpstreamError
from splitdns.forward.response import (
    MAX_EDE_CHARACTERS,
    MAX_EDES,
    MAX_POINTERS,
    MAX_RECORDS,
    Response,
)
from splitdns.names import from_text, to_text
from splitdns.records import Rcode, Type, type_from_text
from tests.upstreams import answer

NAME = from_text("www.example.org.")
TYPE_AND_CLASS = b"\0\1\0\1"


def addresses(response: Response) -> list[str]:
    rrset = response.rrset(NAME, Type.A)
    return [socket.inet_ntoa(rdata) for rdata in rrset.rdatas] if rrset else []


def changed(wire: bytes, at: int, octet: int) -> bytes:
    return wire[:at] + bytes((octet,)) + wire[at + 1 :]


def response_of(*records: str, authority: Iterable[str] = (), rdtype: str = "A") -> Response:
    return Response(answer(dns.message.make_query("www.example.org.", rdtype), *records, authority=authority))


RDATAS = [
    "A 192.0.2.1",
    "AAAA 2001:db8::1",
    "NS NS1.example.org.",
    "CNAME Target.Example.NET.",
    "DNAME other.example.net.",
    "PTR host.example.org.",
    "SOA ns1.example.org. Hostmaster.example.org. 1 3600 900 604800 300",
    "MX 10 Mail.example.org.",
    'TXT "one" "two"',
    "SRV 1 2 443 www.example.org.",
    'NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@example.org!" .',
    'CAA 0 issue "ca.example.net"',
    "SSHFP 1 1 123456789abcdef67890123456789abcdef67890",
    "TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118",
    "HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    "SVCB 0 www.example.net.",
    "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    'URI 10 1 "https://www.example.org/"',
    "RP mailbox.example.org. text.example.org.",
    "TYPE65280 \\# 4 01020304",
]


@pytest.mark.parametrize("text", RDATAS, ids=lambda text: text.split()[0])
def test_rdata_comes_uncompressed_with_its_case_kept__rfc3597_4(text: str) -> None:
    rdtype, rdata = text.split(None, 1)
    rrset = response_of(f"www.example.org. 300 {text}", rdtype=rdtype).rrset(NAME, type_from_text(rdtype))
    assert rrset is not None
    assert rrset.rdatas == (dns.rdata.from_text("IN", rdtype, rdata).to_wire(),)


def record(rdtype: int, rdata: bytes, owner: bytes = b"\xc0\x0c", ttl_s: int = 300) -> bytes:
    return owner + struct.pack("!HHIH", rdtype, 1, ttl_s, len(rdata)) + rdata


def message(*records: bytes, additional: int = 0) -> bytes:
    """A response with these octets as its records, the last ``additional`` of them in that section."""
    header = struct.pack("!HHHHHH", 7, 0x8180, 1, len(records) - additional, 0, additional)
    return header + NAME + TYPE_AND_CLASS + b"".join(records)


def test_names_of_obsolete_types_are_decompressed_too__rfc3597_4() -> None:
    response = Response(message(record(Type.MINFO, b"\1a\xc0\x10\1b\xc0\x10"), record(Type.MB, b"\xc0\x0c")))
    minfo, mb = response.rrset(NAME, Type.MINFO), response.rrset(NAME, Type.MB)
    assert minfo is not None
    assert minfo.rdatas == (from_text("a.example.org.") + from_text("b.example.org."),)
    assert mb is not None
    assert mb.rdatas == (NAME,)


def test_the_ttl_of_an_rrset_is_its_smallest__rfc2181_5_2() -> None:
    wire = message(record(1, b"\1\2\3\4", ttl_s=300), record(1, b"\1\2\3\5", ttl_s=60))
    rrset = Response(wire).rrset(NAME, 1)
    assert rrset is not None
    assert rrset.ttl_s == 60
    assert rrset.rdatas == (b"\1\2\3\4", b"\1\2\3\5")


@pytest.mark.parametrize(("ttl_s", "read_s"), [(2**31 - 1, 2**31 - 1), (2**31, 0), (2**32 - 1, 0)])
def test_a_ttl_with_its_top_bit_set_is_zero__rfc2181_8(ttl_s: int, read_s: int) -> None:
    rrset = Response(message(record(1, b"\1\2\3\4", ttl_s=ttl_s))).rrset(NAME, 1)
    assert rrset is not None
    assert rrset.ttl_s == read_s


def test_a_record_that_is_repeated_is_there_once__rfc2181_5() -> None:
    rrset = Response(message(record(1, b"\1\2\3\4"), record(1, b"\1\2\3\4"))).rrset(NAME, 1)
    assert rrset is not None
    assert rrset.rdatas == (b"\1\2\3\4",)


@pytest.mark.parametrize("count", [MAX_RECORDS, MAX_RECORDS + 1])
def test_an_rrset_has_so_many_records_at_most(count: int) -> None:
    response = Response(message(*[record(1, struct.pack("!I", number)) for number in range(count)]))
    if count <= MAX_RECORDS:
        assert len(addresses(response)) == MAX_RECORDS
    else:
        with pytest.raises(UpstreamError, match="501 records"):
            response.rrset(NAME, 1)


def test_records_of_another_class_are_not_there() -> None:
    chaos = record(1, b"\1\2\3\4").replace(b"\0\1\0\1", b"\0\1\0\3", 1)
    assert Response(message(chaos)).rrset(NAME, 1) is None


def test_malformed_rdata_is_an_error_only_for_who_asks_for_it() -> None:
    records = record(Type.A, b"\1\2\3\4"), record(Type.MX, b"\0"), record(Type.AAAA, b"short")
    response = Response(message(*records))
    assert response.rrset(NAME, Type.A) is not None
    for rdtype in (Type.MX, Type.AAAA):
        with pytest.raises(UpstreamError):
            response.rrset(NAME, rdtype)


@pytest.mark.parametrize("rdata", [b"\xc0\x0c\0", b"\xc0", b"\3www", b"\3www\0\0", b""])
def test_a_name_fills_its_rdata(rdata: bytes) -> None:
    response = Response(message(record(Type.CNAME, rdata), record(Type.TXT, bytes(20))))
    with pytest.raises(UpstreamError):
        response.rrset(NAME, Type.CNAME)


@pytest.mark.parametrize(
    "wire",
    [
        message(record(1, b"\1\2\3\4"))[:-1],
        message(record(1, b"\1\2\3\4"))[:-5],
        message(record(1, b"\1\2\3\4", owner=b"\3www")),
        message(record(1, b"\1\2\3\4", owner=b"\x40" + bytes(64))),
        message(record(1, b"\1\2\3\4", owner=b"\xc0")),
        message(record(1, b"\1\2\3\4", owner=b"\xc0\x21")),  # to itself
        message(record(1, b"\1\2\3\4", owner=b"\xff\xff")),  # beyond the end
        message(record(10, b"\0", owner=b"\xc0\x2d"), record(1, b"\1\2\3\4")),  # forwards, to a name
        message(record(1, b"\1\2\3\4", owner=b"\1a" * 127 + b"\1b\0")),  # 257 octets
        changed(message(), 7, 1),
    ],
)
def test_records_that_do_not_add_up_to_a_message_are_an_error(wire: bytes) -> None:
    with pytest.raises(UpstreamError):
        Response(wire)


@pytest.mark.parametrize("pointers", [MAX_POINTERS, MAX_POINTERS + 1])
def test_a_name_has_as_many_pointers_as_labels_at_most(pointers: int) -> None:
    start = 12 + len(NAME) + 4 + 12
    hops = [12, *range(start, start + 2 * (pointers - 1), 2)]  # each points to the one before it
    chain = [(0xC000 | hop).to_bytes(2, "big") for hop in hops]
    wire = message(record(Type.NULL, b"".join(chain[:-1])), record(1, b"\1\2\3\4", owner=chain[-1]))
    if pointers <= MAX_POINTERS:
        assert Response(wire).rrset(NAME, 1) is not None
    else:
        with pytest.raises(UpstreamError, match="pointers"):
            Response(wire)


def opt(*options: tuple[int, bytes], rcode: int = 0) -> bytes:
    rdata = b"".join(code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data for code, data in options)
    return b"\0\0\x29\x04\xd0" + bytes((rcode >> 4, 0, 0, 0)) + len(rdata).to_bytes(2, "big") + rdata


def test_the_opt_record_extends_the_rcode__rfc6891_6_1_3() -> None:
    assert Response(message(opt(rcode=Rcode.BADVERS), additional=1)).rcode == Rcode.BADVERS


def test_extended_errors_are_read__rfc8914_2() -> None:
    options = ((15, b"\0\x12blocked\0"), (10, bytes(8)), (15, b"\0\6"))
    assert Response(message(opt(*options), additional=1)).edes == ((18, "blocked"), (6, ""))


def test_extended_errors_are_bounded() -> None:
    long = Response(message(opt((15, b"\0\0" + b"x" * (MAX_EDE_CHARACTERS + 1))), additional=1))
    assert long.edes == ((0, "x" * MAX_EDE_CHARACTERS),)
    many = Response(message(opt(*[(15, b"\0\0")] * (MAX_EDES + 1)), additional=1))
    assert len(many.edes) == MAX_EDES


@pytest.mark.parametrize("options", [b"\0\x0f\0\xff", b"\0\x0f", b"\0\x0f\0\1\0"])
def test_a_malformed_option_spoils_nothing_else(options: bytes) -> None:
    broken = b"\0\0\x29\x04\xd0\0\0\0\0" + len(options).to_bytes(2, "big") + options
    response = Response(message(record(1, b"\1\2\3\4"), broken, additional=1))
    assert response.edes == ()
    assert addresses(response) == ["1.2.3.4"]


# --- whatever comes


def read_all(wire: bytes) -> None:
    """Decode whatever can be decoded."""
    response = Response(wire)
    for name in (NAME, from_text(".")):
        response.dname_above(name)
        response.soa_of(name)
        response.rrsets(name)
        assert response.is_referral in (True, False)


@given(st.binary(max_size=600))
def test_random_octets_raise_nothing_but_upstream_error(octets: bytes) -> None:
    with contextlib.suppress(UpstreamError):
        read_all(b"\0\7\x81\x80" + octets.ljust(8, b"\0"))


REAL = answer(
    dns.message.make_query("www.example.org.", "ANY"),
    *[f"www.example.org. 300 {text}" for text in RDATAS],
    authority=["example.org. 300 SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"],
)


@given(st.data())
def test_a_damaged_response_raises_nothing_but_upstream_error(data: st.DataObject) -> None:
    wire = bytearray(REAL)
    for _ in range(data.draw(st.integers(1, 8))):
        wire[data.draw(st.integers(4, len(wire) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UpstreamError):
        read_all(bytes(wire[: data.draw(st.integers(12, len(wire)))]))


LABELS = st.text("abcXYZ-\x00\xff", min_size=1, max_size=5)


@given(st.lists(st.lists(LABELS, max_size=6), min_size=1, max_size=12))
def test_names_are_decompressed_as_dnspython_does(names: list[list[str]]) -> None:
    targets = [dns.name.Name([label.encode("latin1") for label in labels] + [b""]) for labels in names]
    response = dns.message.make_response(dns.message.make_query("www.example.org.", "NS"))
    response.answer = [dns.rrset.from_rdata_list("www.example.org.", 300, [ns(target) for target in targets])]
    rrset = Response(response.to_wire()).rrset(NAME, Type.NS)
    assert rrset is not None
    assert {to_text(rdata.lower()) for rdata in rrset.rdatas} == {
        to_text((target.to_wire() or b"").lower()) for target in targets
    }


def ns(target: dns.name.Name) -> dns.rdata.Rdata:
    return dns.rdata.from_wire("IN", "NS", target.to_wire() or b"", 0, len(target.to_wire() or b""))


def test_the_cookie_is_read__rfc7873_4() -> None:
    assert Response(message(opt((10, bytes(8) + b"server: 8"), (15, b"\0\6")), additional=1)).cookie == (
        bytes(8) + b"server: 8"
    )
    assert Response(message(opt((15, b"\0\6")), additional=1)).cookie == b""
