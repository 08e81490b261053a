"""Changes in words, for gateways whose rules are written by nobody but a person in their pages.

Whoever has described a gateway in a table enters these lines in its pages, and then in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.spelling import clients_of, ports_of
from splitdns.check.model import Gateway, Side, Translate
from splitdns.check.sets import Address, numbers_of

TABLE = "table "  # how the names of its tables begin


def written(
    changes: Sequence[Change], gateway: Gateway, _earlier: Sequence[Change]
) -> tuple[list[str], list[str]]:
    """What is to be done, and what to be undone, a comment each: nothing here is for a shell."""
    do: list[str] = []
    undo: list[str] = []
    for change in changes:
        for words in _words(change, gateway):
            do.append(f"# {words}")
            undo.insert(0, f"# take back: {words}")
    return do, undo


def _words(change: Change, gateway: Gateway) -> Iterator[str]:
    match change:
        case Forward():
            what = f"forward {_ports(change.protocol, change.port)} of {change.address}"
            inside = " from inside, too (NAT loopback)" if _leads_to(gateway, change.to) else ""
            yield f"{what} to {change.to} {_port(change.to_port)}{inside}"
        case Hairpin():
            clients = " and ".join(clients_of(change.family, change.clients))
            what = f"{change.to} {_ports(change.protocol, change.to_port)}"
            yield f"let {clients} seem to be the gateway to {what} (NAT loopback)"
        case Admit():
            yield f"allow {_ports(change.protocol, change.to_port)} of {change.to} in the firewall"
        case AdmitReplies():
            yield f"allow replies in the firewall, for IPv{change.family}"
        case RedirectDns():
            clients = " and ".join(clients_of(change.resolver.version, change.clients))
            dns = f"DNS over {change.protocol.upper()} of {clients} at {change.interface}"
            yield f"lead {dns} to {change.resolver}, whomever they ask"
        case SpareDns():
            yield f"lead all DNS over {change.protocol.upper()} but that of {change.resolver} itself"


def _leads_to(gateway: Gateway, to: Address) -> bool:
    """Whether a forward to ``to`` is there: then it is for clients outside only."""
    return any(
        isinstance(rule.action, Translate)
        and rule.action.side is Side.DESTINATION
        and rule.action.addresses == numbers_of(to)
        for chain in gateway.ruleset.chains
        if chain.table.startswith(TABLE)
        for rule in chain.rules
    )


def _ports(protocol: str, port: tuple[int, int]) -> str:
    return f"{protocol.upper()} {_port(port)}"


def _port(port: tuple[int, int]) -> str:
    return f"port{'' if port[0] == port[1] else 's'} {ports_of(port)}"
