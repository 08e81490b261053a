"""The command line: what a person types, and the only room that prints.

``main`` is light: each command imports what it needs when it runs, so that ``serve`` starts at once and
``--version`` waits for nothing.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line with this process's arguments, and exit with its status."""
    from splitdns.cli.app import app

    app(prog_name="splitdns")
