from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from splitdns.wire.header import error_reply, is_query, opcode, question_end, truncated_reply


def query(flags: int = 0x0100, questions: int = 1, body: bytes = b"\x03WwW\0\0\1\0\1") -> bytes:
    return struct.pack("!HHHHHH", 0x1234, flags, questions, 0, 0, 0) + body


@pytest.mark.parametrize("octets", range(12))
def test_without_a_whole_header_nothing_is_answered(octets: int) -> None:
    assert not is_query(query()[:octets])
    assert error_reply(query()[:octets], dns.rcode.FORMERR) is None


def test_a_response_is_never_answered() -> None:
    assert not is_query(query(flags=0x8100))
    assert error_reply(query(flags=0x8100), dns.rcode.FORMERR) is None


def test_an_error_echoes_id_question_rd_and_cd_and_no_other_flag__rfc1035_4_1_1() -> None:
    reply = error_reply(query(flags=0x07F0), dns.rcode.REFUSED)
    assert reply == struct.pack("!HHHHHH", 0x1234, 0x8115, 1, 0, 0, 0) + b"\x03WwW\0\0\1\0\1"


def test_an_error_about_another_opcode_echoes_it_without_the_question__rfc6895_2_2() -> None:
    wire = query(flags=0x2900)
    assert opcode(wire) == dns.opcode.UPDATE
    reply = dns.message.from_wire(error_reply(wire, dns.rcode.NOTIMP) or b"")
    assert (reply.opcode(), reply.rcode(), reply.id) == (dns.opcode.UPDATE, dns.rcode.NOTIMP, 0x1234)


@pytest.mark.parametrize(
    "wire",
    [
        query(questions=0),
        query(questions=2),
        query(body=b""),
        query(body=b"\x03www"),
        query(body=b"\x03www\0\0\1\0"),
        query(body=b"\xc0\x0c\0\1\0\1"),
        query(body=b"\x40" + bytes(70)),
        query(body=b"\x01a" * 127 + b"\x01a\0\0\1\0\1"),
    ],
)
def test_a_question_that_cannot_be_read_is_not_echoed__rfc9619(wire: bytes) -> None:
    assert question_end(wire) is None
    assert error_reply(wire, dns.rcode.FORMERR) == bytes.fromhex("123481010000000000000000")


def test_the_longest_name_is_echoed__rfc1035_2_3_4() -> None:
    wire = query(body=b"\x01a" * 127 + b"\0\0\1\0\1")
    assert question_end(wire) == len(wire)


def test_a_truncated_reply_holds_the_question_and_tc__rfc2181_9() -> None:
    opt = bytes.fromhex("0000290400000000000000")
    for given in (b"", opt):
        reply = dns.message.from_wire(truncated_reply(query(flags=0x0110), given) or b"")
        assert reply.flags == dns.flags.QR | dns.flags.TC | dns.flags.RD | dns.flags.CD
        assert reply.question[0].to_text() == "WwW. IN A"
        assert reply.edns == (0 if given else -1)


@pytest.mark.parametrize(
    "wire", [b"", query(flags=0x8100), query(flags=0x2900), query(questions=2), query(body=b"\x03Ww")]
)
def test_what_cannot_be_asked_again_over_tcp_is_not_truncated(wire: bytes) -> None:
    assert truncated_reply(wire) is None
