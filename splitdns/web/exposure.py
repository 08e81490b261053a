"""The last check of the gateway, drawn: services by clients, and what was found.

The check runs in a child of the supervisor, and what comes back is text. Each cell of the matrix knows the
question that draws its packet's way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from splitdns.value import value
from splitdns.web.answers import Typed
from splitdns.web.way import Tone

if TYPE_CHECKING:
    from splitdns.check.check import Checked
    from splitdns.check.finding import Finding
    from splitdns.check.judge import Judgement

MAX_ROWS = 300  # services; beyond: those that work for everybody are left out first
MAX_FINDINGS = 300  # beyond: only how many there are
MAX_RULES = 5  # of one finding; beyond: `splitdns check --format json` has them all
_TONES: dict[str, Tone] = {"critical": "bad", "error": "bad", "warning": "warn", "info": "plain"}


@value(frozen=True, slots=True)
class Met:
    """What clients meet at a service: a word, and the question that draws it (None: told nothing)."""

    word: str
    tone: Tone
    typed: Typed | None


@value(frozen=True, slots=True)
class Row:
    """A service and what each group of clients meets there."""

    service: str
    met: tuple[Met, ...]


@value(frozen=True, slots=True)
class Found:
    """A finding; ``rules`` are those that made it so, with their places."""

    code: str
    severity: str
    tone: Tone
    message: str
    subject: str
    where: str
    rules: tuple[str, ...]
    witness: str
    remedy: str
    reasons: tuple[str, ...]


@value(frozen=True, slots=True)
class Accepted:
    """A finding that the configuration accepts, and why."""

    code: str
    subject: str
    message: str
    reason: str


@value(frozen=True, slots=True)
class Exposure:
    """What a check said; ``services`` and ``severities`` count all, also what there is no room for."""

    clients: tuple[str, ...]
    rows: tuple[Row, ...]
    services: int
    findings: tuple[Found, ...]
    accepted: tuple[Accepted, ...]
    severities: Mapping[str, int]  # the worst first
    rules: int


def drawn(checked: Checked) -> Exposure:
    """The matrix and the findings."""
    from splitdns.check.report.matrix import matrix
    from splitdns.check.report.plain import counted

    headers, rows = matrix(checked.judgement)
    asked = _questions(checked.judgement)
    drawn_rows = [_row(service, headers[1:], words, asked) for service, *words in rows]
    if len(drawn_rows) > MAX_ROWS:
        drawn_rows.sort(key=lambda row: all(met.tone in ("good", "plain") for met in row.met))
    return Exposure(
        tuple(headers[1:]),
        tuple(drawn_rows[:MAX_ROWS]),
        len(drawn_rows),
        tuple(map(_found, checked.findings[:MAX_FINDINGS])),
        tuple(
            Accepted(one.finding.code.value, one.finding.subject, one.finding.message, one.reason)
            for one in checked.accepted[:MAX_FINDINGS]
        ),
        counted(checked.findings),
        checked.judgement.gateway.ruleset.rules,
    )


def _row(
    service: str, clients: Sequence[str], words: Sequence[str], asked: Mapping[tuple[str, str], Typed]
) -> Row:
    met = zip(clients, words, strict=True)
    return Row(service, tuple(_met(word, asked.get((service, name))) for name, word in met))


def _met(word: str, typed: Typed | None) -> Met:
    from splitdns.check.report.matrix import NOT_TOLD, PARTLY

    if word == NOT_TOLD:
        return Met("", "plain", None)
    tone: Tone = "warn" if word in (PARTLY, "MAYBE") else "bad" if word.isupper() else "good"
    return Met(word.lower(), tone, typed)


def _questions(judgement: Judgement) -> dict[tuple[str, str], Typed]:
    """The question that draws what clients meet at a service, at all addresses that they are told."""
    from splitdns.check.findings.evidence import witness
    from splitdns.check.sets import address_of

    found: dict[tuple[str, str], Typed] = {}
    for cell in judgement.cells:
        key = str(cell.service), cell.seen.clients.name
        if not cell.told or key in found:
            continue
        packets = witness(cell.result).packets
        public = cell.service.exposed.public
        found[key] = Typed(
            cell.service.name.replace("*", "any"),
            "AAAA" if cell.address.version == 6 else "A",
            str(address_of(packets.family, packets.source.first)),
            f"{public.first}/{public.protocol}",
        )
    return found


def _found(one: Finding) -> Found:
    from splitdns.check.report.plain import packet

    witness = ""
    if one.witness is not None:
        shown = packet(one.witness.packets)
        port = f" port {shown['destination_port']}" if shown["protocol"] in ("tcp", "udp") else ""
        verdict = f": {one.verdict}" if one.verdict is not None else ""
        witness = f"{shown['source']} to {shown['destination']}{port}, {shown['protocol']}{verdict}"
    return Found(
        one.code.value,
        str(one.severity),
        _TONES[str(one.severity)],
        one.message,
        one.subject,
        str(one.where or ""),
        tuple(map(str, one.rules[:MAX_RULES])),
        witness,
        one.remedy,
        one.reasons,
    )
