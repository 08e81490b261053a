"""``splitdns explain``: why that client gets that answer, for a person or a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from splitdns.answer.decide import Forward
from splitdns.cli import asking, way
from splitdns.cli.console import Printer, print_json, printer
from splitdns.cli.loading import load_configuration
from splitdns.cli.progress import progress
from splitdns.cli.query import client_text, client_value
from splitdns.cli.render import (
    decided_value,
    error_text,
    prefix_text,
    question_value,
    rdata_texts,
    record_values,
    status_text,
    upstream_texts,
)
from splitdns.errors import Where
from splitdns.explain import explain
from splitdns.explain.places import FilePlaces
from splitdns.explain.values import (
    Explanation,
    Forwarding,
    Hop,
    How,
    Origin,
    Outcome,
    Record,
    Result,
    Stripped,
)
from splitdns.load.master import rdata_to_text
from splitdns.names import to_text
from splitdns.records import RRset, type_to_text
from splitdns.wire.message import Answer


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
        places = FilePlaces(loaded.settings, report_progress)
        told = explain(loaded.snapshot, query, host, ask=asking.upstreams(forward), places=places)
    gone = None if port is None else way.way_of(loaded, config, query.question, host, port)
    if as_json:
        print_json(to_value(told) | ({"way": way.to_value(gone)} if gone is not None else {}))
        return
    out = printer()
    print_text(told, out)
    if gone is not None:
        way.print_way(gone, out)


# ---- text


def print_text(told: Explanation, out: Printer) -> None:
    _print_view(told, out)
    for number, hop in enumerate(told.hops, 1):
        out.line()
        _print_hop(number, hop, told, out)
    out.line()
    out.line(f"Answer: {_outcome_text(told.outcome)}", "bold")
    for stripped in told.stripped:
        out.line(f"  leak guard: {_stripped_text(stripped)}", "yellow")
    if told.others:
        out.line()
        out.line("The other views:", "bold")
        out.table(
            ("view", "answer"), ((outcome.view or "", _outcome_text(outcome)) for outcome in told.others)
        )


def _print_view(told: Explanation, out: Printer) -> None:
    out.line(f"{to_text(told.query.question)} {type_to_text(told.query.qtype)}", "bold")
    place = _at(told.client.candidates[0].where) if told.client.candidates else ""
    out.line(f"Client {client_text(told)}{place}")
    for candidate in told.client.candidates[1:]:
        text = f"{candidate.view}, by {prefix_text(candidate.prefix)}{_at(candidate.where)}"
        out.line(f"  less specific: {text}", "dim")
    if told.view is not None:
        recursion = "may recurse" if told.view.recursion else "may not recurse"
        out.line(f"  horizon {', then '.join(told.view.horizon)}; its clients {recursion}")


def _print_hop(number: int, hop: Hop, told: Explanation, out: Printer) -> None:
    out.line(f"{number}. {to_text(hop.name)} {type_to_text(told.query.qtype)}", "bold")
    out.line(f"   {_how_text(hop)}")
    if hop.reason:
        out.line(f"   {hop.reason}")
    if hop.forwarding is not None:
        out.line(f"   {_forwarding_text(hop.forwarding)}", "cyan")
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
    out.line(f"       {_origin_text(record)}{remark}", "dim")


def _at(where: Where | None) -> str:
    return f" ({where})" if where else ""


def _how_text(hop: Hop) -> str:
    how = {
        How.EXACT: "by its exact name",
        How.WILDCARD: f"by the wildcard {hop.matched}",
        How.REGEXP: f"by the regexp ~{hop.matched}",
        How.EMPTY: "an empty non-terminal: only names beneath it hold something",
        How.DNAME: f"by the DNAME at {hop.matched}",
        How.CUT: f"delegated at {hop.matched}",
        How.ELSEWHERE: "declared there, for other views only",
        How.ABSENT: "not declared there",
        How.BROKEN: "its file never loaded",
        How.AUTOMATIC: "the PTR made by itself for an address that our zones declare",
        How.DNS64: "the name of an address that DNS64 makes",
        How.LISTED: f"no zone of ours; blocked by {hop.matched}",
        How.RULE: "no zone of ours; the longest forward rule decides",
        How.NOBODY: "no zone of ours, and no forward rule for this view",
    }[hop.how]
    if hop.zone is None:
        return how
    kind = "overlay" if hop.zone.overlay else "zone"
    source = f" ({hop.zone.source})" if hop.zone.source else " (built in)"
    return f"{kind} {to_text(hop.zone.apex)}{source}: {how}"


RESULTS = {
    Result.RECORDS: "these records answer",
    Result.ALIAS: "an alias: its target is decided anew in this view",
    Result.NODATA: "no data: the name has no record of this type in this view",
    Result.NXDOMAIN: "NXDOMAIN: the name does not exist in this view",
    Result.YXDOMAIN: "YXDOMAIN: the DNAME leads to too long a name",
    Result.REFERRAL: "a referral: the name servers of the delegated zone know",
    Result.FORWARD: "an upstream's to answer",
    Result.SERVFAIL: "SERVFAIL",
    Result.REFUSED: "REFUSED",
    Result.OPEN: "not a name of ours: the client goes on from the alias by itself",
}


def _forwarding_text(forwarding: Forwarding) -> str:
    upstreams = ", ".join(upstream_texts(forwarding.upstreams))
    text = f"forward rule {to_text(forwarding.domain)} to {upstreams}{_at(forwarding.where)}"
    if forwarding.asked:
        text += ", which were asked"
    if forwarding.no_nxdomain:
        text += "; the name exists here, so that an NXDOMAIN there means no data"
    return text


def _origin_text(record: Record) -> str:
    if record.place is not None:
        made = "made of " if record.origin is Origin.AUTOMATIC else ""
        return made + str(record.place.where)
    return {
        Origin.ZONE: "made by itself",
        Origin.AUTOMATIC: "made of an address record",
        Origin.SYNTHESIZED: "made of the DNAME, or of the address",
        Origin.UPSTREAM: "upstream",
        Origin.LIST: "the list",
        Origin.SERVER: "the server",
    }[record.origin]


def _outcome_text(outcome: Outcome) -> str:
    decided = outcome.decided
    if isinstance(decided, Forward):
        asked = f"{to_text(decided.name)} {type_to_text(decided.qtype)}"
        upstreams = ", ".join(upstream_texts(decided.upstreams))
        return "; ".join([*map(_rrset_text, decided.walk.chain), f"{asked} is asked of {upstreams}"])
    return _answer_text(decided)


def _answer_text(answer: Answer) -> str:
    parts = [_rrset_text(rrset) for rrset in answer.answer]
    if answer.rcode or not parts:
        no_data = not answer.rcode and not answer.aa and answer.authority
        parts.append("referral" if no_data else status_text(answer.rcode) if answer.rcode else "no data")
    parts += [error_text(code, text) for code, text in answer.edes]
    if answer.stripped:
        parts.append(f"leak guard kept back {answer.stripped}")
    return "; ".join(parts)


def _rrset_text(rrset: RRset) -> str:
    return f"{type_to_text(rrset.rdtype)} {', '.join(rdata_texts(rrset))} ({rrset.ttl_s} s)"


def _stripped_text(stripped: Stripped) -> str:
    record = f"{to_text(stripped.owner)} {type_to_text(stripped.rdtype)}"
    data = rdata_to_text(stripped.rdtype, stripped.rdata)
    return f"{'shortened' if stripped.shortened else 'kept back'} {record} {data}: {stripped.reason}"


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
