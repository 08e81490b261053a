"""The gateway's half of ``splitdns explain``: the packet's stages, the rule at each, drawn in text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitdns.cli.console import Printer, errors_reported, fail
from splitdns.cli.loading import chosen
from splitdns.explain.words import MEANINGS, ends_text, says_text, until_answered

if TYPE_CHECKING:
    from splitdns.check.sets import Numbers
    from splitdns.check.verdict import Outcome, Stage
    from splitdns.explain.way import Arrival, Way
    from splitdns.load.load import Loaded


def way_of(loaded: Loaded, config: Path | None, owner: bytes, host: str, port: str) -> Way:
    """The way of one connection; without a gateway in the configuration, or with a wrong port, it ends."""
    from ipaddress import ip_address

    from splitdns.check.gather import read_gateway
    from splitdns.check.judge import judge
    from splitdns.explain.way import NoSuchClientError, way
    from splitdns.load import expose

    settings, path = loaded.settings.gateway, chosen(config)
    if settings is None or not settings.sources:
        fail("--port asks for the packet's way, and the configuration has no gateway.sources")
    try:
        wanted = expose.port(port)
    except ValueError as error:
        fail(str(error))
    with errors_reported():
        gateway = read_gateway(loaded.settings, path.parent if path else Path(), commands=True)
        judgement = judge(gateway, settings, loaded)
        try:
            return way(judgement, ip_address(host), owner, wanted)
        except NoSuchClientError as error:
            fail(str(error))


def print_way(way: Way, out: Printer) -> None:
    """The query's way, then each address's."""
    out.line()
    _print_query(way, out)
    if not way.told:
        out.line("Told no address, so there is no connection.", "yellow")
    for arrival in way.arrivals:
        out.line()
        _print_arrival(arrival, out)


def _print_query(way: Way, out: Printer) -> None:
    if way.asked is None:
        out.line("The query's way: not known; `gateway.resolver` tells where clients ask", "dim")
        return
    asked = way.asked
    endpoint = asked.result.outcomes[0].endpoint
    arrives = "does not arrive; it is told by others what its view is told"
    if endpoint is not None:
        arrives = f"arrives as {_addresses(asked.result.packets.family, endpoint.seen_source)}"
    out.line(f"The query: {way.seen.clients.name} to {asked.address}:53 {arrives}", "bold")
    if way.view != way.seen.view:
        out.line(f"  meets the view {way.view}, not {way.seen.view}: DNS-VIEW-LOST", "red")


def _print_arrival(arrival: Arrival, out: Printer) -> None:
    result = arrival.result
    verdict = result.verdict.value
    style = "green" if result.verdict.works else "yellow" if verdict == "maybe" else "red"
    out.line(f"To {arrival.address}: {verdict}, {MEANINGS[verdict]}", f"bold {style}")
    for reason in result.reasons:
        out.line(f"  not known: {reason}", "yellow")
    for outcome in result.outcomes:
        if len(result.outcomes) > 1:
            out.line(f"  one end: {outcome.verdict.value}", "yellow")
        _print_stages(outcome, arrival, out)


def _print_stages(outcome: Outcome, arrival: Arrival, out: Printer) -> None:
    from splitdns.explain.way import conntrack

    stages = until_answered(outcome)
    for number, stage in enumerate(stages):
        lead = "  ┌" if number == 0 else "  └" if number == len(stages) - 1 else "  │"
        says = f"  {said}" if (said := says_text(stage)) else ""
        out.line(f"{lead} {stage.where:<13} {' → '.join(ends_text(stage.packets))}{says}")
        for act in stage.acts:
            rule = f"  {act.rule.origin}" if act.rule is not None else ""
            out.line(f"  │   {act.table} {act.chain}: {act.what}{rule}", "cyan")
    entry = conntrack(outcome, arrival.result)
    if entry is not None:
        out.line(f"    conntrack: {entry}", "dim")


def _addresses(family: int, numbers: Numbers) -> str:
    from splitdns.check.sets import shown_addresses

    return shown_addresses(family, numbers)


def to_value(way: Way) -> dict[str, Any]:
    """The documented form of ``--format json``, under ``way``."""
    from splitdns.check.report import plain
    from splitdns.explain.way import conntrack

    asked = way.asked
    return {
        "client": way.seen.clients.name,
        "query": asked
        and {
            "to": str(asked.address),
            "verdict": asked.result.verdict.value,
            "met": asked.met,
            "stages": [_stage(one) for one in asked.result.outcomes[0].stages],
        },
        "view": way.view,
        "told": [*map(str, way.told)],
        "arrivals": [
            {
                "address": str(arrival.address),
                "verdict": arrival.result.verdict.value,
                "reasons": list(arrival.result.reasons),
                "outcomes": [
                    plain.outcome(one) | {"conntrack": conntrack(one, arrival.result)}
                    for one in arrival.result.outcomes
                ],
            }
            for arrival in way.arrivals
        ],
    }


def _stage(stage: Stage) -> dict[str, Any]:
    from splitdns.check.report import plain

    return plain.stage(stage)
