"""``splitdns serve`` as service managers write it, understood without typer.

Importing typer takes longer than loading a hundred names. Whatever is not plain, such as another command, a
wish for help or a mistake, is typer's.

>>> from pathlib import Path
>>> served(["serve", "-c", "splitdns.yaml"], {}) == (Path("splitdns.yaml"), False)
True
>>> served(["serve", "--help"], {}) is None
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_COMPLETING = "_SPLITDNS_COMPLETE"  # a shell asks what could be typed


def served(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[Path | None, bool] | None:
    """What ``serve`` is told: the configuration, and whether to be strict; None: ask typer."""
    command, *options = arguments or ("",)
    config, strict = environ.get("SPLITDNS_CONFIG"), False
    if command != "serve" or config == "" or _COMPLETING in environ:
        return None
    if options[-1:] == ["--strict"]:
        strict = True
        options.pop()
    match options:
        case []:
            pass
        case ["-c" | "--config", text] if text and not text.startswith("-"):
            config = text
        case _:
            return None
    return Path(config) if config is not None else None, strict
