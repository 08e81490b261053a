"""Which systems' data can be imported, and by which module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.imports import adguard, bind, corefile, dnsmasq, hosts, pihole, routeros, unbound
from splitdns.imports.entries import Found
from splitdns.imports.zones import Imported, written

SOURCES: dict[str, Callable[[Printed, Path], Found]] = {
    "routeros": lambda text, _: routeros.found_in([text]),
    "hosts": hosts.found_in,
    "dnsmasq": dnsmasq.found_in,
    "unbound": unbound.found_in,
    "bind-views": bind.found_in,
    "pihole": pihole.found_in,
    "adguard": adguard.found_in,
    "corefile": corefile.found_in,
}


def imported(
    source: str, text: Printed, apexes: Sequence[str], horizon: str, beside: Path = Path()
) -> Imported:
    """What is in ``text`` of one of ``SOURCES``, and in the files that it names, which are in ``beside``.

    See ``zones.written``.

    Raises:
        ExceptionGroup[ConfigError]: it is none of that source, or files that it names cannot be read.
    """
    found = SOURCES[source](text, beside)
    if found.missing:
        raise ExceptionGroup(text.file, found.missing)
    return written(found, apexes, horizon, text.file)
