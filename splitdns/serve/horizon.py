"""Which tokens were asked for beneath the whoami name, and by whom: the horizon test's memory.

A page gives a browser a name that nobody has asked for before, and asks afterwards whether it was asked for
here. If it was not, the browser has another resolver. What is remembered is little, and not for long.
"""

from __future__ import annotations

import re
from dataclasses import replace

from splitdns.names import Qname
from splitdns.value import value
from splitdns.view import Match, fold_address
from splitdns.wire.message import Query

TOKEN = re.compile(r"[a-z0-9]{20,32}")  # of 100 bits and more, nobody guesses another's
KEPT_S = 120.0
MAX_TOKENS = 1024  # per worker; beyond: the oldest is forgotten
MAX_SIGHTINGS = 8  # of a token, for each is asked for its A, AAAA and HTTPS records; beyond: not kept


@value(frozen=True, slots=True)
class Sighting:
    """Somebody asked for a token: ``time_s`` in Unix time, ``prefix`` as text, ``any`` where none matched."""

    client: str
    view: str
    prefix: str
    transport: str
    qtype: int
    time_s: float


class Horizon:
    """What one worker saw."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Sighting, ...]] = {}

    def note(self, query: Query, match: Match, client: str, now_s: float) -> None:
        """Remember the question, if it is for a token right beneath the whoami name of the client's view."""
        assert match.view.policy.whoami is not None
        if (token := token_of(query.name, match.view.policy.whoami)) is None:
            return
        seen = self._tokens.get(token, ())
        sighting = Sighting(
            str(fold_address(client)),
            match.view.name,
            str(match.prefix or "any"),
            str(query.transport),
            query.qtype,
            now_s,
        )
        is_new = all(replace(sighting, time_s=one.time_s) != one for one in seen)
        if is_new and len(seen) < MAX_SIGHTINGS:
            self._tokens[token] = (*seen, sighting)
            self._forget(now_s)

    def seen(self, token: str, now_s: float) -> tuple[Sighting, ...]:
        """Who asked for ``token``, the first first."""
        self._forget(now_s)
        return self._tokens.get(token, ())

    def _forget(self, now_s: float) -> None:
        """The tokens stand in the order in which they were first seen."""
        while self._tokens:
            oldest = next(iter(self._tokens))
            is_old = now_s - self._tokens[oldest][0].time_s > KEPT_S
            if not is_old and len(self._tokens) <= MAX_TOKENS:
                return
            del self._tokens[oldest]


def token_of(name: Qname, whoami: Qname) -> str | None:
    """The token of ``TOKEN.whoami``; None: it is another name."""
    label = name[1 : len(name) - len(whoami)].decode("latin-1")
    return label if TOKEN.fullmatch(label) else None  # of several labels, an inner length is no such letter
