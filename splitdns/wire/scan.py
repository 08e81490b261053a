"""The key of a question, without decoding the message: what the hot path looks up and sends.

A plain query (opcode QUERY, one question, nothing else but at most one OPT record without options) has its
name's end at a known distance from the message's own end. So nothing is parsed: the key is cut out by its
place, and a malformed name makes a key that was never remembered. Only the name's octets are folded, for
type 65 is an ``A`` (RFC 4343). Length octets are below ``A`` in every remembered key, hence folding cannot
make a bad name look like a good one.

The key holds all that the encoded answer depends on beside the view: flags, EDNS, how much fits, transport.
"""

from __future__ import annotations

from functools import lru_cache

from splitdns.names import Qname
from splitdns.wire.edns import MIN_PAYLOAD_OCTETS, OPT_OCTETS
from splitdns.wire.framing import MAX_MESSAGE_OCTETS
from splitdns.wire.header import AD, CD, HEADER_OCTETS, OPCODE, QR, RD
from splitdns.wire.message import Transport

_PLAIN = bytes.fromhex("0001000000000000")  # the four counts: one question
_WITH_OPT = bytes.fromhex("0001000000000001")  # and one additional record
_QUESTION_TAIL = 4  # type and class

# The key's first octet; RD (0x01), CD (0x10) and AD (0x20) keep their places.
_TCP, _EDNS, _LARGE, _DO = 0x02, 0x04, 0x08, 0x80


def key(wire: bytes, transport: Transport, payload_octets: int) -> bytes | None:
    """The key of a plain query, or None: it goes the long way.

    ``payload_octets`` is our own EDNS size. Clients that offer a size between 512 and ours are rare, and go
    the long way, so that they cannot fill the memory with sizes.
    """
    if len(wire) < HEADER_OCTETS or wire[2] & (QR | OPCODE):
        return None
    head = wire[2] & RD | wire[3] & (AD | CD)
    if transport is Transport.TCP:
        head |= _TCP
    counts = wire[4:12]
    if counts == _PLAIN:
        end = len(wire)
    elif counts == _WITH_OPT:
        end = len(wire) - OPT_OCTETS
        of_opt = _of_opt(wire[end:], payload_octets)
        if of_opt is None:
            return None
        head |= of_opt
    else:
        return None
    tail = end - _QUESTION_TAIL
    if tail <= HEADER_OCTETS:
        return None
    return b"%c%b%b" % (head, wire[HEADER_OCTETS:tail].lower(), wire[tail:end])


@lru_cache(maxsize=256)  # clients send one of a few
def _of_opt(opt: bytes, payload_octets: int) -> int | None:
    """What an OPT record without options adds to the key's first octet; None: it is another one."""
    if opt[:3] != b"\0\0\x29" or opt[5:7] != b"\0\0" or opt[9:] != b"\0\0":
        return None
    head = _EDNS | opt[7] & _DO
    offered = opt[3] << 8 | opt[4]
    if offered >= payload_octets:
        return head | _LARGE
    return None if offered > MIN_PAYLOAD_OCTETS else head


def name(key: bytes) -> Qname:
    """The asked name, where it is one: who remembers nothing by the key has to look."""
    return Qname(key[1:-_QUESTION_TAIL])


def name_end(key: bytes) -> int:
    """Where the asked name ends in the messages of this key."""
    return HEADER_OCTETS - 1 - _QUESTION_TAIL + len(key)


def do(key: bytes) -> bool:
    """Whether the queries of this key set DO."""
    return key[0] >= _DO


def qtype(key: bytes) -> int:
    """The asked type."""
    return key[-4] << 8 | key[-3]


def cd(key: bytes) -> bool:
    """Whether they set CD."""
    return bool(key[0] & CD)


def asked(key: bytes) -> tuple[Qname, int, bool, bool]:
    """All of these: the name, the type, DO and CD."""
    head = key[0]
    return Qname(key[1:-_QUESTION_TAIL]), key[-4] << 8 | key[-3], head >= _DO, bool(head & CD)


def has_edns(key: bytes) -> bool:
    """Whether they have an OPT record."""
    return bool(key[0] & _EDNS)


def room_octets(key: bytes, payload_octets: int) -> int:
    """How much fits into an answer; ``payload_octets`` as for ``key``."""
    if key[0] & _TCP:
        return MAX_MESSAGE_OCTETS
    return payload_octets if key[0] & _LARGE else MIN_PAYLOAD_OCTETS


def is_of(key: bytes, question: bytes) -> bool:
    """Whether ``key`` is that of a message whose question is ``question``, its name as it was sent.

    Another record than an OPT at the message's end can look like one, and then the name was cut elsewhere.
    """
    return len(key) == 1 + len(question) + _QUESTION_TAIL


def patch(encoded: bytes, wire: bytes, key: bytes) -> bytes:
    """The remembered answer to ``key`` as the answer to ``wire``: its id, and its own letter case."""
    end = name_end(key)
    return wire[:2] + encoded[2:HEADER_OCTETS] + wire[HEADER_OCTETS:end] + encoded[end:]
