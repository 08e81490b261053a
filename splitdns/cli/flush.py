"""``splitdns flush``: the running server forgets what upstreams said."""

from __future__ import annotations

from pathlib import Path

from splitdns.cli.console import fail, printer
from splitdns.cli.loading import chosen, load_settings
from splitdns.names import Qname, from_text


def run(name: str | None, subtree: bool, view: str | None, config: Path | None) -> None:
    """Say how many answers were forgotten, in all workers together."""
    from splitdns.daemon.channel import Flush
    from splitdns.daemon.control import ask, path_of

    if subtree and name is None:
        fail("--suffix is about a name: expected one, found none")
    settings = load_settings(config)
    if settings.control is None:
        fail("the configuration says 'control: null': the server can be told by SIGUSR1 only")
    path = path_of(settings.control, chosen(config))
    try:
        replies = ask(path, Flush(_name(name), subtree, view), chosen(config))
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"no server listens at {path}: {error.strerror or error}")
    printer().line(f"{replies} answers forgotten" if replies != 1 else "1 answer forgotten")


def _name(text: str | None) -> Qname | None:
    if text is None:
        return None
    try:
        return from_text(text if text.endswith(".") else text + ".")
    except ValueError as error:
        fail(str(error))
