"""A question and a client, from what a person typed."""

from __future__ import annotations

import ipaddress

from splitdns.cli.console import fail
from splitdns.explain import Ask
from splitdns.names import fold, wire_from_text
from splitdns.records import Type, type_from_text
from splitdns.view import fold_address
from splitdns.wire.edns import Edns
from splitdns.wire.message import Query


def question(name: str, qtype: str | None) -> Query:
    """The query of a usual client, with RD and EDNS; an address as ``name`` asks for its PTR.

    A wrong name or type ends the command with status 2.
    """
    reverse = _reverse(name)
    if "://" in name:
        host = name.partition("://")[2].partition("/")[0].partition(":")[0]
        fail(f"expected a domain name, found a URL; ask for {host!r}")
    try:
        wire = wire_from_text(reverse or (name if name.endswith(".") else name + "."))
        number = type_from_text(qtype) if qtype else Type.PTR if reverse else Type.A
    except ValueError as error:
        fail(str(error))
    return Query(wire, fold(wire), number, rd=True, edns=Edns(payload_octets=1232))


def _reverse(name: str) -> str | None:
    try:
        return ipaddress.ip_address(name).reverse_pointer + "."
    except ValueError:
        return None


def upstreams(wanted: bool) -> Ask | None:
    """How to ask upstreams, where that is wanted."""
    if not wanted:
        return None
    from splitdns.cli.upstream import ask

    return ask


def client(host: str) -> str:
    """``host``, which is an address; otherwise the command ends with status 2."""
    try:
        fold_address(host)
    except ValueError:
        fail(f"expected an IPv4 or IPv6 address after --from, found {host!r}")
    return host
