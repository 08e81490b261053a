"""A finding in one line, as tests keep it: severity, code and service, and behind a bar the clients."""

from __future__ import annotations

from collections.abc import Iterable

from splitdns.check.finding import Finding


def shown(finding: Finding) -> str:
    return line(finding.severity, finding.code, finding.subject, finding.clients)


def line(severity: object, code: str, about: str, clients: Iterable[str]) -> str:
    """``about``: the service, or nothing; ``clients`` come in the order of the alphabet."""
    words = " ".join(filter(None, (str(severity), code, about)))
    return " | ".join(filter(None, (words, ", ".join(sorted(clients)))))
