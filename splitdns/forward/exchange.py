"""One question to one upstream: the query, and what counts as its response.

A datagram counts only where the kernel saw it come from the upstream and its id and question are ours
(RFC 5452 9.1); others are ignored and the wait goes on. What the response says is ``response``'s to read.
"""

from __future__ import annotations

import asyncio
import struct
from random import Random
from typing import NamedTuple

from splitdns.errors import UpstreamError
from splitdns.forward.network import Network
from splitdns.forward.response import Response
from splitdns.names import ROOT, Qname
from splitdns.records import Class, Rcode, Type
from splitdns.view import Upstream
from splitdns.wire.framing import Unframer, frame
from splitdns.wire.header import HEADER_OCTETS, question_end

PAYLOAD_OCTETS = 1232  # what fits every path unfragmented (DNS flag day 2020)
MAX_UNWANTED = 100  # datagrams that answer something else, in one exchange; beyond: a flood, it fails

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")  # type, payload, flags, octets of rdata
_RECEIVE_OCTETS = 65_535

_QR, _OPCODE, _TC, _RD, _CD, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x0010, 0x000F
_DO = 0x8000  # in what is the TTL of other records (RFC 3225 3)
_OPT = ROOT + _FIXED.pack(Type.OPT, PAYLOAD_OCTETS, 0, 0)
_OPT_DO = ROOT + _FIXED.pack(Type.OPT, PAYLOAD_OCTETS, _DO, 0)
_CLASS_IN = Class.IN.to_bytes(2, "big")
_NO_EDNS = frozenset({Rcode.FORMERR, Rcode.NOTIMP})  # what a server without EDNS says to it (RFC 6891 7)


class NoResponseError(UpstreamError):
    """The upstream did not answer in time, or cannot be reached: it may be down."""


class Question(NamedTuple):
    """What is asked; ``do`` wants signatures (RFC 4035 3.2.1), ``cd`` also what fails validation (3.2.2)."""

    name: Qname
    qtype: int
    do: bool = False
    cd: bool = False


class Exchanger:
    """Asks single upstreams, over sockets from ``network`` and with ids from ``random``."""

    def __init__(self, network: Network, random: Random) -> None:
        self._network = network
        self._random = random

    async def exchange(self, question: Question, upstream: Upstream, timeout_s: float) -> Response:
        """Ask ``upstream`` once, over UDP, then over TCP where the response did not fit (RFC 7766 5).

        A server that rejects EDNS is asked once more without it (RFC 6891 7).

        Raises:
            NoResponseError: nothing within ``timeout_s``, or no way to the upstream.
            UpstreamError: a response that cannot be used.
        """
        until_s = asyncio.get_running_loop().time() + timeout_s
        for edns in (True, False):
            query = make_query(self._random.getrandbits(16), question, edns)
            wire = await self._ask_datagram(upstream, query, until_s)
            if _is_truncated(wire):
                query = make_query(self._random.getrandbits(16), question, edns)
                wire = await self._ask_stream(upstream, query, until_s)
            response = Response(wire)
            if response.header_rcode not in _NO_EDNS:
                break
        return response

    async def _ask_datagram(self, upstream: Upstream, query: bytes, until_s: float) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(until_s):
                with self._network.datagram(upstream) as datagram:
                    datagram.send(query)
                    for _ in range(MAX_UNWANTED + 1):
                        wire = await loop.sock_recv(datagram, _RECEIVE_OCTETS)
                        if is_response(wire, query):
                            return wire
        except TimeoutError:
            raise NoResponseError("no response in time") from None
        except OSError as error:
            raise NoResponseError(error.strerror or str(error)) from None
        raise UpstreamError(f"more than {MAX_UNWANTED} datagrams that do not answer the query")

    async def _ask_stream(self, upstream: Upstream, query: bytes, until_s: float) -> bytes:
        """The response over TCP. Where there is none it is not down: it has just answered over UDP."""
        loop = asyncio.get_running_loop()
        unframer = Unframer()
        try:
            async with asyncio.timeout_at(until_s):
                with await self._network.stream(upstream) as stream:
                    await loop.sock_sendall(stream, frame(query))
                    while (wire := unframer.message()) is None:
                        octets = await loop.sock_recv(stream, _RECEIVE_OCTETS)
                        if not octets:
                            raise UpstreamError("truncated, and the connection ended within a response")
                        unframer.feed(octets)
        except TimeoutError:
            raise UpstreamError("truncated, and no response over TCP in time") from None
        except OSError as error:
            raise UpstreamError(f"truncated, and over TCP: {error.strerror or error}") from None
        if not is_response(wire, query):
            raise UpstreamError("truncated, and a response over TCP that does not answer the query")
        if _is_truncated(wire):
            raise UpstreamError("a truncated response over TCP")
        return wire


def make_query(query_id: int, question: Question, edns: bool) -> bytes:
    """A query with RD and, where ``edns``, our own OPT (RFC 6891 6.1.2); without it there is no DO."""
    flags = _RD | _CD if question.cd else _RD
    header = _HEADER.pack(query_id, flags, 1, 0, 0, 1 if edns else 0)
    query = header + question.name + question.qtype.to_bytes(2, "big") + _CLASS_IN
    if not edns:
        return query
    return query + (_OPT_DO if question.do else _OPT)


def is_response(wire: bytes, query: bytes) -> bool:
    """Whether ``wire`` answers ``query``: a response, with the same id, opcode and question.

    A server that rejects EDNS may leave the question out (RFC 6891 7); such a rejection counts too, because
    all that a forged one gains is the same question once more.
    """
    if len(wire) < HEADER_OCTETS or wire[:2] != query[:2]:
        return False
    _, flags, questions, _, _, _ = _HEADER.unpack_from(wire)
    if not flags & _QR or flags & _OPCODE:
        return False
    if questions == 0:
        return flags & _RCODE in _NO_EDNS
    end = question_end(query)
    return questions == 1 and _same_question(wire[HEADER_OCTETS:end], query[HEADER_OCTETS:end])


def _same_question(one: bytes, other: bytes) -> bool:
    """Names without regard to case, type and class exactly: type 65 is an octet that looks like a letter."""
    return one[:-4].lower() == other[:-4].lower() and one[-4:] == other[-4:]


def _is_truncated(wire: bytes) -> bool:
    return bool(_HEADER.unpack_from(wire)[1] & _TC)
