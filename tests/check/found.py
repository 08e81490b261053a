"""Golden findings: a gateway's own words, and every finding of the check, a line for each.

``severity CODE service | clients``, as in ``everywhere``; what is not about a service is told apart by its
message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splitdns.check.fetch import Text
from splitdns.check.finding import Finding
from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import PLAIN, SPLIT, WWW, Site, checked
from tests.check.lines import line

__all__ = ["PLAIN", "SPLIT", "WWW", "Case", "found"]


@dataclass(frozen=True, kw_only=True)
class Case(Site):
    """``texts``: what the gateway's sources say, by dialect; ``findings``: all that the check says."""

    name: str
    texts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def found(case: Case, directory: Path) -> list[str]:
    """What the check says, in the order of the alphabet."""
    texts = [Text(Dialect(dialect), f"{dialect} {at}", text) for at, (dialect, text) in enumerate(case.texts)]
    return sorted(map(_shown, checked(case, texts, directory).findings))


def _shown(finding: Finding) -> str:
    about = finding.subject or f": {finding.message}"
    return line(finding.severity, finding.code, about, finding.clients)
