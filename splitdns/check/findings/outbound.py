"""What becomes of connections that go out: those that a forward captures, and DNS that is meant to be.

A destination translation without a destination catches everybody's traffic to that port, not only what was
meant for the gateway. Of port 53 that may be on purpose; then both protocols, and the resolver's own queries,
decide whether it is well done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitdns.check.around import PROTOCOLS
from splitdns.check.finding import Code, Finding
from splitdns.check.findings.evidence import destination_act, named, origins, witness
from splitdns.check.judge import Judgement
from splitdns.check.model import Kind
from splitdns.check.sets import NONE, Numbers, numbers_of, shown_addresses
from splitdns.check.traffic import DNS_PORT, resolver_addresses
from splitdns.check.verdict import Result, Verdict

_DNS = Numbers.one(DNS_PORT)


def find(judgement: Judgement) -> Iterator[Finding]:
    """Captured traffic, and half or looping redirections of DNS."""
    captured = [
        result
        for result in judgement.outbound
        if result.verdict is not Verdict.MAYBE and destination_act(result.outcomes[0]) is not None
    ]
    redirected = [one for one in captured if one.packets.destination_ports <= _DNS]
    yield from _hijacked([one for one in captured if not one.packets.destination_ports <= _DNS])
    yield from _redirection(judgement, redirected)
    yield from _captured(judgement)


def _captured(judgement: Judgement) -> Iterator[Finding]:
    """Forwards that take what is meant for the gateway itself, at an inside address of its own.

    One for *whatever address is local* does, where it leaves out only one of them. At an address that a zone
    tells for a service, it is meant so.
    """
    listens = judgement.gateway.listens
    meant = {address for service in judgement.services for address in service.addresses}
    groups: dict[tuple[object, int], list[Result]] = {}
    for result in judgement.inward:
        act = destination_act(result.outcomes[0])
        if result.verdict is Verdict.MAYBE or act is None or act.rule is None or _stays(judgement, result):
            continue
        packets = result.packets
        ports = packets.destination_ports - _DNS
        if listens is not None:
            of_it = (listens.get(one, NONE) for one in PROTOCOLS.values() if one in packets.protocols)
            ports &= Numbers.of(*(span for numbers in of_it for span in numbers.ranges))
        told = packets.destination - numbers_of(*(one for one in meant if one.version == packets.family))
        if ports and told:
            taken = replace(result, packets=replace(packets, destination=told, destination_ports=ports))
            groups.setdefault((act.rule.origin, packets.family), []).append(taken)
    for (_, family), group in groups.items():
        first = group[0].packets
        endpoint = group[0].outcomes[0].endpoint
        to = shown_addresses(family, endpoint.addresses) if endpoint is not None else "another host"
        at = f"{shown_addresses(family, first.destination)} port {first.destination_ports.first}"
        whom = named(one.clients.name for one in group)
        message = f"what {whom} send to the gateway's own {at} goes to {to}"
        remedy = "leave all addresses of the gateway's own that are inside out of the rule"
        yield _finding(Code.NAT_CAPTURES_ROUTER, message, group, remedy)


def _stays(judgement: Judgement, result: Result) -> bool:
    """Whether it ends at the gateway after all."""
    family = result.packets.family
    own = numbers_of(*judgement.gateway.network.addresses(family))
    endpoint = result.outcomes[0].endpoint
    return endpoint is not None and endpoint.addresses <= own


def _hijacked(results: list[Result]) -> Iterator[Finding]:
    by_rule: dict[object, list[Result]] = {}
    for result in results:
        act = destination_act(result.outcomes[0])
        origin = act.rule.origin if act is not None and act.rule is not None else None
        by_rule.setdefault((origin, _is_gateway(result)), []).append(result)
    for group in by_rule.values():
        first = group[0]
        endpoint = first.outcomes[0].endpoint
        family = first.packets.family
        to = shown_addresses(family, endpoint.addresses) if endpoint is not None else "another host"
        ports = first.packets.destination_ports
        port = f"port {ports.single}" if ports.single is not None else f"{ports.size} ports"
        if _is_gateway(first):
            code, whom = Code.NAT_CAPTURES_ROUTER, "the gateway's own connections"
        else:
            code, whom = Code.NAT_HIJACK_OUT, f"connections of {named(one.clients.name for one in group)}"
        message = f"{whom} to {port} of anybody on the internet are led to {to}"
        yield _finding(code, message, group, "match the gateway's own address, or the uplink")


def _redirection(judgement: Judgement, results: list[Result]) -> Iterator[Finding]:
    ours = resolver_addresses(judgement.settings, judgement.loaded)
    for family in (4, 6):
        resolvers = numbers_of(*(one for one in ours if one.version == family))
        of_family = [one for one in results if one.packets.family == family]
        loops = [one for one in of_family if _is_of(one, resolvers)]
        if loops:
            message, remedy = "the resolver's own queries are led back to it", "leave its address out of it"
            yield _finding(Code.RED53_LOOP, message, loops, remedy)
        clients = [one for one in of_family if one.clients.kind in (Kind.NETWORK, Kind.ROUTED)]
        broken = [one for one in clients if one.verdict is Verdict.ASYM_REPLY]
        if broken:
            whom = named(one.clients.name for one in broken)
            message = f"redirected queries of {whom} are answered past the gateway"
            remedy = "masquerade redirected queries towards the resolver"
            yield _finding(Code.RED53_ASYM, message, broken, remedy)
        yield from _half(clients)


def _half(results: list[Result]) -> Iterator[Finding]:
    """Clients of whom only one of UDP and TCP is redirected."""
    by_clients: dict[str, set[str]] = {}
    for one in results:
        redirected = {name for name, number in PROTOCOLS.items() if number in one.packets.protocols}
        by_clients.setdefault(one.clients.name, set()).update(redirected)
    half = {name: next(iter(protocols)) for name, protocols in by_clients.items() if len(protocols) == 1}
    if half:
        message = f"only {next(iter(half.values()))} port 53 of {named(half)} is redirected"
        partial = [one for one in results if one.clients.name in half]
        yield _finding(Code.RED53_PARTIAL, message, partial, "redirect udp and tcp")


def _is_of(result: Result, resolvers: Numbers) -> bool:
    """Whether the queries are the resolver's own."""
    return result.clients.kind is Kind.HOST and bool(resolvers & result.clients.numbers)


def _is_gateway(result: Result) -> bool:
    return result.clients.kind is Kind.GATEWAY


def _finding(code: Code, message: str, results: list[Result], remedy: str) -> Finding:
    rules = origins(outcome for result in results for outcome in result.outcomes)
    return Finding(
        code,
        message,
        clients=tuple(dict.fromkeys(result.clients.name for result in results)),
        witness=witness(results[0]),
        rules=rules,
        where=rules[0].where if rules else None,
        remedy=remedy,
        verdict=results[0].verdict,
    )
