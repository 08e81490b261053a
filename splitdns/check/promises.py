"""What the zones promise: for each service, which address each view is told, and whom it should reach.

The answers are the server's own (``decide``, with the leak guard), so the check judges what clients are told
and not what a file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address

from splitdns.addresses import is_inside
from splitdns.answer.decide import decide
from splitdns.check.sets import Address
from splitdns.load.declared import Exposed
from splitdns.load.load import Loaded
from splitdns.names import fold, to_text
from splitdns.records import ADDRESS_TYPES, Type
from splitdns.snapshot import Manners
from splitdns.value import value
from splitdns.view import View
from splitdns.wire.message import Answer, Query

# By view: the addresses that it is told for a name, IPv4 first.
Answers = Mapping[str, tuple[Address, ...]]


@value(frozen=True, slots=True)
class Service:
    """Ports of a name, as ``expose`` declares them.

    ``targets`` are the hosts that are meant: every address behind the gateway that any view is told. None at
    all: the zones do not say who serves, and any host may. ``on_gateway``: the gateway itself serves it, as a
    view is told an inside address of it, or as nobody else is meant and the gateway is said to listen there.
    """

    name: str
    exposed: Exposed
    answers: Answers
    targets: frozenset[Address]
    on_gateway: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.exposed.public}"

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All that any view is told, each once."""
        return tuple(dict.fromkeys(address for told in self.answers.values() for address in told))


@value(frozen=True, slots=True)
class Named:
    """A name with addresses that exposes nothing."""

    name: str
    answers: Answers


def services_of(
    loaded: Loaded, is_behind: Callable[[Address], bool], own: frozenset[Address]
) -> tuple[Service, ...]:
    """Every declared service; ``is_behind`` tells hosts behind the gateway, ``own`` are its own addresses."""
    found: list[Service] = []
    for owner, all_exposed in _exposing(loaded):
        answers = answers_for(owner, loaded.snapshot.views, loaded.snapshot.manners)
        told = {address for addresses in answers.values() for address in addresses}
        targets = frozenset(filter(is_behind, told))
        on_gateway = any(address in own and is_inside(address.packed) for address in told)
        found += [Service(to_text(owner), one, answers, targets, on_gateway) for one in all_exposed]
    return tuple(found)


def names_without_service(loaded: Loaded) -> Iterator[Named]:
    """Names with addresses that expose nothing, and could: not in master files, and no name servers."""
    exposing = {fold(owner) for owner, _ in _exposing(loaded)}
    exposing |= {fold(rdata) for view in loaded.snapshot.views for rdata in _servers(view)}
    views = loaded.snapshot.views
    found = {
        node.name: node.owner
        for view in views
        for zone in view.zones.values()
        if zone.source and not zone.source.endswith(".zone")
        for node in zone.nodes()
        if node.name not in exposing and any(rrset.rdtype in ADDRESS_TYPES for rrset in node.rrsets)
    }
    for owner in found.values():
        yield Named(to_text(owner), answers_for(owner, views, loaded.snapshot.manners))


def answers_for(owner: bytes, views: Iterable[View], manners: Manners) -> Answers:
    """What each view is told for a name: A and AAAA records, at the end of aliases; nothing forwarded."""
    return {view.name: tuple(_told(owner, view, manners)) for view in views}


def _told(owner: bytes, view: View, manners: Manners) -> Iterator[Address]:
    for rdtype in (Type.A, Type.AAAA):
        decided = decide(Query(owner, fold(owner), rdtype, rd=True), view, manners)
        if isinstance(decided, Answer):
            for rrset in decided.answer:
                if rrset.rdtype == rdtype:
                    yield from map(ip_address, rrset.rdatas)


def _servers(view: View) -> Iterator[bytes]:
    """The names of the name servers of a view's zones."""
    for zone in view.zones.values():
        apex = zone.node(zone.apex) if zone.source else None
        found = apex.rrset(Type.NS) if apex is not None else None
        yield from found.rdatas if found is not None else ()


def _exposing(loaded: Loaded) -> Iterator[tuple[bytes, tuple[Exposed, ...]]]:
    for parts in loaded.parts.values():
        for part in parts:
            if part.compiled is not None:
                for service in part.compiled.services:
                    yield service.owner, service.exposed
