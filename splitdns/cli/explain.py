"""``splitdns explain``: why that client gets that answer, for a person or a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from splitdns.cli import asking, way
from splitdns.cli.console import Printer, print_json, printer
from splitdns.cli.loading import load_configuration
from splitdns.cli.progress import progress
from splitdns.cli.query import client_text, client_value
from splitdns.cli.render import decided_value, question_value, record_values
from splitdns.errors import Where
from splitdns.explain import explain
from splitdns.explain.places import FilePlaces
from splitdns.explain.values import Explanation, Forwarding, Hop, Record, Result, Stripped
from splitdns.explain.words import (
    RESULTS,
    forwarding_text,
    how_text,
    origin_text,
    outcome_text,
    place_text,
    prefix_text,
    rdata_texts,
    stripped_text,
    upstream_texts,
)
from splitdns.names import fold, to_text
from splitdns.records import RRset, type_to_text


def run(
    name: str,
    qtype: str | None,
    host: str,
    config: Path | None,
    *,
    as_json: bool,
    forward: bool,
    port: str | None = None,
) -> None:
    """Print the explanation; it is never a failure to have explained a negative answer."""
    query = asking.question(name, qtype)
    host = asking.client(host)
    loaded = load_configuration(config)
    with progress("finding lines") as report_progress:
        places = FilePlaces(loaded.settings, report_progress, loaded.supplies)
        told = explain(loaded.snapshot, query, host, ask=asking.upstreams(forward), places=places)
    gone = None if port is None else way.way_of(loaded, config, query.question, host, port)
    lost = [one for one in loaded.lost if fold(one.owner) == query.name]
    if as_json:
        found = to_value(told) | ({"way": way.to_value(gone)} if gone is not None else {})
        print_json(found | {"lost": [{"source": one.source, "reason": one.reason} for one in lost]})
        return
    out = printer()
    print_text(told, out)
    for one in lost:
        out.line(f"Left out: what {one.source} says of this name ({one.where}): {one.reason}", "yellow")
    if gone is not None:
        way.print_way(gone, out)


# ---- text


def print_text(told: Explanation, out: Printer) -> None:
    _print_view(told, out)
    for number, hop in enumerate(told.hops, 1):
        out.line()
        _print_hop(number, hop, told, out)
    out.line()
    out.line(f"Answer: {outcome_text(told.outcome)}", "bold")
    for stripped in told.stripped:
        out.line(f"  leak guard: {stripped_text(stripped)}", "yellow")
    if told.others:
        out.line()
        out.line("The other views:", "bold")
        out.table(
            ("view", "answer"), ((outcome.view or "", outcome_text(outcome)) for outcome in told.others)
        )


def _print_view(told: Explanation, out: Printer) -> None:
    out.line(f"{to_text(told.query.question)} {type_to_text(told.query.qtype)}", "bold")
    place = place_text(told.client.candidates[0].where) if told.client.candidates else ""
    out.line(f"Client {client_text(told)}{place}")
    for candidate in told.client.candidates[1:]:
        text = f"{candidate.view}, by {prefix_text(candidate.prefix)}{place_text(candidate.where)}"
        out.line(f"  less specific: {text}", "dim")
    if told.view is not None:
        recursion = "may recurse" if told.view.recursion else "may not recurse"
        out.line(f"  horizon {', then '.join(told.view.horizon)}; its clients {recursion}")


def _print_hop(number: int, hop: Hop, told: Explanation, out: Printer) -> None:
    out.line(f"{number}. {to_text(hop.name)} {type_to_text(told.query.qtype)}", "bold")
    out.line(f"   {how_text(hop)}")
    if hop.reason:
        out.line(f"   {hop.reason}")
    if hop.forwarding is not None:
        out.line(f"   {forwarding_text(hop.forwarding)}", "cyan")
    if hop.result is not Result.RECORDS:
        out.line(f"   {RESULTS[hop.result]}")
    lost = {(stripped.owner, stripped.rdtype, stripped.rdata): stripped for stripped in told.stripped}
    for record in (*hop.records, *hop.beside):
        _print_record(record, lost, out)


def _print_record(record: Record, lost: Mapping[tuple[bytes, int, bytes], Stripped], out: Printer) -> None:
    rrset = record.rrset
    for rdata, text in zip(rrset.rdatas, rdata_texts(rrset), strict=True):
        stripped = lost.get((rrset.owner, rrset.rdtype, rdata))
        mark = "" if stripped is None else "  (shortened)" if stripped.shortened else "  (kept back)"
        head = f"{to_text(rrset.owner)} {rrset.ttl_s} {type_to_text(rrset.rdtype)}"
        out.line(f"     {head} {text}{mark}", "yellow" if stripped else "green")
    remark = f"; TTL {record.ttl_reason}" if record.ttl_reason else ""
    out.line(f"       {origin_text(record)}{remark}", "dim")


# ---- JSON


def to_value(told: Explanation) -> dict[str, Any]:
    """The documented form of ``--format json`` (docs/command-line.md)."""
    view = told.view
    return {
        "question": question_value(told.query),
        "client": client_value(told)
        | {
            "candidates": [
                {
                    "view": candidate.view,
                    "prefix": prefix_text(candidate.prefix),
                    "where": _where_value(candidate.where),
                }
                for candidate in told.client.candidates
            ]
        },
        "view": {"name": view.name, "horizon": [*view.horizon], "recursion": view.recursion}
        if view
        else None,
        "hops": [_hop_value(hop) for hop in told.hops],
        "answer": decided_value(told.outcome.decided),
        "stripped": [_stripped_value(stripped) for stripped in told.stripped],
        "others": [{"view": other.view} | decided_value(other.decided) for other in told.others],
    }


def _hop_value(hop: Hop) -> dict[str, Any]:
    zone = hop.zone
    return {
        "name": to_text(hop.name),
        "how": hop.how.value,
        "matched": hop.matched or None,
        "zone": zone and {"apex": to_text(zone.apex), "file": zone.source or None, "overlay": zone.overlay},
        "result": hop.result.value,
        "reason": hop.reason or None,
        "forward": hop.forwarding and _forwarding_value(hop.forwarding),
        "records": [value for record in hop.records for value in _record_values(record)],
        "beside": [value for record in hop.beside for value in _record_values(record)],
    }


def _forwarding_value(forwarding: Forwarding) -> dict[str, Any]:
    return {
        "domain": to_text(forwarding.domain),
        "upstreams": upstream_texts(forwarding.upstreams),
        "inherited": forwarding.inherited,
        "no_nxdomain": forwarding.no_nxdomain,
        "asked": forwarding.asked,
        "where": _where_value(forwarding.where),
    }


def _record_values(record: Record) -> Iterator[dict[str, Any]]:
    for value in record_values((record.rrset,)):
        yield value | {
            "origin": record.origin.value,
            "where": _where_value(record.place.where if record.place else None),
            "ttl_reason": record.ttl_reason or None,
        }


def _where_value(where: Where | None) -> dict[str, Any] | None:
    """A place; line and column are null for a whole file."""
    if where is None:
        return None
    return {"file": where.file, "line": where.line or None, "column": where.column or None}


def _stripped_value(stripped: Stripped) -> dict[str, Any]:
    rrset = RRset(stripped.owner, stripped.rdtype, 0, (stripped.rdata,))
    (value,) = record_values((rrset,))
    del value["ttl_s"]
    return value | {"shortened": stripped.shortened, "reason": stripped.reason}
