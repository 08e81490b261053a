"""Which changes lead clients' DNS to this resolver, and mend redirections that do it by halves.

A redirection is right when both protocols follow it, the resolver's own queries do not, and each reply comes
back by the gateway. On a link that resolver and clients share, that takes a masquerade beside it. Nobody's
queries are led to a view that would refuse them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from splitdns.check.around import PROTOCOLS, Seen
from splitdns.check.changes import Change, Hairpin, RedirectDns, SpareDns
from splitdns.check.findings.evidence import destination_act
from splitdns.check.judge import Judgement
from splitdns.check.model import Clients, Kind, Network
from splitdns.check.sets import NONE, Address, Numbers, address_of, numbers_of
from splitdns.check.traffic import DNS_PORT, met, resolver_addresses
from splitdns.check.verdict import Result, Verdict
from splitdns.value import value

_DNS = (DNS_PORT, DNS_PORT)
_LED = (Kind.NETWORK, Kind.ROUTED)  # a host is one of its network


@value(frozen=True, slots=True)
class Redirection:
    """What leads the DNS of some clients, by name, to this resolver; or ``left``, why nothing can."""

    clients: tuple[str, ...]
    family: int
    changes: tuple[Change, ...] = ()
    left: str = ""


def captured(results: Iterable[Result]) -> list[Result]:
    """Queries that a rule leads to somebody else than they were sent to, for certain."""
    return [
        one
        for one in results
        if one.packets.destination_ports <= Numbers.one(DNS_PORT)
        and one.verdict is not Verdict.MAYBE
        and destination_act(one.outcomes[0]) is not None
    ]


# --- What redirections lack that are there ------------------------------------------------------------------


def lacking(judgement: Judgement) -> tuple[Change, ...]:
    """The missing protocol, the way back, and the resolver's own exception, where they are missing."""
    ours = resolver_addresses(judgement.settings, judgement.loaded)
    results = captured(judgement.outbound)
    network = judgement.gateway.network
    found = (*_exceptions(results, ours), *_ways_back(results), *_other_halves(results, network))
    return tuple(dict.fromkeys(found))


def _exceptions(results: Sequence[Result], ours: Sequence[Address]) -> Iterator[Change]:
    for one in results:
        act = destination_act(one.outcomes[0])
        if one.clients.kind is not Kind.HOST or act is None:
            continue
        for address in ours:
            if address.version == one.clients.family and int(address) in one.clients.numbers:
                for protocol in _protocols(one):
                    yield SpareDns(act.table, act.chain, address, protocol)


def _ways_back(results: Sequence[Result]) -> Iterator[Change]:
    for one in results:
        to = _led_to(one)
        if one.clients.kind in _LED and one.verdict is Verdict.ASYM_REPLY and to is not None:
            for protocol in _protocols(one):
                numbers = one.clients.network or one.clients.numbers
                yield Hairpin(numbers, one.clients.family, to, protocol, _DNS, one.clients.interface or "")


def _other_halves(results: Sequence[Result], network: Network) -> Iterator[Change]:
    """The other protocol to where the one goes, whoever that is."""
    by_clients: dict[tuple[str, int], list[Result]] = {}
    for one in results:
        if one.clients.kind in _LED:
            by_clients.setdefault((one.clients.name, one.clients.family), []).append(one)
    for group in by_clients.values():
        there = {protocol for one in group for protocol in _protocols(one)}
        clients, to = group[0].clients, _led_to(group[0])
        if to is None or clients.interface is None:
            continue
        for protocol in sorted(PROTOCOLS.keys() - there):
            numbers = clients.network or clients.numbers
            at_hand = _is_at(network, clients.interface, to)
            yield RedirectDns(numbers, clients.interface, to, protocol, at_hand)


def _protocols(result: Result) -> list[str]:
    return [name for name, number in PROTOCOLS.items() if number in result.packets.protocols]


def _led_to(result: Result) -> Address | None:
    """The one server that gets the queries; None where it is not one, or has them at another port."""
    endpoint = result.outcomes[0].endpoint
    if endpoint is None or endpoint.addresses.single is None or endpoint.ports.single != DNS_PORT:
        return None
    return address_of(result.packets.family, endpoint.addresses.single)


def _is_at(network: Network, interface: str, address: Address) -> bool:
    """Whether a gateway's redirection to itself ends at ``address`` for what comes in there."""
    at = network.interface(interface)
    own = [one.address for one in at.addresses if one.address.version == address.version] if at else []
    return own[:1] == [address]


# --- Redirections where none is -----------------------------------------------------------------------------


def redirections(judgement: Judgement) -> Iterator[Redirection]:
    """One for each network inside whose clients may recurse, and whose DNS goes wherever they like."""
    led = {(one.clients.name, one.clients.family) for one in captured(judgement.outbound)}
    recursing = {view.name for view in judgement.loaded.snapshot.views if view.recursion}
    groups: dict[tuple[int, str, Numbers], list[Seen]] = {}
    for seen in judgement.clients:
        clients = seen.clients
        if clients.kind in _LED and clients.interface is not None:
            key = clients.family, clients.interface, clients.network or clients.numbers
            groups.setdefault(key, []).append(seen)
    for (family, interface, numbers), group in groups.items():
        asking = [seen for seen in group if seen.view in recursing]
        if not asking or any((seen.clients.name, family) in led for seen in asking):
            continue
        if len(asking) < len(group):  # some of the network's clients would be refused
            numbers = NONE
            for seen in asking:
                numbers |= seen.clients.numbers
        yield _redirection(judgement, asking, interface, numbers)


def _redirection(
    judgement: Judgement, asking: Sequence[Seen], interface: str, numbers: Numbers
) -> Redirection:
    clients = asking[0].clients
    names = tuple(seen.clients.name for seen in asking)
    family, network = clients.family, judgement.gateway.network
    resolvers = _reached(judgement, asking)
    if not resolvers:
        return Redirection(names, family, left=f"they reach no resolver of ours over IPv{family}")
    own = network.addresses(family)
    resolver = min(resolvers, key=lambda one: _rank(one, clients, network))
    at_hand, here = _is_at(network, interface, resolver), resolver in own
    others = _serving(judgement, family) - numbers_of(resolver, *own)
    changes: list[Change] = []
    for protocol in sorted(PROTOCOLS):
        changes.append(RedirectDns(numbers - others, interface, resolver, protocol, at_hand))
        if not here and clients.network is not None and int(resolver) in clients.network:
            changes.append(Hairpin(numbers - others, family, resolver, protocol, _DNS, interface))
    return Redirection(names, family, tuple(changes))


def _reached(judgement: Judgement, asking: Sequence[Seen]) -> list[Address]:
    """Our addresses to which the queries of all of them get, over UDP and over TCP, as their own view's."""
    wanted = {id(seen) for seen in asking}
    asked = [one for one in judgement.asked if id(one.seen) in wanted]
    good: dict[Address, bool] = {}
    for one in asked:
        good[one.address] = good.get(one.address, True) and one.met == one.seen.view
    return [address for address, is_good in good.items() if is_good]


def _rank(resolver: Address, clients: Clients, network: Network) -> int:
    """The gateway itself is best, and whoever shares the clients' link is worst."""
    if clients.interface is not None and _is_at(network, clients.interface, resolver):
        return 0
    if resolver in network.addresses(resolver.version):
        return 1
    return 3 if clients.network is not None and int(resolver) in clients.network else 2


def _serving(judgement: Judgement, family: int) -> Numbers:
    """The hosts that resolve: those that zones and listeners name, and where queries to them end."""
    found = numbers_of(
        *(one for one in resolver_addresses(judgement.settings, judgement.loaded) if one.version == family)
    )
    for asked in judgement.asked:
        endpoint = asked.result.outcomes[0].endpoint if asked.result.outcomes else None
        if asked.address.version == family and asked.met is not None and endpoint is not None:
            found |= endpoint.addresses
    return found


def unled(judgement: Judgement, redirection: Redirection) -> str:
    """Why, with its changes made, not all of its clients' queries are answered as they should; "" if all."""
    (resolver, *_) = (one.resolver for one in redirection.changes if isinstance(one, RedirectDns))
    of_family = [seen for seen in judgement.clients if seen.clients.family == redirection.family]
    views = {seen.clients.name: seen.view for seen in of_family}
    for one in judgement.outbound:
        clients, ports = one.clients, one.packets.destination_ports
        if clients.name not in redirection.clients or clients.family != redirection.family:
            continue
        if DNS_PORT not in ports:
            continue
        view = met(one, clients.family, judgement.loaded) if one in captured([one]) else None
        if view is None or view != views[clients.name] or _led_to(one) != resolver:
            return f"the queries of {clients.name} would end otherwise: {one.verdict.value}"
    return ""
