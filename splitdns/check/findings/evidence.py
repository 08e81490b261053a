"""What findings are made of: the rules that acted, one packet that shows it, cells that say the same.

A finding is about one service at one address, and names all clients for whom it holds, so that a person reads
one line for one thing to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address

from splitdns.check.finding import Code, Finding, Witness
from splitdns.check.judge import Cell
from splitdns.check.model import Hook, Kind, Masquerade, Netmap, Origin, Redirect, Side, Translate
from splitdns.check.netfilter import NOT_FORWARDED
from splitdns.check.sets import Numbers
from splitdns.check.verdict import FIRST_EPHEMERAL, Act, Outcome, Packets, Result, Verdict

# Addresses that people know from documentation (RFC 5737, RFC 3849), for a client on the internet.
_KNOWN = ("198.51.100.7", "203.0.113.99", "192.0.2.99", "2001:db8::99")
_STRANGERS = tuple(ip_address(one) for one in _KNOWN)
MAX_CELLS = 10  # of one finding whose rules are shown; clients beyond met the same ones, or much like them

# Whom a person thinks of first, when clients are named.
_ORDER = (Kind.NETWORK, Kind.ROUTED, Kind.INTERNET, Kind.HOST, Kind.GATEWAY)

Sort = Callable[[Cell], Code | None]


def destination_act(outcome: Outcome) -> Act | None:
    """What rewrote the destination, if anything did."""
    for act in outcome.acts:
        match act.rule and act.rule.action:
            case Translate(side=Side.DESTINATION) | Redirect() | Netmap(side=Side.DESTINATION):
                return act
    return None


def source_act(outcome: Outcome) -> Act | None:
    """What rewrote the source, if anything did."""
    for act in outcome.acts:
        match act.rule and act.rule.action:
            case Translate(side=Side.SOURCE) | Masquerade() | Netmap(side=Side.SOURCE):
                return act
    return None


def last_act(outcome: Outcome, *hooks: Hook) -> Act | None:
    """The last thing that acted at one of ``hooks`` (none given: at any)."""
    found = [act for act in outcome.acts if not hooks or act.hook in hooks]
    return found[-1] if found else None


def is_unforwarded(cell: Cell) -> bool:
    """Whether a route was there, there or back, and the gateway does not forward."""
    if cell.verdict is not Verdict.NO_ROUTE:
        return False
    return cell.result.outcomes[0].stages[-1].says == NOT_FORWARDED


def origins(outcomes: Iterable[Outcome]) -> tuple[Origin, ...]:
    """The rules that acted, each once."""
    rules = (act.rule.origin for outcome in outcomes for act in outcome.acts if act.rule is not None)
    return tuple(dict.fromkeys(rules))


def witness(result: Result) -> Witness:
    """One packet of ``result``: a client that people can picture, and its connection's end."""
    packets = result.packets
    of_family = (int(one) for one in _STRANGERS if one.version == packets.family)
    stranger = next((one for one in of_family if one in packets.source), None)
    is_stranger = result.clients.kind is Kind.INTERNET and stranger is not None
    source = stranger if is_stranger and stranger is not None else packets.source.first
    ephemeral = packets.source_ports & Numbers.of((FIRST_EPHEMERAL, 65_535))
    one = Packets(
        packets.family,
        Numbers.one(source),
        Numbers.one(packets.destination.first),
        Numbers.one(packets.protocols.first),
        Numbers.one((ephemeral or packets.source_ports).first),
        Numbers.one(packets.destination_ports.first),
    )
    outcome = result.outcomes[0] if len(result.outcomes) == 1 else None
    return Witness(result.clients.name, one, outcome)


def gathered(
    cells: Iterable[Cell], tell: Callable[[Code, list[Cell]], Finding], sort: Sort
) -> Iterator[Finding]:
    """One finding for all cells of a service and address that ``sort`` gives the same code."""
    groups: dict[tuple[Code, int, object], list[Cell]] = {}
    for cell in cells:
        if (code := sort(cell)) is not None:
            groups.setdefault((code, id(cell.service), cell.address), []).append(cell)
    for (code, _, _), group in groups.items():
        yield tell(code, sorted(group, key=lambda cell: _ORDER.index(cell.seen.clients.kind)))


def about(code: Code, cells: list[Cell], message: str, remedy: str = "", **more: object) -> Finding:
    """A finding about ``cells``, which are of one service and address."""
    first = cells[0]
    finding = Finding(
        code,
        message,
        str(first.service),
        tuple(dict.fromkeys(cell.seen.clients.name for cell in cells)),
        witness(first.result),
        origins(outcome for cell in cells[:MAX_CELLS] for outcome in cell.result.outcomes),
        first.service.exposed.where,
        remedy,
        first.verdict,
        tuple(dict.fromkeys(reason for cell in cells for reason in cell.result.reasons)),
    )
    return replace(finding, **more) if more else finding  # type: ignore[arg-type]


def named(clients: Iterable[str]) -> str:
    """Clients for a message: the first few by name, and more than one left out."""
    names = list(dict.fromkeys(clients))
    if len(names) <= 4:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more"
