"""Findings that a person accepts, each for a reason: they are shown, and fail nothing.

An entry names one finding exactly, so that nothing is accepted that nobody has seen. One that names none any
more is a finding by itself: a list of exceptions must not outlive them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splitdns.check.finding import Code, Finding
from splitdns.errors import Where
from splitdns.load.gateway import AcceptSettings
from splitdns.load.load import Loaded
from splitdns.value import value

# What live answers may find too, which are not always asked for: an entry for it may rest.
_SOMETIMES = frozenset({Code.DNS_WAN_STALE.value})


@value(frozen=True, slots=True)
class Accepted:
    """A finding, why it may stay, and ``where`` that is said."""

    finding: Finding
    reason: str
    where: Where


def accepted(
    findings: Iterable[Finding], entries: Sequence[AcceptSettings], loaded: Loaded
) -> tuple[list[Finding], list[Accepted]]:
    """``findings`` that nobody accepts, and those that an entry names; of several entries, by the first."""
    numbers: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(entries):
        numbers.setdefault((entry.code, entry.subject), number)
    left: list[Finding] = []
    taken: list[Accepted] = []
    for one in findings:
        at = numbers.get(_key(one))
        if at is None:
            left.append(one)
        else:
            taken.append(Accepted(one, entries[at].reason, _where(loaded, at)))
    return left, taken


def stale(entries: Sequence[AcceptSettings], taken: Iterable[Accepted], loaded: Loaded) -> list[Finding]:
    """A finding for each entry that names none."""
    named = {_key(one.finding) for one in taken}
    return [
        Finding(
            Code.ACCEPT_STALE,
            f"{entry.code} is accepted here, and is not found: {entry.subject}",
            where=_where(loaded, number),
            remedy="take the entry out of `gateway.accept`, or write code and subject as they are printed",
        )
        for number, entry in enumerate(entries)
        if (entry.code, entry.subject) not in named and entry.code not in _SOMETIMES
    ]


def _key(finding: Finding) -> tuple[str, str]:
    """What names a finding: the service, or what it says where it is about none."""
    return finding.code.value, finding.subject or finding.message


def _where(loaded: Loaded, number: int) -> Where:
    return loaded.settings.where(("gateway", "accept", number))
