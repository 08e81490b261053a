"""Services that cannot be reached, or not as they should be: the heart of the check.

From outside, a promise needs a forward; from inside, an address beyond the gateway needs the hairpin as well.
The verdicts say what happened to the packet, and here that becomes what a person has to mend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from splitdns.addresses import is_inside
from splitdns.check.finding import Code, Finding, Severity
from splitdns.check.findings.evidence import about, destination_act, gathered, is_unforwarded, last_act, named
from splitdns.check.judge import Cell, Judgement
from splitdns.check.model import Host, Kind
from splitdns.check.sets import numbers_of
from splitdns.check.verdict import Outcome, Verdict
from splitdns.value import value

_MEETS_GATEWAY = (Verdict.ROUTER_SELF, Verdict.REFUSED, Verdict.DROPPED, Verdict.NO_ROUTE)


def find(judgement: Judgement) -> Iterator[Finding]:
    """Every service that fails for clients who are told its address."""
    for service in judgement.services:
        cells = tuple(judgement.of(service))
        sorter = _Sorter(judgement, cells)
        failing = [cell for cell in cells if cell.told and not cell.works]
        yield from gathered(failing, sorter.told, sorter.code)


@value(frozen=True, slots=True)
class _Sorter:
    """What is wrong with a cell, in view of all others of its service."""

    judgement: Judgement
    cells: Sequence[Cell]

    def code(self, cell: Cell) -> Code | None:
        """None: it is no more than not known, or the gateway forwards nothing; others tell that."""
        if cell.verdict is Verdict.MAYBE:
            bridged = any("bridge-nf" in reason for reason in cell.result.reasons)
            return Code.HP_BRIDGE_NF if bridged and not _is_outside(cell) else None
        if is_unforwarded(cell):
            return None
        outcome = cell.result.outcomes[0]
        if cell.verdict is Verdict.WRONG_HOST:
            return self._wrong_host(cell, outcome)
        if is_inside(cell.address.packed):
            return self._at_its_own_address(cell, outcome)
        if cell.verdict is Verdict.ASYM_REPLY:
            return self._asymmetric(cell)
        if cell.verdict is Verdict.SELF_LOOP:
            return Code.HP_SELF
        if destination_act(outcome) is not None:
            return self._after_translation(cell, outcome)
        if cell.address in cell.service.targets:
            return self._at_its_public_address(cell, outcome)
        return self._not_translated(cell, outcome)

    def told(self, code: Code, cells: list[Cell]) -> Finding:
        """The finding; that a list keeps part of the internet away is to be known, and not to be mended."""
        if code is not Code.FWD_FILTERED or not is_partial(cells, self.cells):
            return _told(code, cells)
        whom, address = named(cell.seen.clients.name for cell in cells), cells[0].address
        message = f"a filter rule keeps part of {whom} away from {address}, and lets the rest through"
        return about(code, cells, message, severity_override=Severity.INFO)

    def _wrong_host(self, cell: Cell, outcome: Outcome) -> Code:
        endpoint = outcome.endpoint
        meant = numbers_of(*(one for one in cell.service.targets if one.version == cell.address.version))
        if endpoint is not None and endpoint.addresses <= meant:
            return Code.FWD_WRONG_PORT
        return Code.FWD_SHADOWED if self._is_shadowed(cell, outcome) else Code.FWD_WRONG_HOST

    def _is_shadowed(self, cell: Cell, outcome: Outcome) -> bool:
        """Whether a later rule of the same chain leads where the service is meant to be."""
        from splitdns.check.findings.rules import later_rules, leads_to

        act = destination_act(outcome)
        if act is None or act.rule is None:
            return False
        later = later_rules(self.judgement.gateway.ruleset, act)
        return any(leads_to(rule, cell.service.targets, cell.result.packets) for rule in later)

    def _at_its_own_address(self, cell: Cell, outcome: Outcome) -> Code:
        exposed = cell.service.exposed
        if cell.verdict is Verdict.REFUSED and outcome.endpoint is not None:
            return Code.DNS_PORT_TRANSLATED if exposed.public != exposed.inside else Code.FWD_WRONG_PORT
        if cell.verdict is Verdict.ASYM_REPLY or (cell.verdict is Verdict.NO_ROUTE and _is_answered(outcome)):
            return Code.ASYM_GATEWAY
        return Code.FWD_FILTERED if _is_filtered(cell, outcome) else Code.FWD_MISSING

    def _at_its_public_address(self, cell: Cell, outcome: Outcome) -> Code | None:
        """The server has the public address itself, and the client goes there past the gateway, or should."""
        exposed = cell.service.exposed
        endpoint = outcome.endpoint
        at_gateway = cell.verdict is Verdict.REFUSED and endpoint is not None and not endpoint.host
        if cell.verdict is Verdict.ROUTER_SELF or at_gateway:  # which has the address as well
            return self._not_translated(cell, outcome)
        if cell.verdict is Verdict.REFUSED and exposed.public != exposed.inside:
            return Code.ROUTE_HOST_BYPASS
        return Code.FWD_FILTERED if _is_filtered(cell, outcome) else Code.FWD_MISSING

    def _asymmetric(self, cell: Cell) -> Code:
        if _is_outside(cell) or not self._replies_directly(cell):
            return Code.ASYM_GATEWAY
        return Code.HP_ZONE_UNCOVERED if self._works_for_other_inside(cell) else Code.HP_MISSING

    def _replies_directly(self, cell: Cell) -> bool:
        """Whether the server has the client on its own link, and so needs no router to answer."""
        endpoint = cell.result.outcomes[0].endpoint
        name = endpoint.host if endpoint is not None else None
        host = next((one for one in self.judgement.gateway.hosts if one.name == name), None)
        return host is None or _is_on_link(host, cell)

    def _after_translation(self, cell: Cell, outcome: Outcome) -> Code:
        if cell.verdict is Verdict.REFUSED and outcome.endpoint is not None:
            return Code.FWD_WRONG_PORT  # nobody listens there
        if cell.verdict is Verdict.NO_ROUTE:
            return Code.ASYM_GATEWAY if _is_answered(outcome) else Code.NAT_DEAD_TARGET
        if cell.verdict is Verdict.ROUTER_SELF:
            return Code.FWD_WRONG_HOST
        if not _is_outside(cell):
            return Code.HP_FILTERED
        from splitdns.check.findings.rules import accepts_before_translation

        ruleset, packets = self.judgement.gateway.ruleset, cell.result.packets
        return Code.FWD_PRENAT_MATCH if accepts_before_translation(ruleset, packets) else Code.FWD_FILTERED

    def _not_translated(self, cell: Cell, outcome: Outcome) -> Code | None:
        own = self.judgement.gateway.network.addresses(cell.address.version)
        if cell.address not in own:
            return None  # whether it is ours at all, ``names`` says
        if cell.service.on_gateway and _is_filtered(cell, outcome):
            return Code.FWD_FILTERED
        if cell.seen.clients.kind is Kind.GATEWAY and self._is_translated_for_others(cell):
            return Code.HP_DNAT_WAN_ONLY
        if _is_outside(cell) or not self._works_from_outside(cell):
            return Code.FWD_MISSING
        is_network = cell.seen.clients.kind in (Kind.NETWORK, Kind.ROUTED)
        covered = is_network and self._works_for_other_inside(cell)
        return Code.HP_ZONE_UNCOVERED if covered else Code.HP_DNAT_WAN_ONLY

    def _works_from_outside(self, cell: Cell) -> bool:
        return any(one.works and _is_outside(one) and one.address == cell.address for one in self.cells)

    def _is_translated_for_others(self, cell: Cell) -> bool:
        return any(
            destination_act(one.result.outcomes[0]) is not None
            for one in self.cells
            if one.address == cell.address
        )

    def _works_for_other_inside(self, cell: Cell) -> bool:
        """Whether another inside network gets the hairpin: then it was meant, and misses this one."""
        return any(
            one.verdict is Verdict.OK_HAIRPIN
            and one.address == cell.address
            and one.seen.clients.kind in (Kind.NETWORK, Kind.ROUTED)
            for one in self.cells
        )


def is_partial(failing: Iterable[Cell], cells: Iterable[Cell]) -> bool:
    """Whether all that fails is dropped internet traffic of which, at the same address, some arrives."""
    arriving = {(id(cell.seen), cell.address) for cell in cells if cell.works and _is_outside(cell)}
    return all(
        cell.verdict in (Verdict.DROPPED, Verdict.REFUSED) and (id(cell.seen), cell.address) in arriving
        for cell in failing
    )


def _is_outside(cell: Cell) -> bool:
    return cell.seen.clients.kind is Kind.INTERNET


def _is_answered(outcome: Outcome) -> bool:
    """Whether the packet arrived, and what failed is the answer's way."""
    return any(stage.where == "reply" for stage in outcome.stages)


def _is_filtered(cell: Cell, outcome: Outcome) -> bool:
    """Whether a rule or a policy ended it; what a rule accepted may still have no route."""
    return cell.verdict is not Verdict.NO_ROUTE and last_act(outcome) is not None


def _is_on_link(host: Host, cell: Cell) -> bool:
    family = cell.address.version
    networks = [own.prefix for own in host.addresses if own.prefix.version == family]
    on_link = [route.prefix for route in host.routes if route.via is None and route.prefix.version == family]
    return bool(numbers_of(*networks, *on_link) & cell.result.packets.source)


# --- In words -----------------------------------------------------------------------------------------------

# What is wrong with these is a rule, not what a zone says.
_OF_THE_FORWARD = {Code.FWD_WRONG_HOST, Code.FWD_WRONG_PORT, Code.FWD_SHADOWED}
_MESSAGES = {
    Code.FWD_MISSING: "nothing leads {address} to it: for {whom} it ends at the gateway",
    Code.FWD_WRONG_HOST: "{reached} answers {whom} at {address}, where {meant} is meant",
    Code.FWD_WRONG_PORT: "{whom} reach {reached} at {address}, where it does not serve",
    Code.FWD_SHADOWED: "an earlier rule leads {whom} to {reached}; the right one comes too late",
    Code.FWD_FILTERED: "it is forwarded, and then a filter rule keeps {whom} away",
    Code.FWD_PRENAT_MATCH: "the filter accepts {address}, but it sees the address after the translation",
    Code.HP_MISSING: "{whom} are told {address}, and the server answers them past the gateway",
    Code.HP_DNAT_WAN_ONLY: "the forward is for the uplink only: at {address}, {whom} meet the gateway itself",
    Code.HP_FILTERED: "the forward holds for {whom}, and then a filter rule keeps them away",
    Code.HP_SELF: "{whom} cannot reach the service at {address}: its own packets come back to it",
    Code.HP_BRIDGE_NF: "whether {whom} reach it depends on net.bridge.bridge-nf-call-iptables",
    Code.HP_ZONE_UNCOVERED: "the hairpin covers other networks, and not {whom}",
    Code.DNS_PORT_TRANSLATED: "{whom} are told {address}, where it listens on {inside}, not on {public}",
    Code.ROUTE_HOST_BYPASS: "{whom} go to {address} past the gateway, where {public} is not {inside}",
    Code.ASYM_GATEWAY: "the server's answers to {whom} leave by another router",
    Code.NAT_DEAD_TARGET: "the forward leads {whom} to {reached}, where nobody can be",
}
_REMEDIES = {
    Code.FWD_MISSING: "forward the port, or say under `gateway.listens` that the gateway serves it itself",
    Code.FWD_WRONG_HOST: "lead the forward to the service's host",
    Code.FWD_WRONG_PORT: "lead the forward to the port on which it serves, or correct `expose`",
    Code.FWD_SHADOWED: "move the right rule before the other one",
    Code.FWD_FILTERED: "accept the service's address and port, as they are after the translation",
    Code.FWD_PRENAT_MATCH: "accept the service's own address and port instead",
    Code.HP_MISSING: "tell these clients the inside address, or masquerade them towards the server",
    Code.HP_DNAT_WAN_ONLY: "tell these clients the inside address, or forward by destination address",
    Code.HP_FILTERED: "tell these clients the inside address, or accept them in the filter",
    Code.HP_SELF: "tell the server its own inside address",
    Code.HP_BRIDGE_NF: "give the sysctl as a source, or tell these clients the inside address",
    Code.HP_ZONE_UNCOVERED: "tell these clients the inside address, or extend the hairpin to them",
    Code.DNS_PORT_TRANSLATED: (
        "use one port inside and outside, name the port in an SRV record, "
        "or tell these clients the public address"
    ),
    Code.ROUTE_HOST_BYPASS: "use one port inside and outside, or let these clients go there by the gateway",
    Code.ASYM_GATEWAY: "let the server answer by the gateway that forwards to it, or masquerade there",
    Code.NAT_DEAD_TARGET: "lead the forward to the service's host",
}
# Where the gateway translates the port: at the inside address, these clients would find it closed.
_REMEDIES_OF_TRANSLATED = {
    Code.HP_MISSING: "masquerade these clients towards the server",
    Code.HP_DNAT_WAN_ONLY: "forward by destination address, not by uplink",
    Code.HP_FILTERED: "accept these clients in the filter",
    Code.HP_SELF: "masquerade the server towards itself",
    Code.HP_BRIDGE_NF: "give the sysctl as a source",
    Code.HP_ZONE_UNCOVERED: "extend the hairpin to these clients",
}


def _remedy(code: Code, cell: Cell) -> str:
    exposed = cell.service.exposed
    if exposed.public != exposed.inside and code in _REMEDIES_OF_TRANSLATED:
        return _REMEDIES_OF_TRANSLATED[code]
    return _REMEDIES[code]


def _told(code: Code, cells: list[Cell]) -> Finding:
    first = cells[0]
    endpoint = first.result.outcomes[0].endpoint
    reached = "another host"
    if endpoint is not None and endpoint.addresses:
        from splitdns.check.sets import shown_addresses

        port = endpoint.ports.single
        reached = shown_addresses(first.address.version, endpoint.addresses)
        reached = f"{reached} port {port}" if port is not None else reached
    message = _MESSAGES[code].format(
        address=first.address,
        whom=named(cell.seen.clients.name for cell in cells),
        reached=reached,
        inside=first.service.exposed.inside,
        public=first.service.exposed.public,
        meant=_meant(first),
    )
    outcome = first.result.outcomes[0]
    if code is Code.FWD_FILTERED and destination_act(outcome) is None:
        message = f"a filter rule or policy keeps {named(cell.seen.clients.name for cell in cells)} away"
        message += f" from {first.address}"
        return about(code, cells, message, "accept the service's address and port for these clients")
    if code in (Code.FWD_MISSING, Code.ASYM_GATEWAY) and first.verdict is Verdict.NO_ROUTE:
        whom = named(cell.seen.clients.name for cell in cells)
        message = f"no route leads {whom} to {first.address}"
        if _is_answered(outcome):
            message = f"no route leads the server's answers back to {whom}"
        return about(code, cells, message, "give the gateway or the host the route")
    only_gateway = all(cell.seen.clients.kind is Kind.GATEWAY for cell in cells)
    if code is Code.HP_DNAT_WAN_ONLY and only_gateway:
        message = f"the gateway's own connections to {first.address} end at itself"
        return about(code, cells, message, _remedy(code, first), severity_override=Severity.INFO)
    act = destination_act(outcome)
    if code in _OF_THE_FORWARD and act is not None and act.rule is not None:
        return about(code, cells, message, _remedy(code, first), where=act.rule.origin.where)
    return about(code, cells, message, _remedy(code, first))


def _meant(cell: Cell) -> str:
    """The service's own addresses, of the family in question."""
    meant = [one for one in cell.service.targets if one.version == cell.address.version]
    return " or ".join(map(str, sorted(meant, key=int))) or "another host"
