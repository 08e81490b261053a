"""Query and view to ``Answer`` or ``Forward``: the whole of the decision, without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from splitdns.records import RRset
from splitdns.view import UpstreamSet, View
from splitdns.wire.message import Query


@dataclass(frozen=True, slots=True)
class Reply:
    """What an upstream said to a question, reduced to what may be used.

    ``answer`` is what answers the question: the CNAME chain from the asked name and its end, nothing else.
    ``soa`` is the authority section's SOA of a negative answer (RFC 2308).
    """

    rcode: int
    answer: tuple[RRset, ...] = ()
    soa: RRset | None = None
    edes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """Ask ``upstreams`` for ``name`` and ``qtype``, then ``resume`` with the reply."""

    view: View
    query: Query
    name: bytes
    qtype: int
    upstreams: UpstreamSet
    so_far: tuple[RRset, ...] = ()
    inherited: bool = False
    no_nxdomain: bool = False
