"""Promises against the walk: every client, every service, every address that anybody is told.

A ``Cell`` is one answer to "does it work": these clients, this service, at this address. Beside the cells
stand what the internet is let in to, declared or not, and what becomes of the DNS query itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from splitdns.addresses import is_inside
from splitdns.check.around import (
    PROTOCOLS,
    Seen,
    clients_of,
    hosts_of,
    is_behind,
    listening,
    listening_too,
    public_addresses,
)
from splitdns.check.leased import with_leased
from splitdns.check.model import Gateway, Host, Kind, Network
from splitdns.check.promises import Service, services_of
from splitdns.check.sets import NONE, Address, Numbers, address_of, numbers_of
from splitdns.check.traffic import (
    ADMIN_PORTS,
    Asked,
    admitted,
    ask,
    inward,
    outbound,
    question_of,
    resolver_addresses,
)
from splitdns.check.verdict import Result, Verdict
from splitdns.check.walk import Walker
from splitdns.load.declared import Port
from splitdns.load.gateway import GatewaySettings
from splitdns.load.load import Loaded
from splitdns.value import value


@value(frozen=True, slots=True)
class Cell:
    """What becomes of some clients' connections to a service at one address.

    ``told``: their own view tells them the address; else it is one that only others are told, and that they
    may still use (a literal address, an old cache). ``verdict`` is the result's, or WRONG_HOST.
    """

    seen: Seen
    service: Service
    address: Address
    told: bool
    result: Result
    verdict: Verdict

    @property
    def works(self) -> bool:
        return self.verdict.works or (self.verdict is Verdict.ROUTER_SELF and self.service.on_gateway)


@value(frozen=True, slots=True)
class Judgement:
    """All that findings are made of.

    ``gateway`` has every host; in ``served``, hosts listen only where zones or the configuration say so.
    ``admitted`` is what becomes of everything that the internet may send here, ``outbound`` of what clients
    inside, hosts and the gateway send to others on the internet.
    """

    gateway: Gateway
    settings: GatewaySettings
    loaded: Loaded
    clients: tuple[Seen, ...]
    services: tuple[Service, ...]
    cells: tuple[Cell, ...]
    admitted: tuple[Result, ...]
    outbound: tuple[Result, ...]
    inward: tuple[Result, ...]
    asked: tuple[Asked, ...]

    _by_service: dict[int, list[Cell]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_service: dict[int, list[Cell]] = {}
        for cell in self.cells:
            by_service.setdefault(id(cell.service), []).append(cell)
        object.__setattr__(self, "_by_service", by_service)

    def of(self, service: Service) -> Sequence[Cell]:
        """The cells of one of ``services``."""
        return self._by_service.get(id(service), [])


def judge(gateway: Gateway, settings: GatewaySettings, loaded: Loaded) -> Judgement:
    """Walk every promise; ``gateway`` has its rules and its network, and of hosts those that sources told."""
    network = with_leased(gateway.network, loaded.wan)
    configured = {one.ip for host in settings.hosts.values() for one in host.addresses}
    own = frozenset((*network.addresses(4), *network.addresses(6)))
    services = services_of(loaded, lambda one: one in configured or is_behind(network, one), own)
    told = {address for service in services for address in service.targets}
    told |= set(resolver_addresses(settings, loaded))
    hosts = hosts_of(settings, network, told, gateway.hosts)
    configured_too = None if settings.listens is None else listening(settings.listens)
    services = _with_the_gateway_s(_with_whole_hosts(services, hosts), configured_too, gateway.listens)
    listens = listening_too(gateway.listens, configured_too)
    gateway = replace(gateway, network=network, hosts=hosts, listens=listens)
    clients = clients_of(settings, network, hosts, loaded.snapshot)
    served = Walker(serving(gateway, services))
    walker = Walker(gateway)
    asked = tuple(ask(walker, clients, settings, loaded))
    deaf = _deaf(clients, asked)
    cells = _cells(served, clients, services, settings, network)
    return Judgement(
        gateway,
        settings,
        loaded,
        clients,
        services,
        tuple(replace(cell, told=False) if id(cell.seen) in deaf else cell for cell in cells),
        tuple(admitted(walker, clients, gateway)),
        tuple(outbound(walker, clients, network, resolver_addresses(settings, loaded))),
        tuple(inward(walker, clients, network)),
        asked,
    )


def _deaf(clients: Iterable[Seen], asked: Iterable[Asked]) -> frozenset[int]:
    """Clients, by id, who are told nothing here: neighbours at an uplink whose queries do not arrive.

    With another NAT before the gateway they may well have addresses like ours, and are none of ours.
    """
    queries: dict[int, list[Asked]] = {}
    for one in asked:
        queries.setdefault(id(one.seen), []).append(one)
    return frozenset(
        id(seen)
        for seen in clients
        if seen.clients.kind is Kind.INTERNET
        and not seen.clients.numbers & public_addresses(seen.clients.family)
        and id(seen) in queries
        and all(one.met is None and one.result.verdict is not Verdict.MAYBE for one in queries[id(seen)])
    )


def _with_whole_hosts(services: Iterable[Service], hosts: Iterable[Host]) -> tuple[Service, ...]:
    """A host that is meant at one of its addresses is meant at all of them."""
    whole: dict[Address, set[Address]] = {}
    for host in hosts:
        addresses = {own.address for own in host.addresses}
        for address in addresses if len(addresses) > 1 else ():
            whole[address] = addresses
    return tuple(
        replace(one, targets=one.targets.union(*(whole.get(target, ()) for target in one.targets)))
        for one in services
    )


def _with_the_gateway_s(
    services: Iterable[Service], configured: dict[int, Numbers] | None, told: dict[int, Numbers] | None
) -> tuple[Service, ...]:
    """Where zones tell no host, a service is the gateway's own if it is said to listen there.

    What sources tell counts too, such as a tunnel's port; but not where a gateway has its own pages, for a
    name that is declared at such a port hardly means those.
    """
    tcp = PROTOCOLS["tcp"]
    known = dict(told or {})
    known[tcp] = known.get(tcp, NONE) - ADMIN_PORTS
    listens = listening_too(configured, known) or {}
    return tuple(
        replace(one, on_gateway=True) if not one.targets and _is_served(one.exposed.public, listens) else one
        for one in services
    )


def _is_served(port: Port, listens: dict[int, Numbers]) -> bool:
    return Numbers.of((port.first, port.last)) <= listens.get(PROTOCOLS[port.protocol], NONE)


def serving(gateway: Gateway, services: Iterable[Service]) -> Gateway:
    """Its hosts with the ports that zones expose at their addresses, where nobody says all that they have."""
    anybody: list[Port] = []
    exposed: dict[Address, list[Port]] = {}
    for service in services:
        for target in service.targets:
            exposed.setdefault(target, []).append(service.exposed.inside)
        anybody += [] if service.targets else [service.exposed.inside]
    found: list[Host] = []
    for host in gateway.hosts:
        ports = [*anybody, *(port for own in host.addresses for port in exposed.get(own.address, ()))]
        known = host.listens is not None or not ports
        found.append(host if known else replace(host, listens=listening(ports)))
    return replace(gateway, hosts=tuple(found))


# --- Cells --------------------------------------------------------------------------------------------------


def before_us(network: Network) -> Address | None:
    """Where the internet's packets arrive if another NAT is before the gateway: at a private address."""
    uplinks = [own.address for one in network.interfaces if one.uplink for own in one.addresses]
    of_four = [address for address in uplinks if address.version == 4]
    return of_four[0] if of_four and all(is_inside(address.packed) for address in of_four) else None


def _cells(
    walker: Walker,
    clients: Sequence[Seen],
    services: Sequence[Service],
    settings: GatewaySettings,
    network: Network,
) -> Iterator[Cell]:
    """A host is a client of its own services only: as a client of others, it is one of its network.

    Where zones do not say who serves, it may be any host of the configuration.
    With another NAT before the gateway, that one is taken to forward what it should (``WAN-CGNAT`` says so).
    """
    private = before_us(network)
    groups: dict[tuple[str | None, int], list[Seen]] = {}
    configured: list[Seen] = []
    hosts: dict[Address, list[Seen]] = {}
    for seen in clients:
        if seen.clients.kind is Kind.HOST:
            address = address_of(seen.clients.family, seen.clients.numbers.first)
            hosts.setdefault(address, []).append(seen)
            configured += [seen] if seen.clients.host in settings.hosts else []
        else:
            groups.setdefault((seen.view, seen.clients.family), []).append(seen)
    jobs: list[_Job] = []
    for service in services:
        selves = [seen for target in service.targets for seen in hosts.get(target, ())] or configured
        for address in service.addresses:
            asking = [
                seen
                for (view, family), group in groups.items()
                if family == address.version and _may_use(address, view, service)
                for seen in group
                if not _comes_by_another(address, seen, network)
            ]
            own = [
                seen
                for seen in selves
                if seen.clients.family == address.version and _may_use(address, seen.view, service)
            ]
            translated = private is not None and address.version == 4 and not is_inside(address.packed)
            for some in (*_apart(asking, translated), own):
                if some:
                    outside = some[0].clients.kind is Kind.INTERNET
                    at = private if translated and outside and private is not None else address
                    jobs.append(_Job(tuple(some), service, address, at))
    yield from _walked(walker, jobs)


@value(frozen=True, slots=True)
class _Job:
    """Who asks for a service at an address, and ``at`` which one their packets arrive."""

    asking: tuple[Seen, ...]
    service: Service
    address: Address
    at: Address


def _apart(asking: Sequence[Seen], apart: bool) -> Sequence[Sequence[Seen]]:
    """All together, or the internet by itself."""
    if not apart:
        return (asking,)
    outside = [seen for seen in asking if seen.clients.kind is Kind.INTERNET]
    return [seen for seen in asking if seen.clients.kind is not Kind.INTERNET], outside


def _walked(walker: Walker, jobs: Sequence[_Job]) -> Iterator[Cell]:
    """All jobs of the same clients together: the walker is prepared for those of the last question."""
    by_asking: dict[tuple[int, ...], list[int]] = {}
    for number, job in enumerate(jobs):
        by_asking.setdefault(tuple(id(seen) for seen in job.asking), []).append(number)
    cells: list[Sequence[Cell]] = [()] * len(jobs)
    for numbers in by_asking.values():
        for number in numbers:
            cells[number] = _cells_of(walker, jobs[number])
    for of_job in cells:
        yield from of_job


def _cells_of(walker: Walker, job: _Job) -> list[Cell]:
    service, address = job.service, job.address
    by_clients = {id(seen.clients): seen for seen in job.asking}
    meant = numbers_of(*(one for one in service.targets if one.version == address.version))
    found: list[Cell] = []
    for result in walker.walk(question_of(job.asking, job.at, service.exposed.public)):
        seen = by_clients[id(result.clients)]
        told = address in service.answers.get(seen.view or "", ())
        found.append(Cell(seen, service, address, told, result, _verdict(result, service, address, meant)))
    return found


def _may_use(address: Address, view: str | None, service: Service) -> bool:
    """What a client is told, and the public addresses that anybody may know."""
    return address in service.answers.get(view or "", ()) or not is_inside(address.packed)


def _comes_by_another(address: Address, seen: Seen, network: Network) -> bool:
    """Whether the internet reaches ``address`` by another uplink than that of these clients."""
    if seen.clients.kind is not Kind.INTERNET:
        return False
    uplinks = {
        one.name
        for one in network.interfaces
        if one.uplink and any(address in own.prefix for own in one.addresses)
    }
    return bool(uplinks) and seen.clients.interface not in uplinks


def _verdict(result: Result, service: Service, address: Address, meant: Numbers) -> Verdict:
    """The result's verdict, or WRONG_HOST where it works, but not with one of those who are ``meant``."""
    verdict = result.verdict
    if not verdict.works:
        return verdict
    endpoint = result.outcomes[0].endpoint
    if endpoint is None or not service.targets:
        return verdict
    if meant and not endpoint.addresses <= meant:
        return Verdict.WRONG_HOST
    if address in service.targets:  # nothing is translated, and the host answers there
        return verdict
    exposed = service.exposed
    inside = Numbers.of((exposed.inside.first, exposed.inside.last))
    expected = inside & result.packets.destination_ports.shifted(exposed.inside.first - exposed.public.first)
    return verdict if endpoint.ports == expected else Verdict.WRONG_HOST
