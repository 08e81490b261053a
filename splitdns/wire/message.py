"""A DNS message: bytes to ``Query``, ``Answer`` to bytes. The one door to dnslib."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from splitdns.names import Qname
from splitdns.records import Class, Rcode, RRset
from splitdns.wire.edns import Edns


class Transport(StrEnum):
    """How a query came."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Query:
    """One question with what its header and OPT record say (RFC 1035 4.1, RFC 6891).

    ``question`` is the name as it was sent, its case kept; ``name`` is the same, folded.
    """

    question: bytes
    name: Qname
    qtype: int
    qclass: int = Class.IN
    id: int = 0
    rd: bool = False
    cd: bool = False
    ad: bool = False
    edns: Edns | None = None
    transport: Transport = Transport.UDP


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, before it is encoded.

    ``glue`` must fit or the message is truncated (RFC 9471); ``additional`` is left out where it does not.
    ``edes`` are extended errors as (code, text). ``remember`` is false for what must not be kept by question:
    it came from an upstream, and ages. ``stripped`` counts the records that the leak guard took out.
    """

    rcode: int = Rcode.NOERROR
    aa: bool = False
    ad: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    glue: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    edes: tuple[tuple[int, str], ...] = ()
    remember: bool = True
    stripped: int = 0
