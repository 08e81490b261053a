"""What the internet is let in to, and no name declares: the other way round.

The walk took everything that may come from outside; whatever arrives somewhere is either a declared service
or a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from splitdns.addresses import is_inside
from splitdns.check.around import PROTOCOLS
from splitdns.check.finding import Code, Finding
from splitdns.check.findings.evidence import destination_act, origins, witness
from splitdns.check.judge import Judgement, before_us
from splitdns.check.model import Hook, Origin
from splitdns.check.promises import Service
from splitdns.check.sets import NONE, PORTS, Address, Numbers, shown_addresses
from splitdns.check.traffic import ADMIN_PORTS, DNS_PORT, resolver_addresses
from splitdns.check.verdict import Outcome, Packets, Result, Verdict
from splitdns.errors import Where
from splitdns.value import value

WIDE_PORTS = 100  # forwarded together, more than anybody needs to declare one by one
_PORTED = {number: name for name, number in PROTOCOLS.items()}


def find(judgement: Judgement) -> Iterator[Finding]:
    """What arrives from outside, and is not declared; one finding for all ports of a protocol and host."""
    declared = _declared(judgement.services, before_us(judgement.gateway.network))
    openings: dict[_Opening, list[_Part]] = {}
    for result in judgement.admitted:
        if result.verdict is Verdict.MAYBE:
            continue
        for protocol, name in _PORTED.items():
            ports = _left(result.packets, protocol, declared)
            for opening, open_ports in _openings(judgement, result, protocol, ports) if ports else ():
                openings.setdefault(opening, []).append(_Part(result, name, open_ports))
    for opening, parts in openings.items():
        yield _told(opening, parts)


@value(frozen=True, slots=True)
class _Opening:
    """What is let in to whom, by which rule; parts that differ in nothing else are one finding."""

    code: Code
    family: int
    protocol: int
    to: Numbers
    rule: Origin | None


@value(frozen=True, slots=True)
class _Part:
    result: Result
    protocol: str
    ports: Numbers


# By family and protocol: the declared public ports at each address.
_Declared = dict[tuple[int, int], dict[int, Numbers]]


def _declared(services: Iterable[Service], private: Address | None) -> _Declared:
    """``private`` is where a NAT before the gateway sends what is meant for public addresses."""
    found: _Declared = {}
    for service in services:
        public = service.exposed.public
        arriving = [one for one in service.addresses if one.version == 4 and not is_inside(one.packed)]
        more = (private,) if arriving and private is not None else ()
        for address in (*service.addresses, *more):
            at = found.setdefault((address.version, PROTOCOLS[public.protocol]), {})
            ports = Numbers.of((public.first, public.last))
            at[int(address)] = at.get(int(address), NONE) | ports
    return found


def _left(packets: Packets, protocol: int, declared: _Declared) -> Numbers:
    """The ports of ``protocol`` that are not declared at some address of ``packets``."""
    if protocol not in packets.protocols:
        return NONE
    at = declared.get((packets.family, protocol), {})
    ports, left = packets.destination_ports, NONE
    single = packets.destination.single
    if single is not None:
        return ports - at.get(single, NONE)
    named = [number for number in at if number in packets.destination]
    for number in named:
        left |= ports - at[number]
    return left if len(named) == packets.destination.size else ports


def _openings(
    judgement: Judgement, result: Result, protocol: int, ports: Numbers
) -> Iterator[tuple[_Opening, Numbers]]:
    outcome, family = result.outcomes[0], result.packets.family
    if outcome.verdict is Verdict.ROUTER_SELF:
        listens = judgement.gateway.listens
        ports &= listens.get(protocol, NONE) if listens is not None else PORTS
        if protocol == PROTOCOLS["tcp"] and (admin := ports & ADMIN_PORTS):
            yield _Opening(Code.EXP_ADMIN, family, protocol, result.packets.destination, None), admin
        if listens is not None and DNS_PORT in ports and not _is_here(judgement):
            to = result.packets.destination
            yield _Opening(Code.EXP_OPEN_RESOLVER, family, protocol, to, None), Numbers.one(DNS_PORT)
        rest = ports - ADMIN_PORTS - Numbers.one(DNS_PORT)
        if listens is not None and rest:
            yield _Opening(Code.EXP_UNNAMED, family, protocol, result.packets.destination, None), rest
    elif outcome.verdict.works and outcome.endpoint is not None:
        act = destination_act(outcome)
        rule = act.rule.origin if act is not None and act.rule is not None else None
        made_by = rule.made_by.lower() if rule is not None else ""
        if rule is None and family == 6:
            code = Code.EXP_V6_OPEN
        elif "docker" in made_by:
            code = Code.EXP_DOCKER_BYPASS
        elif any(word in made_by for word in ("upnp", "pcp", "nat-pmp")):
            code = Code.EXP_DYNAMIC
        else:
            code = Code.EXP_WIDE_RANGE if ports.size > WIDE_PORTS else Code.EXP_UNNAMED
        yield _Opening(code, family, protocol, outcome.endpoint.addresses, rule), ports


def _is_here(judgement: Judgement) -> bool:
    """Whether this server is what answers DNS on the gateway: whom it meets is asked view by view."""
    own = {*judgement.gateway.network.addresses(4), *judgement.gateway.network.addresses(6)}
    return bool(own.intersection(resolver_addresses(judgement.settings, judgement.loaded)))


_MESSAGES = {
    Code.EXP_OPEN_RESOLVER: "the gateway's own resolver answers the internet: {ports} at {to}",
    Code.EXP_ADMIN: "the internet may reach the gateway's own {ports} at {to}",
    Code.EXP_V6_OPEN: "the internet may reach {to} at {ports} over IPv6, and no name declares it",
    Code.EXP_DOCKER_BYPASS: "Docker publishes {ports} of {to} to the internet, past the filter",
    Code.EXP_DYNAMIC: "{ports} is led to {to} by a lease that a device asked for",
    Code.EXP_WIDE_RANGE: "{ports} is led to {to}: {count} ports, and no name declares them",
    Code.EXP_UNNAMED: "{ports} is open to the internet at {to}, and no name declares it",
}
_REMEDIES = {
    Code.EXP_OPEN_RESOLVER: "drop port 53 in the input chain for the uplink",
    Code.EXP_ADMIN: "drop it in the input chain for the uplink",
    Code.EXP_V6_OPEN: "accept only what is declared in the forward chain",
    Code.EXP_DOCKER_BYPASS: "publish it on an inside address, or declare it with `expose`",
    Code.EXP_DYNAMIC: "switch UPnP off, or declare it with `expose`",
    Code.EXP_WIDE_RANGE: "forward only what is declared",
    Code.EXP_UNNAMED: "declare it with `expose`, or remove the rule",
}


def _told(opening: _Opening, parts: list[_Part]) -> Finding:
    ports = NONE
    for part in parts:
        ports |= part.ports
    code = opening.code
    if code is Code.EXP_UNNAMED and opening.rule is not None and ports.size > WIDE_PORTS:
        code = Code.EXP_WIDE_RANGE
    to = shown_addresses(opening.family, opening.to)
    message = _MESSAGES[code].format(ports=_shown(parts[0].protocol, ports), to=to, count=ports.size)
    first = parts[0].result
    packets = replace(
        first.packets,
        protocols=Numbers.one(opening.protocol),
        destination_ports=first.packets.destination_ports & parts[0].ports,
    )
    rules = origins(part.result.outcomes[0] for part in parts)
    return Finding(
        code,
        message,
        clients=tuple(dict.fromkeys(part.result.clients.name for part in parts)),
        witness=witness(replace(first, packets=packets)),
        rules=rules,
        where=_where(opening, first.outcomes[0], rules),
        remedy=_REMEDIES[code],
        verdict=first.outcomes[0].verdict,
    )


def _where(opening: _Opening, outcome: Outcome, rules: Sequence[Origin]) -> Where | None:
    """The rule that leads there, or that lets in to the gateway itself."""
    if opening.rule is not None:
        return opening.rule.where
    for act in outcome.acts:  # the first packet's, before those of later packets and of answers
        if act.hook is Hook.INPUT and act.rule is not None:
            return act.rule.origin.where
    return rules[-1].where if rules else None


def _shown(protocol: str, ports: Numbers) -> str:
    """``443/tcp``, ``8000-8100/udp``, ``every port/tcp``."""
    if ports == PORTS:
        return f"every port/{protocol}"
    ranges = ports.ranges[:4]
    shown = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
    more = f",… ({ports.size} in all)" if len(ports.ranges) > len(ranges) else ""
    return f"{shown}{more}/{protocol}"
