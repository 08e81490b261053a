"""The sources that a configuration has, in order: who comes first has a name before others.

Most have none, and many have one kind: only what is wanted is imported, for it brings an HTTP client and
more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from splitdns.load.settings import Settings
from splitdns.sources.source import Source


def sources_of(settings: Settings, base: Path) -> tuple[Source, ...]:
    """The sources of ``settings``, whose file is in the directory ``base``."""
    return tuple(_made(settings, base))


def _made(settings: Settings, base: Path) -> Iterator[Source]:
    if settings.sources.docker:
        from splitdns.sources.docker.source import Docker

        families = frozenset(settings.wan.sources)
        yield from (Docker.of(one, families) for one in settings.sources.docker)
    if settings.sources.leases:
        from splitdns.sources.leases.source import Leases

        yield from (Leases.of(one, base) for one in settings.sources.leases)
