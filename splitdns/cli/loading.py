"""The configuration and its zones, for a command that looks at them and ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.cli.console import errors_reported, report

if TYPE_CHECKING:
    from splitdns.load.load import Known, Loaded
    from splitdns.load.settings import Settings
    from splitdns.load.supplies import Supplying

USUAL = Path("splitdns.yaml")


def chosen(config: Path | None) -> Path | None:
    """What is read: the one given, else ``splitdns.yaml`` here, else None, the embedded default."""
    return config or (USUAL if USUAL.exists() else None)


def load_configuration(config: Path | None) -> Loaded:
    """Load all of it; a wrong configuration ends the command, broken zones are reported and stay broken."""
    from splitdns.cli.progress import progress
    from splitdns.load.load import load

    with errors_reported(), progress("loading zones") as report_progress:
        loaded = load(
            chosen(config),
            generation=1,
            now_s=time.time(),
            progress=report_progress,
            known=_known(config),
            supplying=_supplying(),
        )
    report([error for errors in loaded.faults.values() for error in errors])
    return loaded


def load_settings(config: Path | None) -> Settings:
    """Only the settings; a wrong configuration ends the command."""
    from splitdns.load.load import settings_of

    with errors_reported():
        return settings_of(chosen(config))


def load_quietly(config: Path | None) -> Loaded | None:
    """For completion: no output, and None for whatever goes wrong."""
    from splitdns.errors import SplitdnsError
    from splitdns.load.load import load

    try:
        return load(
            chosen(config), generation=1, now_s=time.time(), known=_known(config), supplying=_supplying()
        )
    except (SplitdnsError, ExceptionGroup, OSError):
        return None


def _known(config: Path | None) -> Known:
    """The public addresses, as the server that runs here has them; nothing is sent for them."""
    from splitdns.daemon.wan.state import looked_up

    return lambda settings, _: looked_up(settings, chosen(config), time.time())


def _supplying() -> Supplying:
    """What sources have at hand; nobody is asked, so a command knows no more than there is in files."""
    from splitdns.sources.keeper import Keeper

    return Keeper().supplying
