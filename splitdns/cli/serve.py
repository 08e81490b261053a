"""``splitdns serve``: hands over to the supervisor."""

from __future__ import annotations

from pathlib import Path

from splitdns.cli.console import errors_reported
from splitdns.cli.loading import chosen


def run(config: Path | None, *, strict: bool) -> None:
    """Serve until told to stop; what is wrong with the files at the start ends it with status 2."""
    from splitdns.daemon.supervisor import run as supervise

    with errors_reported():
        status = supervise(chosen(config), strict=strict)
    raise SystemExit(status)
