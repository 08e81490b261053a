"""Services by clients: one word for how each service is met from each side."""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.findings.reach import is_partial
from splitdns.check.judge import Cell, Judgement
from splitdns.check.model import Kind
from splitdns.check.verdict import Verdict

_WORDS = {
    Verdict.OK_DIRECT: "direct",
    Verdict.OK_ROUTED: "routed",
    Verdict.OK_DNAT: "forwarded",
    Verdict.OK_HAIRPIN: "hairpin",
    Verdict.ROUTER_SELF: "GATEWAY",
    Verdict.WRONG_HOST: "WRONG HOST",
    Verdict.REFUSED: "REFUSED",
    Verdict.DROPPED: "DROPPED",
    Verdict.ASYM_REPLY: "NO REPLY",
    Verdict.SELF_LOOP: "LOOP",
    Verdict.NO_ROUTE: "NO ROUTE",
    Verdict.MAYBE: "MAYBE",
}
NOT_TOLD = "-"
PARTLY = "partly"


def matrix(judgement: Judgement) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: what clients meet at the addresses that they are told; small words work.

    Hosts that serve are left out: of their own services, findings tell. So are clients who are told nothing.
    """
    told = {cell.seen.clients.name for cell in judgement.cells if cell.told}
    groups = [seen.clients for seen in judgement.clients if seen.clients.kind is not Kind.HOST]
    names = list(dict.fromkeys(clients.name for clients in groups if clients.name in told))
    rows: list[list[str]] = []
    for service in judgement.services:
        cells: dict[str, list[Cell]] = {}
        for cell in judgement.of(service):
            if cell.told:
                cells.setdefault(cell.seen.clients.name, []).append(cell)
        rows.append([str(service), *(word(cells.get(name, ())) for name in names)])
    return ["service", *names], rows


def word(cells: Sequence[Cell]) -> str:
    """The worst of a service's addresses; of those that work, what the first one does."""
    if not cells:
        return NOT_TOLD
    failing = [cell for cell in cells if not cell.works]
    if failing and is_partial(failing, cells):
        return PARTLY
    chosen = (failing or cells)[0]
    if chosen.works and chosen.verdict is Verdict.ROUTER_SELF:
        return "gateway"
    return _WORDS[chosen.verdict]
