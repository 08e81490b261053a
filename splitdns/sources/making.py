"""The sources that a configuration has, in order: who comes first has a name before others."""

from __future__ import annotations

from pathlib import Path

from splitdns.load.settings import Settings
from splitdns.sources.docker.source import Docker
from splitdns.sources.leases.source import Leases
from splitdns.sources.source import Source


def sources_of(settings: Settings, base: Path) -> tuple[Source, ...]:
    """The sources of ``settings``, whose file is in the directory ``base``."""
    families = frozenset(settings.wan.sources)
    containers = (Docker.of(one, families) for one in settings.sources.docker)
    return (*containers, *(Leases.of(one, base) for one in settings.sources.leases))
