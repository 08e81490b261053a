"""Who a client is to us: its view, its address as it arrived, and what chose the view.

What a client is told is its own, so nobody may keep it for another: TTL 0, and no place in the view's
answers. Only the packet's source is believed: what a query says of its client (EDNS client subnet, RFC 7871)
is not even read, for anybody can write it. Who is outside learns its own address, and that it is outside.
"""

from __future__ import annotations

from splitdns.answer.guard import guard
from splitdns.records import Rcode, RRset, Type
from splitdns.view import OUTSIDE, Address, Match, fold_address
from splitdns.wire.message import Answer, Query


def told(answer: Answer, query: Query, match: Match, client: str, server_id: str | None) -> Answer:
    """``answer``, which the zone of the name gives to ``query``, with what is the client's own.

    ``client`` is a socket's host, ``server_id`` what the server calls itself (None: it does not say). The
    result has passed the leak guard, and is not to be remembered.
    """
    address = fold_address(client)
    if answer.rcode == Rcode.NXDOMAIN:  # of the zone above, asked for the DS: but the name exists
        answer = answer._replace(rcode=Rcode.NOERROR)
    if answer.rcode == Rcode.NOERROR and (record := _record(query, match, address, server_id)) is not None:
        answer = guard(answer._replace(answer=(record,), authority=()), match.view, query.name)
    return answer._replace(remember=False)


def _record(query: Query, match: Match, address: Address, server_id: str | None) -> RRset | None:
    own = Type.A if address.version == 4 else Type.AAAA
    if query.qtype == own:
        rdtype, rdata = own, address.packed
    elif query.qtype in (Type.TXT, Type.ANY):
        rdtype, rdata = Type.TXT, _strings(_facts(query, match, address, server_id))
    else:
        return None
    # A client's own address is no secret to it, whatever its view must not learn of others.
    return RRset(query.question, rdtype, 0, (rdata,), public=True)


def _facts(query: Query, match: Match, address: Address, server_id: str | None) -> dict[str, str]:
    if match.view.outside:
        return {"view": OUTSIDE, "client": str(address)}
    facts = {
        "view": match.view.name,
        "client": str(address),
        "prefix": str(match.prefix or "any"),
        "proto": str(query.transport),
    }
    return facts if server_id is None else {**facts, "server": server_id}


def _strings(facts: dict[str, str]) -> bytes:
    """TXT rdata: one string for each fact (RFC 1035 3.3.14), in the form of RFC 1464."""
    strings = (f"{name}={value}".encode()[:255] for name, value in facts.items())
    return b"".join(bytes([len(string)]) + string for string in strings)
