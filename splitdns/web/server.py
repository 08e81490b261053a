"""What pages ask of whoever serves them; the daemon's supervisor is that, and tests have one of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from splitdns.load.load import Loaded
from splitdns.metrics import Counts
from splitdns.serve.horizon import Sighting
from splitdns.value import value
from splitdns.web.answers import Explained, Typed
from splitdns.web.cures import Cures
from splitdns.web.exposure import Exposure
from splitdns.web.stream import Audience
from splitdns.web.way import Wrong


class UnavailableError(Exception):
    """It could not be found out now; the text says why, for a person."""


@value(frozen=True, slots=True)
class Inspected:
    """The last check and when it was, in Unix time; as text, why it failed."""

    outcome: Exposure | str
    at_s: float


class Server(Protocol):
    """A running server. Whatever takes longer raises ``UnavailableError`` where it takes too long."""

    @property
    def loaded(self) -> Loaded:
        """The generation that answers."""

    @property
    def audience(self) -> Audience: ...

    @property
    def inspected(self) -> Inspected | None:
        """None: there was no check yet, or there is no gateway."""

    def unready(self) -> str | None:
        """Why it should get no queries; None: it should."""

    async def counts(self) -> Counts: ...

    async def clients(self) -> Mapping[str, Sequence[str]]:
        """Addresses seen lately, by view, some of them where there are many."""

    async def sightings(self, token: str) -> Sequence[Sighting]:
        """Who asked for a token of the horizon test, the first first."""

    async def explained(self, typed: Typed) -> Explained | Wrong: ...

    async def cures(self) -> Cures:
        """The rules that mend what the last check found."""

    async def flush_all(self) -> None:
        """Forget what upstreams said."""

    def recheck(self) -> None:
        """Have the gateway checked again, soon."""
