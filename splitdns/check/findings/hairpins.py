"""What there is to know of hairpins that nobody has to mend: where they are needed, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.addresses import is_inside
from splitdns.check.finding import Code, Finding
from splitdns.check.findings.evidence import about, gathered, is_unforwarded, named
from splitdns.check.judge import Cell, Judgement
from splitdns.check.model import Kind
from splitdns.check.verdict import Verdict

_INSIDE = (Kind.NETWORK, Kind.ROUTED)


def find(judgement: Judgement) -> Iterator[Finding]:
    """For each service's public address, as clients inside meet it."""
    for service in judgement.services:
        yield from gathered(judgement.of(service), _told, _code)


def _code(cell: Cell) -> Code | None:
    if cell.seen.clients.kind not in _INSIDE or is_inside(cell.address.packed):
        return None
    match cell.verdict:
        case Verdict.OK_HAIRPIN:
            return Code.SRC_LOST_HAIRPIN
        case Verdict.OK_DNAT:
            return Code.HP_UNNEEDED
        case Verdict.MAYBE:
            return None
    fails = not cell.works and not is_unforwarded(cell)
    return Code.HP_ONLY_FALLBACK if fails and not cell.told else None


def _told(code: Code, cells: list[Cell]) -> Finding:
    address, whom = cells[0].address, named(cell.seen.clients.name for cell in cells)
    if code is Code.SRC_LOST_HAIRPIN:
        message = f"at {address}, the server sees the gateway's address instead of {whom}"
        return about(code, cells, message, "the inside address keeps the clients' own")
    if code is Code.HP_UNNEEDED:
        message = f"{whom} reach {address} without a hairpin: replies cross the gateway anyway"
        return about(code, cells, message)
    message = f"only who uses the literal {address} needs a hairpin: {whom} would fail with it"
    return about(code, cells, message)
