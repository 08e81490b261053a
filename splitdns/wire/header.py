"""The 12 octets that every message begins with (RFC 1035 4.1.1), and the shortest of all answers.

An error is answered from the header and the question's own octets, so that it costs nothing and needs no
message that could be decoded. Stub resolvers wait on when an error comes back without their question: it is
echoed wherever it can be read.
"""

from __future__ import annotations

from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS

HEADER_OCTETS = 12

QR, AA, TC, RD = 0x80, 0x04, 0x02, 0x01  # of the third octet
OPCODE = 0x78
RA, AD, CD = 0x80, 0x20, 0x10  # of the fourth

_ONE = b"\0\1"


def is_query(wire: bytes) -> bool:
    """Whether there is a header, and it is a query's: everything else must never be answered."""
    return len(wire) >= HEADER_OCTETS and not wire[2] & QR


def opcode(wire: bytes) -> int:
    """The kind of query (RFC 6895 2.2); 0 is QUERY."""
    return (wire[2] & OPCODE) >> 3


def question_end(wire: bytes) -> int | None:
    """Where the only question ends, or None: none or several, a pointer in its name, or not all there."""
    if wire[4:6] != _ONE:
        return None
    at = HEADER_OCTETS
    while at < len(wire) and (length := wire[at]):
        if length > MAX_LABEL_OCTETS:  # a pointer, and nothing stands before it to point to (RFC 1035 4.1.4)
            return None
        at += 1 + length
    at += 1
    return at + 4 if at - HEADER_OCTETS <= MAX_NAME_OCTETS and at + 4 <= len(wire) else None


def error_reply(wire: bytes, rcode: int) -> bytes | None:
    """The answer to ``wire`` that says ``rcode`` (below 16) and nothing else.

    None where nothing may be answered: it is no query, or its header is cut short.
    """
    if not is_query(wire):
        return None
    flags = bytes((QR | wire[2] & (OPCODE | RD), wire[3] & CD | rcode))
    end = question_end(wire) if opcode(wire) == 0 else None
    if end is None:
        return wire[:2] + flags + bytes(8)
    return wire[:2] + flags + _ONE + bytes(6) + wire[HEADER_OCTETS:end]


def truncated_reply(wire: bytes, opt: bytes = b"") -> bytes | None:
    """The answer to ``wire`` that says only that the real one is to be had over TCP (RFC 2181 9).

    ``opt`` is an OPT record for it. None: the question cannot be read, or it is none of opcode QUERY.
    """
    end = question_end(wire)
    if end is None or not is_query(wire) or opcode(wire):
        return None
    flags = bytes((QR | TC | wire[2] & RD, wire[3] & CD))
    return wire[:2] + flags + _ONE + bytes(5) + bytes((bool(opt),)) + wire[HEADER_OCTETS:end] + opt
