"""One question to the upstreams of a set, from its first query to its outcome.

Nearly always the first query is answered, and that is all. Where it takes longer than usual, or comes to
nothing, further tries follow. They run beside one another, and whichever comes to a usable reply first is the
outcome for who asked; those that were overtaken go on until their own time-out, for what they find is the
truth about their upstream: that it is slow, or that it is down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from splitdns.answer.decide import Reply
from splitdns.forward.policy import Tries, Try
from splitdns.forward.query import Question
from splitdns.forward.trying import Ended, Trouble, Trying
from splitdns.records import Rcode
from splitdns.view import Carrier, Upstream

if TYPE_CHECKING:
    from splitdns.forward.upstreams import Upstreams

USABLE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})  # others say that there is no answer to be had here


class Failure(NamedTuple):
    """No upstream gave a usable answer; the last try's reason."""

    reason: str


Outcome = Reply | Failure
Judge = Callable[[Reply], Coroutine[None, None, Reply]]
Done = Callable[[Outcome | Exception], None]  # an exception is a bug: whoever asked reports it


class Asking:
    """A question on its way. ``done`` is called once, but not from within ``begin``, nor after ``cancel``."""

    __slots__ = (
        "_arrived",
        "_done",
        "_garbled",
        "_judge",
        "_judging",
        "_live",
        "_outcome",
        "_question",
        "_timer",
        "_tries",
        "_upstreams",
    )

    def __init__(
        self, upstreams: Upstreams, question: Question, tries: Tries, judge: Judge | None, done: Done
    ) -> None:
        self._upstreams = upstreams
        self._question = question
        self._tries = tries
        self._judge = judge
        self._done: Done | None = done
        self._outcome: Outcome | None = None  # what remains if nothing better comes
        self._garbled = False  # a response was, and its upstream is asked again
        self._live: list[Trying] = []
        self._arrived: list[tuple[Upstream, Ended]] = []  # and not looked at yet
        self._judging: asyncio.Task[Reply] | None = None
        self._timer: asyncio.Handle | None = None

    def begin(self, is_one: bool) -> None:
        """Send the first query; ``is_one``: no other is to leave at the same time."""
        now_s = self._upstreams.clock()
        attempt = self._tries.next(now_s) if is_one else None
        if attempt is None:
            self._timer = asyncio.get_running_loop().call_soon(self._go_on)
            return
        due_s = self._tries.due_s
        early_s = None if due_s is None else due_s - now_s
        self._begin(attempt, now_s, early_s)
        if not self._live:
            self._timer = asyncio.get_running_loop().call_soon(self._go_on)
        elif early_s is not None and attempt.upstream.carrier is not Carrier.UDP:
            self._timer = asyncio.get_running_loop().call_later(early_s, self._go_on)

    def go_on(self, trying: Trying) -> None:
        """Go on from where the first try is on its way already, over UDP."""
        self._live.append(trying)

    def go_on_without(self, trying: Trying, trouble: Trouble) -> None:
        """Go on from where the first try came to nothing at once."""
        self._arrived.append((trying.upstream, trouble))
        self._timer = asyncio.get_running_loop().call_soon(self._go_on)

    def cancel(self) -> None:
        """Nobody wants the outcome any more."""
        self._close()
        for trying in self._live:
            trying.cancel()
        self._live.clear()

    def ended(self, trying: Trying, ended: Ended | Exception) -> None:
        self._live.remove(trying)
        if isinstance(ended, Exception) or (self._judge is None and _is_usable(ended)):
            self._end(ended)
        else:
            self._arrived.append((trying.upstream, ended))
            self._go_on()

    def takes_long(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        """Look at what has arrived, and begin the tries that are due."""
        if self._judging is not None:  # everything else waits: it may be the answer
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tries, clock = self._tries, self._upstreams.clock
        while True:
            while self._arrived:
                upstream, ended = self._arrived.pop(0)
                if _is_usable(ended):
                    if self._judge is None:
                        self._end(ended)
                    else:
                        self._have_judged(upstream, ended)
                    return
                self._note(upstream, ended)
            now_s = clock()
            if tries.due_s is None or (tries.due_s > now_s and self._live):
                break
            self._begin_next(now_s)
        if not self._live:
            self._end(self._outcome or Failure("no upstream to ask"))
        elif tries.due_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(tries.due_s - now_s, self._go_on)

    def _begin_next(self, now_s: float) -> None:
        attempt = self._tries.next(now_s)
        if attempt is not None:
            self._begin(attempt, now_s)

    def _begin(self, attempt: Try, now_s: float, early_s: float | None = None) -> None:
        trying = Trying(self._upstreams, self._question, attempt, now_s, self)
        trouble = trying.begin(early_s)
        if trouble is None:
            self._live.append(trying)
        else:
            self._arrived.append((attempt.upstream, trouble))

    def _note(self, upstream: Upstream, ended: Ended) -> None:
        """A try that gave no answer: an upstream's rcode says more than silence."""
        if isinstance(ended, Reply):
            self._outcome = ended
        elif not isinstance(self._outcome, Reply):
            self._outcome = Failure(f"{upstream}: {ended.reason}")
        if isinstance(ended, Trouble):
            if ended.silence:
                return
            if ended.garbled and not self._garbled:  # once: whoever garbles everything is not asked for ever
                self._garbled = True
                return
        self._tries.drop(upstream, self._upstreams.clock())

    def _have_judged(self, upstream: Upstream, reply: Reply) -> None:
        assert self._judge is not None
        self._judging = self._upstreams.spawn(self._judge(reply))
        self._judging.add_done_callback(partial(self._judged, upstream))

    def _judged(self, upstream: Upstream, task: asyncio.Task[Reply]) -> None:
        self._judging = None
        if self._done is None:
            return
        if task.cancelled():
            self._end(Failure("cut off"))
            return
        error = task.exception()
        if error is None and _is_usable(task.result()):
            self._end(task.result())
        elif error is None:
            self._note(upstream, task.result())
            self._go_on()
        elif isinstance(error, Exception):
            self._end(error)
        else:
            raise error

    def _end(self, outcome: Outcome | Exception) -> None:
        done = self._done
        self._close()
        for trying in self._live:
            self._upstreams.put_aside(trying)
        self._live.clear()
        if done is not None:
            done(outcome)

    def _close(self) -> None:
        """Expect nothing any more; whoever asked holds this, and is not held by it."""
        self._upstreams.under_way.discard(self)
        self._done = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._judging is not None:
            self._judging.cancel()


def _is_usable(ended: Ended) -> TypeGuard[Reply]:
    return isinstance(ended, Reply) and ended.rcode in USABLE
