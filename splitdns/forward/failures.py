"""Failures, kept for a moment, so that a question that fails is not asked as often as it comes (RFC 9520).

Clients repeat what failed, at once and several times each, and upstreams that are in trouble already would
get all of it. So a failure answers by itself for a second, and for twice as long each time that the question
fails again. Silence is another matter than an error: it says nothing about the name, so it is kept for a few
seconds at most, and forgotten as soon as one of the upstreams is back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Generic, TypeVar

from splitdns.answer.decide import Reply
from splitdns.records import Ede
from splitdns.value import value

FIRST_S = 1.0  # RFC 9520 3.2: a second at least
MAX_ERROR_S = 300.0  # RFC 9520 3.2: five minutes at most
MAX_SILENCE_S = 4.0  # a server that is back should not be kept waiting
SAME_TROUBLE_S = 10.0  # since it may be asked again; a failure after that is the first one
MAX_FAILURES = 10_000  # questions; beyond: the oldest is forgotten, and asked when it comes

K = TypeVar("K", bound=Hashable)


@value(frozen=True, slots=True)
class Kept:
    """A question that failed at ``since_s``, and gets ``reply`` until ``until_s``."""

    reply: Reply
    silence: bool
    since_s: float
    until_s: float

    def answer(self) -> Reply:
        """What the client gets; that nobody was asked stands in it (RFC 8914, code 13)."""
        note = (int(Ede.CACHED_ERROR), "it failed a moment ago")
        return replace(self.reply, edes=(*self.reply.edes, note))


class Failures(Generic[K]):
    """By question, the latest failure of each; times are seconds of one steady clock."""

    def __init__(self) -> None:
        self.kept: dict[K, Kept] = {}  # the oldest first

    def __len__(self) -> int:
        return len(self.kept)

    def get(self, question: K) -> Kept | None:
        """The latest failure, which may be over."""
        return self.kept.get(question) if self.kept else None

    def note(self, question: K, reply: Reply, silence: bool, now_s: float) -> None:
        """The question failed: again, if its last failure has not been over for long."""
        kept_s, former = FIRST_S, self.kept.pop(question, None)
        if former is not None:
            former_s = former.until_s - former.since_s
            if now_s < former.until_s + former_s + SAME_TROUBLE_S:
                kept_s = 2 * former_s
        kept_s = min(kept_s, MAX_SILENCE_S if silence else MAX_ERROR_S)
        self.kept[question] = Kept(reply, silence, now_s, now_s + kept_s)
        if len(self.kept) > MAX_FAILURES:
            del self.kept[next(iter(self.kept))]

    def over(self, question: K) -> None:
        """The question was answered."""
        if self.kept:
            self.kept.pop(question, None)

    def forget(self, is_meant: Callable[[K, Kept], bool]) -> None:
        """Forget the failures that ``is_meant`` says."""
        self.kept = {question: kept for question, kept in self.kept.items() if not is_meant(question, kept)}
