"""The gateway's own state: what works today, and will not for long, or not for the reason that one thinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from splitdns.addresses import is_inside
from splitdns.check.changes import OURS
from splitdns.check.finding import Code, Finding
from splitdns.check.findings.evidence import (
    about,
    gathered,
    is_unforwarded,
    named,
    origins,
    source_act,
    witness,
)
from splitdns.check.judge import Cell, Judgement
from splitdns.check.model import (
    Accept,
    Addresses,
    Interface,
    InterfaceAddress,
    Kind,
    Netmap,
    Network,
    Note,
    Rule,
    Side,
    Support,
    Translate,
)
from splitdns.check.sets import NONE, Numbers, numbers_of, shown_addresses
from splitdns.check.verdict import Verdict


def find(judgement: Judgement) -> Iterator[Finding]:
    """Addresses that will change, translations into nowhere, lost sources, and what is not modelled."""
    yield from _not_forwarding(judgement)
    yield from _uplinks(judgement.gateway.network)
    yield from _rules(judgement)
    for service in judgement.services:
        yield from gathered(judgement.of(service), _told, _code)
    yield from map(_not_modelled, _distinct(judgement.gateway.ruleset.notes))


# --- Forwarding ---------------------------------------------------------------------------------------------


def _not_forwarding(judgement: Judgement) -> Iterator[Finding]:
    """One finding for all services that a gateway keeps from everybody because it does not route."""
    for family in (4, 6):
        cells = [
            cell
            for cell in judgement.cells
            if cell.told and cell.address.version == family and is_unforwarded(cell)
        ]
        if not cells:
            continue
        clients = tuple(dict.fromkeys(cell.seen.clients.name for cell in cells))
        services = len({id(cell.service) for cell in cells})
        told = judgement.gateway.network.not_forwarding.get(family)
        switch = f" ({told.text})" if told is not None else ""
        message = f"the gateway does not forward IPv{family}{switch}: {named(clients)} "
        message += "miss one service" if services == 1 else f"miss {services} services"
        remedy = f"let the gateway forward IPv{family}"
        if told is not None:
            name, _, _ = told.text.partition(" ")
            remedy = f"set {name} = 1, and write it into a file under /etc/sysctl.d"
        yield Finding(
            Code.FWD_OFF,
            message,
            clients=clients,
            witness=witness(cells[0].result),
            rules=origins(cells[0].result.outcomes),
            where=told.where if told is not None else None,
            remedy=remedy,
            verdict=cells[0].verdict,
        )


# --- Uplinks and rules --------------------------------------------------------------------------------------


def _uplinks(network: Network) -> Iterator[Finding]:
    for one, own in _own(network, uplink=True):
        if own.address.version == 4 and is_inside(own.address.packed):
            message = f"the uplink {one.name} has {own.address}, a private address: one more NAT is before it"
            remedy = "forward the ports there too, or ask the provider for a public address"
            yield Finding(Code.WAN_CGNAT, message, remedy=remedy)


def _own(network: Network, *, uplink: bool) -> Iterator[tuple[Interface, InterfaceAddress]]:
    return ((one, own) for one in network.interfaces if one.uplink is uplink for own in one.addresses)


def _rules(judgement: Judgement) -> Iterator[Finding]:
    """Rules that name what changes, or lead where nobody is."""
    network = judgement.gateway.network
    dynamic = {int(own.address): own for _, own in _own(network, uplink=True) if own.dynamic}
    hosts = judgement.gateway.hosts
    leased = {int(own.address): host.name for host in hosts for own in host.addresses if own.dynamic}
    reachable = {family: _reachable(network, family) for family in (4, 6)}
    for chain in judgement.gateway.ruleset.chains:
        for rule in chain.rules:
            yield from _literal(rule, dynamic)
            target = _target(rule)
            if target is None or not target:
                continue
            family = 6 if 4 not in rule.families or target.first > 0xFFFF_FFFF else 4
            to = shown_addresses(family, target)
            if not target & reachable[family]:
                message = f"a rule leads to {to}, and no network of the gateway has it"
                yield _of_rule(Code.NAT_DEAD_TARGET, message, rule, "correct or remove the rule")
            for number, name in leased.items():
                if target.single == number:
                    message = f"a rule leads to {to}, which {name} has on lease only"
                    yield _of_rule(Code.TGT_DHCP, message, rule, "reserve the address, or set it on the host")


def _literal(rule: Rule, dynamic: dict[int, InterfaceAddress]) -> Iterator[Finding]:
    """What a gateway reflects by itself, it makes anew; how a cure names addresses is its writer's matter."""
    if "reflection" in rule.origin.made_by or rule.origin.made_by == OURS:
        return
    for condition in rule.conditions:
        if isinstance(condition, Addresses) and condition.side is Side.DESTINATION:
            own = dynamic.get(condition.numbers.single or 0)
            if own is not None:
                message = f"a rule names {own.address}, which the provider may change any time"
                yield _of_rule(
                    Code.WAN_DYNAMIC_LITERAL, message, rule, "match local addresses, or the uplink, instead"
                )


def _target(rule: Rule) -> Numbers | None:
    match rule.action:
        case Translate(side=Side.DESTINATION, addresses=addresses):
            return addresses
        case Netmap(side=Side.DESTINATION, prefix=prefix):
            return numbers_of(prefix)
    return None


def _reachable(network: Network, family: int) -> Numbers:
    """What the gateway has a route to beside the default one, and itself."""
    found = numbers_of(*network.addresses(family)) if network.addresses(family) else NONE
    prefixes = [own.prefix for one in network.interfaces for own in one.addresses]
    prefixes += [route.prefix for route in network.routes if route.prefix.prefixlen]
    of_family = [prefix for prefix in prefixes if prefix.version == family]
    loopback = Numbers.of((0x7F000000, 0x7FFFFFFF)) if family == 4 else Numbers.one(1)
    return found | numbers_of(*of_family) | loopback


def _of_rule(code: Code, message: str, rule: Rule, remedy: str) -> Finding:
    return Finding(code, message, rules=(rule.origin,), where=rule.origin.where, remedy=remedy)


# --- Services -----------------------------------------------------------------------------------------------


def _code(cell: Cell) -> Code | None:
    if cell.seen.clients.kind is Kind.INTERNET and cell.verdict is Verdict.OK_HAIRPIN:
        return Code.SRC_LOST_WAN
    if cell.told and cell.verdict is Verdict.MAYBE:
        return Code.MODEL_UNKNOWN
    if cell.told and cell.verdict is Verdict.DROPPED and _accepted_elsewhere(cell):
        return Code.RULE_CONFLICT_TABLES
    return None


def _accepted_elsewhere(cell: Cell) -> bool:
    """Whether what one table dropped, a rule of another had accepted at the same hook."""
    done = cell.result.outcomes[0].acts
    last = done[-1] if done else None
    return last is not None and any(
        act.hook is last.hook
        and act.table != last.table
        and act.rule is not None
        and isinstance(act.rule.action, Accept)
        for act in done[:-1]
    )


def _told(code: Code, cells: list[Cell]) -> Finding:
    first = cells[0]
    whom = named(cell.seen.clients.name for cell in cells)
    if code is Code.SRC_LOST_WAN:
        act = source_act(first.result.outcomes[0])
        message = f"the server sees the gateway's address instead of {whom}: its logs and limits are blind"
        where = act.rule.origin.where if act is not None and act.rule is not None else None
        return about(code, cells, message, "masquerade only what comes from inside", where=where)
    if code is Code.RULE_CONFLICT_TABLES:
        tables = list(dict.fromkeys(act.table for act in first.result.outcomes[0].acts))
        message = f"one table accepts {whom} and another drops them: {', '.join(tables)}"
        return about(code, cells, message, "an accept holds in its own table only: keep one table for it")
    reasons = "; ".join(dict.fromkeys(reason for cell in cells for reason in cell.result.reasons))
    message = f"whether {whom} reach it at {first.address} is not known: {reasons or 'too much to walk'}"
    return about(code, cells, message)


def _distinct(notes: Iterable[Note]) -> Iterator[Note]:
    """One of each construct that could matter: ignored ones cannot."""
    seen: set[str] = set()
    for note in notes:
        if note.support is not Support.IGNORED and note.name not in seen:
            seen.add(note.name)
            yield note


def _not_modelled(note: Note) -> Finding:
    reason = f": {note.reason}" if note.reason else ""
    message = f"{note.name} is {note.support.value}{reason}"
    return Finding(Code.MODEL_UNKNOWN, message, rules=(note.origin,), where=note.origin.where)
