from __future__ import annotations

import dns.edns
import dns.message
import pytest

from splitdns.errors import WireError
from splitdns.wire.edns import COOKIE, EDE, NSID, Edns, opt_record, parse_options, reply_options


def test_options_are_read_in_order_empty_ones_too__rfc6891_6_1_2() -> None:
    assert parse_options(b"\0\x0a\0\2ab\0\3\0\0") == ((10, b"ab"), (NSID, b""))
    assert parse_options(b"") == ()


@pytest.mark.parametrize("rdata", [b"\0", b"\0\3", b"\0\3\0", b"\0\3\0\1", b"\0\3\0\0\0\3\0\2a"])
def test_an_option_cut_short_is_an_error(rdata: bytes) -> None:
    with pytest.raises(WireError):
        parse_options(rdata)


def test_nsid_is_told_to_who_asks_where_there_is_one__rfc5001_2_1() -> None:
    asks, does_not = Edns(options=((NSID, b""),)), Edns()
    assert reply_options(asks, (), "ns1") == ((NSID, b"ns1"),)
    assert reply_options(asks, (), None) == ()
    assert reply_options(does_not, (), "ns1") == ()


def test_extended_errors_are_codes_with_texts__rfc8914_2() -> None:
    assert reply_options(Edns(), ((22, "tired"),), None) == ((EDE, b"\0\x16tired"),)
    assert reply_options(Edns(), ((22, "tired"),), None, texts=False) == ((EDE, b"\0\x16"),)


def test_the_opt_record_is_read_by_dnspython__rfc6891_6_1_2() -> None:
    message = bytes.fromhex("000080050000000000000001") + opt_record(((EDE, b"\0\x16x"),), 0xA15, 1400, True)
    read = dns.message.from_wire(message)
    assert (read.edns, read.payload, read.ednsflags & 0x8000, read.rcode()) == (0, 1400, 0x8000, 0xA15)
    assert read.options == (dns.edns.EDEOption(22, "x"),)


def test_the_first_cookie_counts__rfc7873_5_2() -> None:
    assert Edns().cookie is None
    assert Edns(options=((NSID, b""), (COOKIE, b"one"), (COOKIE, b"two"))).cookie == b"one"


def test_an_answer_carries_the_cookie_that_it_is_given() -> None:
    assert reply_options(Edns(), ((22, ""),), None, cookie=b"x") == ((COOKIE, b"x"), (EDE, b"\0\x16"))
