"""One question of one client: the answer, the way to it, and what the other views would answer.

The answer itself is ``decide``'s, the very same that the server gives; the tale is made beside it. So a tale
can be incomplete, but the answer in it is never another than the client's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from splitdns.answer import whoami
from splitdns.answer.decide import Forward, Reply, decide, resume
from splitdns.explain.tale import Exchange, Places, Tale
from splitdns.explain.values import (
    Candidate,
    Client,
    Explanation,
    Hop,
    Origin,
    Outcome,
    Record,
    Result,
)
from splitdns.names import is_under
from splitdns.records import Class, Rcode, Type
from splitdns.snapshot import Snapshot
from splitdns.view import Prefix, View, fold_address
from splitdns.wire.message import Answer, Query

Ask = Callable[[Forward], Reply | None]


def explain(
    snapshot: Snapshot, query: Query, host: str, *, ask: Ask | None = None, places: Places | None = None
) -> Explanation:
    """Why the client at ``host``, a socket's address, gets its answer to ``query``.

    Without ``ask`` nobody is asked, and the tale ends where an upstream's part begins.

    Raises:
        ValueError: ``host`` is not an address.
    """
    client = _client(snapshot, host, places)
    match = snapshot.match(host)
    if match is None:
        refused = Outcome(None, Answer(Rcode.REFUSED))
        return Explanation(query, client, None, refused, others=_others(snapshot, query, None))
    view = match.view
    exchanges: list[Exchange] = []
    decided = settle(decide(query, view, snapshot.manners), ask, exchanges)
    tale = Tale(view, query, snapshot.manners, decided, exchanges, places)
    if query.qclass == Class.IN and query.qtype not in (Type.AXFR, Type.IXFR):
        tale.tell()
    hops, others = tuple(tale.hops), _others(snapshot, query, view)
    name = view.policy.whoami
    if name is not None and is_under(query.name, name) and isinstance(decided, Answer):
        decided = whoami.told(decided, query, match, host, snapshot.manners.server_id)
        hops, others = tuple(_told(hop, decided) for hop in hops), ()
    return Explanation(
        query, client, view, Outcome(view.name, decided), hops, tuple(tale.stripped), others
    )


def _told(hop: Hop, answer: Answer) -> Hop:
    """The name at which clients are told who they are: its one hop has no other record than this client's."""
    records = tuple(Record(rrset, Origin.SERVER) for rrset in answer.answer)
    if not records or records[0].rrset.rdtype not in (Type.A, Type.AAAA, Type.TXT):
        return hop
    reason = "who this client is to us: nobody else gets this answer, and nobody keeps it"
    return replace(hop, result=Result.RECORDS, records=records, beside=(), reason=reason)


def settle(decided: Answer | Forward, ask: Ask | None, exchanges: list[Exchange]) -> Answer | Forward:
    """Go on with ``ask`` until there is an answer; ``exchanges`` collects what was asked and said."""
    while isinstance(decided, Forward) and ask is not None:
        reply = ask(decided)
        exchanges.append((decided, reply))
        decided = resume(decided, reply)
    return decided


def _client(snapshot: Snapshot, host: str, places: Places | None) -> Client:
    address = fold_address(host)
    matching = [(prefix, view.name) for prefix, view in snapshot.prefixes if address in prefix]
    matching.sort(key=lambda pair: -pair[0].prefixlen)
    found: list[tuple[Prefix | None, str]] = [*matching]
    if snapshot.any_view is not None:
        found.append((None, snapshot.any_view.name))
    candidates = (
        Candidate(view, prefix, places.client(view, prefix) if places else None) for prefix, view in found
    )
    return Client(address, tuple(candidates))


def _others(snapshot: Snapshot, query: Query, own: View | None) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(view.name, decide(query, view, snapshot.manners))
        for view in snapshot.views
        if view is not own
    )
