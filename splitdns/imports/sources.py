"""Which systems' data can be imported, and by which module."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from splitdns.check.dialects.printed import Printed
from splitdns.imports import routeros
from splitdns.imports.entries import Found
from splitdns.imports.zones import Imported, written

SOURCES: dict[str, Callable[[list[Printed]], Found]] = {
    "routeros": routeros.found_in,
}


def imported(source: str, text: Printed, apexes: Sequence[str], horizon: str) -> Imported:
    """The zones in ``text`` of one of ``SOURCES``; see ``zones.written``.

    Raises:
        ExceptionGroup[ConfigError]: it is none of that source.
    """
    return written(SOURCES[source]([text]), apexes, horizon, text.file)
