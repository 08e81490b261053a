"""The configuration and its zones, for a command that looks at them and ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.cli.console import errors_reported, report

if TYPE_CHECKING:
    from splitdns.load.load import Known, Loaded
    from splitdns.load.settings import Settings
    from splitdns.load.supplies import Supply, Supplying

USUAL = Path("splitdns.yaml")
INSTALLED = Path("/etc/splitdns/splitdns.yaml")  # where a service of systemd has it, and a container


def chosen(config: Path | None) -> Path | None:
    """What is read: the one given, else ``splitdns.yaml`` here, else that of the machine, else None.

    None is the embedded default.
    """
    return config or next((path for path in (USUAL, INSTALLED) if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    """Whether there is such a file, also where it may not be looked at: who reads it then says so."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def told(config: Path | None) -> Path | None:
    """What is ``chosen``; that it is the embedded default is said, for nobody asks for that one by name."""
    if (path := chosen(config)) is None:
        report([f"using the embedded default: there is no {USUAL} here, nor {INSTALLED}"])
    return path


def load_configuration(config: Path | None, *, warnings: bool = False) -> Loaded:
    """Load all of it; a wrong configuration ends the command, broken zones are reported and stay broken.

    ``warnings``: they are reported, too.
    """
    from splitdns.cli.progress import progress
    from splitdns.load.load import load

    path = told(config)
    silent: list[str] = []
    with errors_reported(), progress("loading zones") as report_progress:
        loaded = load(
            path,
            generation=1,
            now_s=time.time(),
            progress=report_progress,
            known=_known(config),
            supplying=_at_hand(silent),
        )
    errors = [error for errors in loaded.faults.values() for error in errors]
    report([*errors, *silent], loaded.warnings if warnings else ())
    return loaded


def load_settings(config: Path | None) -> Settings:
    """Only the settings; a wrong configuration ends the command."""
    from splitdns.load.load import settings_of

    path = told(config)
    with errors_reported():
        return settings_of(path)


def load_quietly(config: Path | None) -> Loaded | None:
    """For completion: no output, and None for whatever goes wrong."""
    from splitdns.errors import SplitdnsError
    from splitdns.load.load import load

    try:
        return load(
            chosen(config), generation=1, now_s=time.time(), known=_known(config), supplying=_at_hand([])
        )
    except (SplitdnsError, ExceptionGroup, OSError):
        return None


def _known(config: Path | None) -> Known:
    """The public addresses, as the server that runs here has them; nothing is sent for them."""
    from splitdns.daemon.wan.state import looked_up

    return lambda settings, _: looked_up(settings, chosen(config), time.time())


def _at_hand(silent: list[str]) -> Supplying:
    """What sources have in files and on this machine; nothing is sent for it.

    ``silent`` is told of the rest: a command must not look as if there were no names where it only does not
    know them.
    """

    def supplying(settings: Settings, base: Path) -> list[Supply]:
        from splitdns.sources.making import sources_of
        from splitdns.sources.source import SourceError

        found: list[Supply] = []
        for source in sources_of(settings, base):
            try:
                said = source.look(time.time())
            except (SourceError, OSError) as error:
                silent.append(f"{source.name}: {error}; its names are left out")
                continue
            if said is None:
                silent.append(f"{source.name} is asked by the server alone; its names are left out")
            else:
                found += said.supplies
        return found

    return supplying
