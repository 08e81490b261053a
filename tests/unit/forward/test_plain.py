"""What is read by hand is what ``response`` and ``chain`` read, and the rest is left to them."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.plain import read
from splitdns.forward.response import MAX_RECORDS, Response
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.wire.header import HEADER_OCTETS
from tests.upstreams import answer

NAME = from_text("www.example.org.")
END = HEADER_OCTETS + len(NAME) + 4
SOA = "example.org. 3600 SOA ns1.example.org. Hostmaster.example.org. 1 3600 900 604800 300"
ELSEWHERE = "example.net. 3600 SOA ns1.example.net. hostmaster.example.net. 1 3600 900 604800 300"

QUERIES = {
    rdtype: dns.message.make_query("wWw.ExamPle.orG.", rdtype, use_edns=0) for rdtype in ("A", "AAAA", "TXT")
}
ADDRESS, OTHER = "www.example.org. 300 A 192.0.2.1", "www.example.org. 60 A 192.0.2.2"
ADDRESS_6 = "www.example.org. 300 AAAA 2001:db8::1"
PLAIN = {
    "address": answer(QUERIES["A"], ADDRESS),
    "addresses": answer(QUERIES["A"], ADDRESS, OTHER, ADDRESS),
    "AAAA": answer(QUERIES["AAAA"], ADDRESS_6),
    "no name": answer(QUERIES["A"], rcode="NXDOMAIN", authority=[SOA]),
    "no data": answer(QUERIES["TXT"], authority=[SOA]),
    "at the name": answer(QUERIES["A"], authority=[f"www.{SOA}"]),
}
OTHERS = {
    "text": answer(QUERIES["TXT"], 'www.example.org. 300 TXT "text"'),
    "alias": answer(
        QUERIES["A"], "www.example.org. 300 CNAME a.example.org.", "a.example.org. 300 A 192.0.2.1"
    ),
    "another's": answer(QUERIES["A"], "a.example.org. 300 A 192.0.2.1"),
    "another type's": answer(QUERIES["A"], ADDRESS_6),
    "SOA of others": answer(QUERIES["A"], authority=[ELSEWHERE]),
    "referral": answer(QUERIES["A"], authority=["example.org. 300 NS ns1.example.org."]),
    "records of nothing": answer(QUERIES["A"], ADDRESS, rcode="NXDOMAIN"),
    "failure": answer(QUERIES["A"], rcode="SERVFAIL"),
    "nothing": answer(QUERIES["A"]),
    "truncated": answer(QUERIES["A"], truncated=True),
    "with authority": answer(QUERIES["A"], ADDRESS, authority=[SOA]),
}


def with_options(wire: bytes, *options: dns.edns.Option) -> bytes:
    message = dns.message.from_wire(wire)
    message.use_edns(0, options=options)
    return message.to_wire()


def in_full(wire: bytes, qtype: int, do: bool) -> tuple[Reply, bytes | None] | None:
    """What the general way reads; None: it is no use."""
    try:
        response = Response(wire[:HEADER_OCTETS] + NAME + wire[END - 4 :], asked=NAME)
        reply = reduce(response, NAME, qtype, do)
    except UpstreamError:
        return None
    return reply, response.cookie if response.has_edns else None


@pytest.mark.parametrize("do", [False, True])
@pytest.mark.parametrize("kind", PLAIN)
def test_what_nearly_every_response_says_is_read_by_hand(kind: str, do: bool) -> None:
    wire = PLAIN[kind]
    qtype = int.from_bytes(wire[END - 4 : END - 2], "big")
    plain = read(wire, END, NAME, qtype, do)
    assert plain is not None
    assert tuple(plain) == in_full(wire, qtype, do)


@pytest.mark.parametrize("kind", OTHERS)
def test_everything_else_is_left_to_others(kind: str) -> None:
    wire = OTHERS[kind]
    assert read(wire, END, NAME, int.from_bytes(wire[END - 4 : END - 2], "big"), False) is None


def test_ad_is_the_upstream_s_word_for_it() -> None:
    wire = bytearray(PLAIN["address"])
    wire[3] |= 0x20
    plain = read(bytes(wire), END, NAME, Type.A, True)
    assert plain is not None
    assert plain.reply.proof == Proof(security=Security.CLAIMED)


def test_the_cookie_is_told_and_extended_errors_are_not_lost() -> None:
    cookie = dns.edns.GenericOption(10, b"8 octets, and 16")
    plain = read(with_options(PLAIN["address"], cookie), END, NAME, Type.A, False)
    assert plain is not None
    assert plain.cookie == b"8 octets, and 16"
    both = with_options(PLAIN["address"], cookie, dns.edns.EDEOption(4, "forged"))
    assert read(both, END, NAME, Type.A, False) is None


def test_more_records_than_are_taken_are_left_to_others() -> None:
    record = PLAIN["address"][END : END + 16]
    for many in (MAX_RECORDS, MAX_RECORDS + 1):
        wire = PLAIN["address"][:6] + many.to_bytes(2, "big") + PLAIN["address"][8:END] + record * many
        wire = wire[:10] + b"\0\0" + wire[12:]
        assert (read(wire, END, NAME, Type.A, False) is None) == (many > MAX_RECORDS)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A response of any kind with some octets behind its question changed, taken out or put in."""
    wire = bytearray(draw(st.sampled_from([*PLAIN.values(), *OTHERS.values()])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(2, len(wire) - 1).filter(lambda at: not HEADER_OCTETS <= at < END))
        change = draw(st.integers(0, 3))
        if change == 0:
            wire[at] ^= 1 << draw(st.integers(0, 7))
        elif change == 1:
            wire[at] = draw(st.sampled_from((0, 1, 5, 6, 12, 41, 63, 64, 0x80, 0xC0, 0xFF)))
        elif at >= END and change == 2:
            del wire[at : at + draw(st.integers(1, 12))]
        elif at >= END:
            wire[at:at] = draw(st.binary(min_size=1, max_size=6))
        if len(wire) <= END:
            break
    return bytes(wire)


@settings(max_examples=600, deadline=None)
@given(mutated(), st.booleans())
@example(PLAIN["address"] + b"more", False)
@example(PLAIN["address"][:-1], False)
@example(PLAIN["no name"][:-12], False)
def test_whatever_is_read_by_hand_is_what_is_read_in_full(wire: bytes, do: bool) -> None:
    qtype = int.from_bytes(wire[END - 4 : END - 2], "big")
    plain = read(wire, END, NAME, qtype, do)
    if plain is None:
        return
    full = in_full(wire, qtype, do)
    assert full is not None
    assert (plain.reply, plain.cookie) == full
    assert Response(wire[:HEADER_OCTETS] + NAME + wire[END - 4 :]).rcode == plain.reply.rcode
