"""The rules that would mend what the check found, as ``splitdns rules`` prints them, for the page.

Each is tried in the model first, which takes several checks. So nobody does it before somebody asks, and then
a child of the supervisor.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.load.load import Loaded
from splitdns.value import value

if TYPE_CHECKING:
    from splitdns.check.changes import Change
    from splitdns.check.mend import Cure as Tried
    from splitdns.check.model import Gateway

MAX_CURES = 50  # that are tried; beyond: `splitdns rules` tries them all


@value(frozen=True, slots=True)
class Cure:
    """The commands that mend findings of ``subject``, and take them back; ``left``: why there are none."""

    subject: str
    codes: tuple[str, ...]
    left: str = ""
    commands: tuple[str, ...] = ()
    back: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Cures:
    """All that rules can mend, in the words of ``dialect``; ``more``: there are more than were tried."""

    dialect: str = ""
    cures: tuple[Cure, ...] = ()
    more: bool = False

    def of(self, subject: str) -> Cure | None:
        return next((one for one in self.cures if one.subject == subject), None)


def mended(loaded: Loaded, base: Path) -> Cures:
    """The cures of a configuration that has a gateway, whose files are relative to ``base``.

    Raises:
        ExceptionGroup[InputError]: what of the gateway cannot be read.
    """
    from splitdns.check.check import check
    from splitdns.check.gather import read_gateway
    from splitdns.check.mend import cures
    from splitdns.check.mending.writers import usual

    settings = loaded.settings.gateway
    assert settings is not None
    gateway = read_gateway(loaded.settings, base, commands=False)
    dialect = usual(gateway)
    found: list[Cure] = []
    done: list[Change] = []
    for tried in cures(check(gateway, settings, loaded)):
        if len(found) == MAX_CURES:
            return Cures(dialect, tuple(found), more=True)
        found.append(_cure(tried, dialect, gateway, done))
        done += [] if tried.left else [one for one in tried.changes if one not in done]
    return Cures(dialect, tuple(found))


def _cure(tried: Tried, dialect: str, gateway: Gateway, done: Sequence[Change]) -> Cure:
    from splitdns.check.mending.writers import written

    subject = tried.findings[0].subject
    codes = tuple(dict.fromkeys(one.code.value for one in tried.findings))
    if tried.left:
        return Cure(subject, codes, tried.left)
    changes = [one for one in tried.changes if one not in done]
    if not changes:
        return Cure(subject, codes, "the rules of another service mend it, too")
    parts = written(changes, dialect, gateway, done)
    commands = tuple(line for do, _ in parts for line in do)
    back = tuple(line for _, undo in parts for line in undo)
    return Cure(subject, codes, commands=commands, back=back)
