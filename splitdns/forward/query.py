"""A query to an upstream, and by what its response is recognised. Pure.

A forger who cannot see the query has to guess whatever in it is drawn at random: the id, and the case of each
letter of the name, which servers copy from the query into the response (RFC 5452 9.1 calls for the question,
draft-vixie-dnsext-dns0x20 for its letters). Only what comes back to the letter is the response.
"""

from __future__ import annotations

import functools
import struct
from enum import Enum
from random import Random
from typing import NamedTuple

from splitdns.names import Qname
from splitdns.records import Class, Rcode, Type
from splitdns.wire.edns import COOKIE
from splitdns.wire.header import HEADER_OCTETS

PAYLOAD_OCTETS = 1232  # what fits every path unfragmented (DNS flag day 2020)
PADDED_OCTETS = 128  # encrypted queries have a multiple of these (RFC 8467 4.1)
PADDING = 12  # the EDNS option (RFC 7830 3)
NO_EDNS = frozenset({Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS})  # of who does not know it (RFC 6891 7)

_HEADER = struct.Struct("!HHHHHH")
_OPT = struct.Struct("!BHHIH")  # root, type, payload, flags, octets of rdata
_OPTION = struct.Struct("!HH")
_AFTER_ID = struct.Struct("!HHHHH")
_QR, _OPCODE, _TC, _RD, _CD, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x0010, 0x000F
_DO = 0x8000  # in what is the TTL of other records (RFC 3225 3)
_CLASS_IN = Class.IN.to_bytes(2, "big")
# The bit that makes a letter small, for letters only. No length octet looks like one: they end at 63.
_CASE_BITS = bytes(0x20 if chr(octet).isascii() and chr(octet).isalpha() else 0 for octet in range(256))


class Question(NamedTuple):
    """What is asked; ``do`` wants signatures (RFC 4035 3.2.1), ``cd`` also what fails validation (3.2.2)."""

    name: Qname
    qtype: int
    do: bool = False
    cd: bool = False


class Manner(NamedTuple):
    """How a server is asked: in random case, with EDNS, with a COOKIE option's data, with padding."""

    spelled: bool = True
    edns: bool = True
    cookie: bytes = b""
    padded: bool = False


class Query(NamedTuple):
    """A message that leaves; ``end`` is where its question ends, ``name`` what it asks for, as it is."""

    wire: bytes
    end: int
    name: Qname
    manner: Manner

    @property
    def spelled(self) -> bytes:
        """The name as it is on the wire."""
        return self.wire[HEADER_OCTETS : self.end - 4]

    def plain(self, response: bytes) -> bytes:
        """The response with the asked name as it is: names in its records point there, and are kept."""
        if not self.manner.spelled or response[5] == 0:  # without a question, there is nothing to point to
            return response
        return response[:HEADER_OCTETS] + self.name + response[self.end - 4 :]


class Match(Enum):
    """How much of a datagram is right, before its records are looked at."""

    OTHER = "another id, another question, or no response at all"
    MISSPELLED = "the right one, but for the case of its letters"
    WHOLE = "the response"


def make_query(question: Question, random: Random, manner: Manner) -> Query:
    """A query with RD and, where the manner has EDNS, our own OPT (RFC 6891 6.1.2); else there is no DO."""
    message_id, name = drawn(question.name, random, spelled=manner.spelled)
    flags = _RD | _CD if question.cd else _RD
    header = message_id + _AFTER_ID.pack(flags, 1, 0, 0, 1 if manner.edns else 0)
    wire = header + name + question.qtype.to_bytes(2, "big") + _CLASS_IN
    end = len(wire)
    if manner.padded:
        room = end + _OPT.size + _OPTION.size + (_OPTION.size + len(manner.cookie) if manner.cookie else 0)
        wire += our_opt(manner.cookie, question.do, -room % PADDED_OCTETS)
    elif manner.edns:
        wire += our_opt(manner.cookie, question.do)
    return Query(wire, end, question.name, manner)


def drawn(name: Qname, random: Random, *, spelled: bool = True) -> tuple[bytes, bytes]:
    """An id, and the name in random case; both in one go."""
    octets = len(name)
    bits = random.getrandbits(16 + 8 * octets)
    message_id = (bits & 0xFFFF).to_bytes(2, "big")
    if not spelled:
        return message_id, name
    flipped = int.from_bytes(name.translate(_CASE_BITS), "big") & (bits >> 16)
    return message_id, (int.from_bytes(name, "big") ^ flipped).to_bytes(octets, "big")


@functools.lru_cache(maxsize=256)  # nearly all queries have one of a few
def our_opt(cookie: bytes, do: bool, padding: int | None = None) -> bytes:
    """Our OPT record; ``cookie`` is the option's data, ``padding`` how many octets the option for it has."""
    options = _OPTION.pack(COOKIE, len(cookie)) + cookie if cookie else b""
    if padding is not None:
        options += _OPTION.pack(PADDING, padding) + bytes(padding)
    return _OPT.pack(0, Type.OPT, PAYLOAD_OCTETS, _DO if do else 0, len(options)) + options


def match(wire: bytes, query: Query) -> Match:
    """Whether ``wire`` answers ``query``: a response, with the same id, opcode and question.

    A server that rejects EDNS may leave the question out (RFC 6891 7); such a rejection counts too, because
    all that a forged one gains is the same question once more.
    """
    asked, end, _, _ = query
    if len(wire) < HEADER_OCTETS or wire[:2] != asked[:2]:
        return Match.OTHER
    _, flags, questions, _, _, _ = _HEADER.unpack_from(wire)
    if not flags & _QR or flags & _OPCODE:
        return Match.OTHER
    if questions != 1:
        return Match.WHOLE if questions == 0 and flags & _RCODE in NO_EDNS else Match.OTHER
    if wire[HEADER_OCTETS:end] == asked[HEADER_OCTETS:end]:
        return Match.WHOLE
    # Names without regard to case, type and class exactly: type 65 is an octet that looks like a letter.
    same = (
        wire[end - 4 : end] == asked[end - 4 : end]
        and wire[HEADER_OCTETS : end - 4].lower() == asked[HEADER_OCTETS : end - 4].lower()
    )
    return Match.MISSPELLED if same else Match.OTHER


def is_truncated(wire: bytes) -> bool:
    """Whether the records of a response did not fit (RFC 1035 4.1.1)."""
    return bool(wire[2] & _TC >> 8)
