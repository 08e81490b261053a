"""``splitdns serve``: hands over to the supervisor."""

from __future__ import annotations

import gc
from pathlib import Path

from splitdns.cli.console import errors_reported
from splitdns.cli.loading import chosen
from splitdns.cli.progress import progress_while_read


def run(config: Path | None, *, strict: bool) -> None:
    """Serve until told to stop; what is wrong at the start ends it with status 2."""
    gc.disable()  # until workers are forked: hardly anything that a start makes is garbage
    try:
        from splitdns.daemon.supervisor import run as supervise

        progress = progress_while_read("loading zones")  # another process loads
        with errors_reported():
            status = supervise(chosen(config), strict=strict, progress=progress)
    finally:
        gc.enable()
    raise SystemExit(status)
