"""A connection's way, for one client and one name: the query to this server, then the packets to the service.

The view that answers is that of the address which arrives here, not of the client's own (semantics 24), and
its answer is where the client goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from splitdns.addresses import is_inside
from splitdns.check.around import PROTOCOLS, Seen
from splitdns.check.judge import Judgement, before_us, serving
from splitdns.check.model import Kind
from splitdns.check.promises import answers_for
from splitdns.check.sets import Address, Numbers, address_of, numbers_of
from splitdns.check.traffic import Asked, ask
from splitdns.check.verdict import FIRST_EPHEMERAL, Outcome, Question, Result
from splitdns.check.walk import Walker
from splitdns.load.declared import Port
from splitdns.value import value


@value(frozen=True, slots=True)
class Arrival:
    """What becomes of the connection to one address that the client was told."""

    address: Address
    result: Result


@value(frozen=True, slots=True)
class Way:
    """``asked`` is the query's way over UDP (None: nobody knows where clients ask); ``view`` answers it.

    Where the query does not arrive, as from the internet, who asks elsewhere is told what its own view is.
    """

    seen: Seen
    asked: Asked | None
    view: str | None
    told: tuple[Address, ...]
    arrivals: tuple[Arrival, ...]


class NoSuchClientError(LookupError):
    """The address is no client's of the gateway: its own, or of a network that nobody knows."""


def way(judgement: Judgement, client: Address, owner: bytes, port: Port) -> Way:
    """The way of a connection to ``port`` of the name ``owner`` from ``client``.

    Raises:
        NoSuchClientError: nobody around the gateway has that address.
    """
    seen = _seen(judgement, client)
    walker = Walker(judgement.gateway)
    asked = next(ask(walker, [seen], judgement.settings, judgement.loaded, ("udp",)), None)
    view = asked.met if asked is not None and asked.met is not None else seen.view
    snapshot = judgement.loaded.snapshot
    told = answers_for(owner, snapshot.views, snapshot.manners).get(view or "", ())
    if _is_declared(judgement, told, port):  # as the check sees it: hosts have the ports that zones expose
        walker = Walker(serving(judgement.gateway, judgement.services))
    arrivals = [
        Arrival(address, result)
        for address in told
        if address.version == client.version
        for result in walker.walk(_question(seen, _at(judgement, seen, address), port))
    ]
    return Way(seen, asked, view, told, tuple(arrivals))


def _seen(judgement: Judgement, client: Address) -> Seen:
    for seen in judgement.clients:
        if seen.clients.family == client.version and int(client) in seen.clients.numbers:
            one = replace(seen.clients, name=str(client), numbers=numbers_of(client))
            return replace(seen, clients=one)
    raise NoSuchClientError(f"{client} is the address of no client that the gateway's network tells")


def _is_declared(judgement: Judgement, told: Iterable[Address], port: Port) -> bool:
    return any(
        service.exposed.public.protocol == port.protocol
        and service.exposed.public.first <= port.first
        and port.last <= service.exposed.public.last
        and not set(told).isdisjoint(service.addresses)
        for service in judgement.services
    )


def _at(judgement: Judgement, seen: Seen, address: Address) -> Address:
    """Where packets to ``address`` arrive: a NAT before the gateway sends them to its private address."""
    private = before_us(judgement.gateway.network)
    is_translated = address.version == 4 and not is_inside(address.packed)
    is_outside = seen.clients.kind is Kind.INTERNET
    return private if private is not None and is_outside and is_translated else address


def _question(seen: Seen, address: Address, port: Port) -> Question:
    return Question(
        (seen.clients,),
        address.version,
        numbers_of(address),
        Numbers.one(PROTOCOLS[port.protocol]),
        Numbers.of((port.first, port.last)),
    )


def conntrack(outcome: Outcome, result: Result) -> str | None:
    """The entry that conntrack(8) would list for the connection; None: it met nobody, or not the gateway."""
    endpoint = outcome.endpoint
    if endpoint is None or not any(stage.where == "prerouting" for stage in outcome.stages):
        return None
    packets, family = result.packets, result.packets.family
    protocol = next(name for name, number in PROTOCOLS.items() if number in packets.protocols)
    source, destination = (address_of(family, one.first) for one in (packets.source, packets.destination))
    server, back = (address_of(family, one.first) for one in (endpoint.addresses, endpoint.seen_source))
    port, inside = packets.destination_ports.first, endpoint.ports.first
    return (
        f"{protocol} src={source} dst={destination} sport={FIRST_EPHEMERAL} dport={port} "
        f"src={server} dst={back} sport={inside} dport={FIRST_EPHEMERAL}"
    )
