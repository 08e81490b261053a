"""A question and a client, from what a person typed."""

from __future__ import annotations

from splitdns.cli.console import fail
from splitdns.explain import Ask, typed
from splitdns.view import fold_address
from splitdns.wire.message import Query


def question(name: str, qtype: str | None) -> Query:
    """The query of a usual client; a wrong name or type ends the command with status 2."""
    try:
        return typed.question(name, qtype)
    except ValueError as error:
        fail(str(error))


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
