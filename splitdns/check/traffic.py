"""Traffic that no service asks for by itself: what the internet is let in to, what goes out, and queries.

The way of a DNS query is walked like any other: the source that arrives here chooses the view (semantics 24).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from splitdns.addresses import is_inside
from splitdns.check.around import PROTOCOLS, Seen, public_addresses
from splitdns.check.model import Gateway, Kind, Network
from splitdns.check.sets import NONE, PORTS, Address, Numbers, address_of, numbers_of
from splitdns.check.sets import PROTOCOLS as ALL_PROTOCOLS
from splitdns.check.verdict import Question, Result, Verdict
from splitdns.check.walk import Walker
from splitdns.load.declared import Port
from splitdns.load.gateway import GatewaySettings
from splitdns.load.load import Loaded
from splitdns.value import value

DNS_PORT = 53
# What gateways are administered by: SSH, Telnet, HTTP and HTTPS with their usual seconds, Winbox, its API.
ADMIN_PORTS = Numbers.of(
    (22, 23), (80, 80), (443, 443), (4443, 4443), (8080, 8080), (8291, 8291), (8443, 8443), (8728, 8729)
)


@value(frozen=True, slots=True)
class Asked:
    """The way of some clients' DNS queries to ``address``, over UDP or TCP; ``met`` is the view that answers.

    ``met`` is None where no query arrives, or its source has no view.
    """

    seen: Seen
    address: Address
    result: Result
    met: str | None


def question_of(asking: Sequence[Seen], address: Address, port: Port) -> Question:
    """Connections from all of them to one port, or range of ports, of ``address``."""
    return Question(
        tuple(seen.clients for seen in asking),
        address.version,
        numbers_of(address),
        Numbers.one(PROTOCOLS[port.protocol]),
        Numbers.of((port.first, port.last)),
    )


def admitted(walker: Walker, clients: Sequence[Seen], gateway: Gateway) -> Iterator[Result]:
    """What becomes of all that the internet may send to the gateway, or through it to a public address."""
    network = gateway.network
    for family in (4, 6):
        outside = tuple(
            seen.clients
            for seen in clients
            if seen.clients.kind is Kind.INTERNET and seen.clients.family == family
        )
        destination = NONE
        for one in network.interfaces:
            own = [own for own in one.addresses if own.prefix.version == family]
            if one.uplink:
                destination |= numbers_of(*(each.address for each in own if not each.address.is_link_local))
            else:
                public = [each.prefix for each in own if not is_inside(each.address.packed)]
                destination |= numbers_of(*public)
        if outside and destination:
            yield from walker.walk(Question(outside, family, destination, ALL_PROTOCOLS, PORTS))


def outbound(
    walker: Walker, clients: Sequence[Seen], network: Network, resolvers: Sequence[Address]
) -> Iterator[Result]:
    """What becomes of connections to public addresses that are not ours; of hosts, only this server's."""
    for family in (4, 6):
        inside = tuple(
            seen.clients
            for seen in clients
            if seen.clients.family == family and (_is_inside(seen) or _is_one_of(seen, resolvers))
        )
        own = [own for one in network.interfaces for own in one.addresses if own.prefix.version == family]
        foreign = public_addresses(family) - numbers_of(*(one.prefix for one in own))
        if inside:
            question = Question(inside, family, foreign, Numbers.of(*map(_single, PROTOCOLS.values())), PORTS)
            yield from walker.walk(question)


def inward(walker: Walker, clients: Sequence[Seen], network: Network) -> Iterator[Result]:
    """What becomes of connections from inside to the gateway's own inside addresses."""
    for family in (4, 6):
        inside = tuple(
            seen.clients
            for seen in clients
            if seen.clients.family == family and seen.clients.kind in (Kind.NETWORK, Kind.ROUTED)
        )
        faces = (one for one in network.interfaces if not one.uplink)
        own = [own.address for one in faces for own in one.addresses if own.address.version == family]
        own = [one for one in own if not (one.is_link_local or one.is_loopback)]
        if inside and own:
            protocols = Numbers.of(*map(_single, PROTOCOLS.values()))
            yield from walker.walk(Question(inside, family, numbers_of(*own), protocols, PORTS))


def _is_inside(seen: Seen) -> bool:
    return seen.clients.kind not in (Kind.INTERNET, Kind.HOST)


def _is_one_of(seen: Seen, addresses: Sequence[Address]) -> bool:
    family, numbers = seen.clients.family, seen.clients.numbers
    return seen.clients.kind is Kind.HOST and any(
        one.version == family and int(one) in numbers for one in addresses
    )


def _single(number: int) -> tuple[int, int]:
    return number, number


def ask(
    walker: Walker,
    clients: Sequence[Seen],
    settings: GatewaySettings,
    loaded: Loaded,
    protocols: Iterable[str] = PROTOCOLS,
) -> Iterator[Asked]:
    """The way of queries from ``clients`` to each of this server's addresses."""
    for address in resolver_addresses(settings, loaded):
        asking = [
            seen
            for seen in clients
            if seen.clients.family == address.version and seen.clients.kind is not Kind.HOST
        ]
        by_clients = {id(seen.clients): seen for seen in asking}
        for protocol in protocols if asking else ():
            question = question_of(asking, address, Port(protocol, DNS_PORT, DNS_PORT))
            for result in walker.walk(question):
                yield Asked(
                    by_clients[id(result.clients)], address, result, met(result, address.version, loaded)
                )


def resolver_addresses(settings: GatewaySettings, loaded: Loaded) -> tuple[Address, ...]:
    """The addresses under which clients ask this server."""
    if settings.resolver:
        return settings.resolver
    listening_on = (one for one in loaded.settings.listen if not one.is_wildcard and one.port == DNS_PORT)
    return tuple(one for one in (ip_address(one.host) for one in listening_on) if not one.is_loopback)


def met(result: Result, family: int, loaded: Loaded) -> str | None:
    """The view of the source that arrives; of several, the one that is not met by everybody's first."""
    arrives = result.verdict.works or result.verdict is Verdict.ROUTER_SELF
    endpoint = result.outcomes[0].endpoint
    if not arrives or endpoint is None or endpoint.seen_source == NONE:
        return None
    match = loaded.snapshot.match(str(address_of(family, endpoint.seen_source.first)))
    return match.view.name if match is not None else None
