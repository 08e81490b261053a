"""Where queries are told beside standard output, from the settings: paths are made whole, units plain."""

from __future__ import annotations

from pathlib import Path

from splitdns.load.settings import Settings
from splitdns.serve.dnstap import Collector
from splitdns.serve.logfile import Rotation

_MIB = 1024 * 1024


def rotation(settings: Settings) -> Rotation | None:
    """The query log's file; None: standard output."""
    file = settings.querylog_file
    if file is None:
        return None
    return Rotation(str(_base(settings) / file.path), file.max_mib * _MIB, file.every, file.keep)


def collector(settings: Settings, host_name: str) -> Collector | None:
    """Where dnstap goes; None: nowhere. ``host_name`` is the machine's."""
    dnstap = settings.dnstap
    if dnstap is None:
        return None
    to = str(_base(settings) / dnstap.to) if isinstance(dnstap.to, str) else dnstap.to
    if isinstance(dnstap.identity, str):
        return Collector(to, dnstap.identity)
    return Collector(to, host_name if dnstap.identity else "")


def _base(settings: Settings) -> Path:
    return Path(settings.where(()).file).parent
