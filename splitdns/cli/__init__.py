"""The command line: what a person types, and the only room that prints.

``main`` is light: each command imports what it needs when it runs, so that ``serve`` starts at once and
``--version`` waits for nothing.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line with this process's arguments, and exit with its status."""
    from splitdns.cli.plain import served

    told = served(sys.argv[1:], os.environ)
    if told is None:
        from splitdns.cli.app import app

        app(prog_name="splitdns")
        return
    from splitdns.cli.serve import run

    config, strict = told
    try:
        run(config, strict=strict)
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # as typer has it
