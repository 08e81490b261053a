"""One question drawn: the way of the name through DNS, and what each view would answer.

Made in a child of the supervisor, for zones are read again for their lines and the gateway for its rules. So
everything here is small values that travel well, of nothing but text and flags.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from splitdns.answer.decide import Forward
from splitdns.explain import explain
from splitdns.explain.places import FilePlaces
from splitdns.explain.typed import question
from splitdns.explain.values import Explanation, Hop, Outcome, Record, Result
from splitdns.explain.words import (
    RESULTS,
    forwarding_text,
    how_text,
    origin_text,
    outcome_text,
    prefix_text,
    rdata_texts,
    stripped_text,
)
from splitdns.load.load import Loaded
from splitdns.names import to_text
from splitdns.records import type_to_text
from splitdns.value import value
from splitdns.view import fold_address
from splitdns.web.way import Tone, Way, Wrong, way_of

_TONES: dict[Result, Tone] = {
    Result.RECORDS: "good",
    Result.ALIAS: "plain",
    Result.REFERRAL: "plain",
    Result.FORWARD: "plain",
    Result.OPEN: "plain",
    Result.SERVFAIL: "bad",
    Result.REFUSED: "bad",
    Result.YXDOMAIN: "bad",
}


@value(frozen=True, slots=True)
class Typed:
    """What a person typed into the form, each as it is."""

    name: str = ""
    qtype: str = ""
    client: str = ""
    port: str = ""


@value(frozen=True, slots=True)
class Line:
    """One record; ``lost``: the guard kept it back, or shortened it."""

    text: str
    remark: str
    lost: bool


@value(frozen=True, slots=True)
class Step:
    """One name on its way."""

    name: str
    how: str
    notes: tuple[str, ...]
    result: str
    tone: Tone
    lines: tuple[Line, ...]


@value(frozen=True, slots=True)
class Told:
    """What a view answers; ``view`` is empty for who has none."""

    view: str
    text: str
    own: bool
    tone: Tone


@value(frozen=True, slots=True)
class Explained:
    """The whole drawing; ``no_way`` says why there is no ``way``."""

    question: str
    client: str
    view: str
    by: str
    by_where: str
    also: tuple[str, ...]
    horizon: str
    recursion: bool
    steps: tuple[Step, ...]
    answer: str
    tone: Tone
    kept_back: tuple[str, ...]
    views: tuple[Told, ...]
    way: Way | None = None
    no_way: str = ""


def answer(typed: Typed, loaded: Loaded, base: Path) -> Explained | Wrong:
    """What ``typed`` asks for; ``base`` is where the gateway's files are. Nobody is asked."""
    try:
        asked = question(typed.name.strip(), typed.qtype.strip() or None)
    except ValueError as error:
        return Wrong("name", str(error))
    host = typed.client.strip()
    try:
        fold_address(host)
    except ValueError:
        return Wrong("client", f"expected an IPv4 or IPv6 address, found {host!r}")
    told = explain(loaded.snapshot, asked, host, places=FilePlaces(loaded.settings))
    port = typed.port.strip()
    way = way_of(loaded, base, asked.question, host, port) if port else ""
    if isinstance(way, Wrong):
        return way
    return _drawn(told, way)


def _drawn(told: Explanation, way: Way | str) -> Explained:
    chosen = told.client.candidates[0] if told.client.candidates else None
    lost = {(one.owner, one.rdtype, one.rdata) for one in told.stripped}
    outcomes = sorted((told.outcome, *told.others), key=lambda one: one is not told.outcome)
    return Explained(
        f"{to_text(told.query.question)} {type_to_text(told.query.qtype)}",
        str(told.client.address),
        chosen.view if chosen else "",
        prefix_text(chosen.prefix) if chosen else "",
        str(chosen.where or "") if chosen else "",
        tuple(f"{one.view}, by {prefix_text(one.prefix)}" for one in told.client.candidates[1:]),
        ", then ".join(told.view.horizon) if told.view else "",
        told.view is not None and told.view.recursion,
        tuple(_step(hop, type_to_text(told.query.qtype), lost) for hop in told.hops),
        outcome_text(told.outcome),
        _tone(told.outcome),
        tuple(stripped_text(one) for one in told.stripped),
        tuple(
            Told(one.view or "", outcome_text(one), one is told.outcome, _tone(one)) for one in outcomes
        ),
        way if isinstance(way, Way) else None,
        way if isinstance(way, str) else "",
    )


def _tone(outcome: Outcome) -> Tone:
    if isinstance(outcome.decided, Forward):
        return "plain"
    return "warn" if outcome.negative else "good"


def _step(hop: Hop, qtype: str, lost: set[tuple[bytes, int, bytes]]) -> Step:
    forward = forwarding_text(hop.forwarding) if hop.forwarding is not None else ""
    return Step(
        f"{to_text(hop.name)} {qtype}",
        how_text(hop),
        tuple(note for note in (hop.reason, forward) if note),
        RESULTS[hop.result],
        _TONES.get(hop.result, "warn"),
        tuple(line for record in (*hop.records, *hop.beside) for line in _lines(record, lost)),
    )


def _lines(record: Record, lost: set[tuple[bytes, int, bytes]]) -> Iterator[Line]:
    rrset = record.rrset
    remark = origin_text(record) + (f"; TTL {record.ttl_reason}" if record.ttl_reason else "")
    for rdata, text in zip(rrset.rdatas, rdata_texts(rrset), strict=True):
        shown = f"{to_text(rrset.owner)} {rrset.ttl_s} {type_to_text(rrset.rdtype)} {text}"
        yield Line(shown, remark, (rrset.owner, rrset.rdtype, rdata) in lost)
