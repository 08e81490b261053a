"""A question as a person types it, on a command line or into a page."""

from __future__ import annotations

import ipaddress

from splitdns.names import fold, wire_from_text
from splitdns.records import Type, type_from_text
from splitdns.wire.edns import Edns
from splitdns.wire.message import Query


def question(name: str, qtype: str | None = None) -> Query:
    """The query of a usual client, with RD and EDNS; an address as ``name`` asks for its PTR.

    Raises:
        ValueError: what is wrong with the name or the type, for a person.
    """
    reverse = _reverse(name)
    if "://" in name:
        host = name.partition("://")[2].partition("/")[0].partition(":")[0]
        raise ValueError(f"expected a domain name, found a URL; ask for {host!r}")
    wire = wire_from_text(reverse or (name if name.endswith(".") else name + "."))
    number = type_from_text(qtype) if qtype else Type.PTR if reverse else Type.A
    return Query(wire, fold(wire), number, rd=True, edns=Edns(payload_octets=1232))


def _reverse(name: str) -> str | None:
    try:
        return ipaddress.ip_address(name).reverse_pointer + "."
    except ValueError:
        return None
