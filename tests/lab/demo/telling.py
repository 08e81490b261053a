"""What is seen by who watches: each step in plain words, its commands, what they print, what that shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import indent
from typing import TextIO

from tests.lab.network import Host

_LOOK_S = 0.1  # between two looks at what is awaited

Holds = Callable[[str], bool]


def says(*words: str) -> Holds:
    """That all of these are printed."""
    return lambda printed: all(one in printed for one in words)


def says_nothing(printed: str) -> bool:
    return not printed


@dataclass
class Story:
    """Told to ``out`` as it goes on. ``run`` gives a line's exit status and all that it prints.

    ``claims``: what was to be shown, and whether it was.
    """

    out: TextIO
    run: Callable[[Host, str], tuple[int, str]]
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    claims: list[tuple[str, bool]] = field(default_factory=list)
    _steps: int = 0

    def step(self, title: str) -> None:
        self._steps += 1
        self.say(f"\n{self._steps}. {title}\n")

    def say(self, text: str) -> None:
        print(text, file=self.out, flush=True)

    def does(self, host: Host, line: str, *, within_s: float = 0) -> str:
        """What ``line`` prints, which is run until it succeeds.

        Raises:
            AssertionError: it did not in time.
        """
        self.command(host, line)
        deadline_s = self.clock() + within_s
        while (done := self.run(host, line))[0] and self.clock() < deadline_s:
            self.pause(_LOOK_S)
        status, printed = done
        self._printed(printed)
        assert not status, f"on {host.name}, {line!r} exited {status}"
        return printed

    def shows(self, claim: str, host: Host, line: str, holds: Holds, *, within_s: float = 0) -> None:
        """``line`` is run until what it prints ``holds``, which shows ``claim``, or the time is over."""
        self.command(host, line)
        began_s = self.clock()
        while not (held := holds(printed := self.run(host, line)[1])) and self.clock() < began_s + within_s:
            self.pause(_LOOK_S)
        self._printed(printed)
        took_s = round(self.clock() - began_s)
        took = f" (after {took_s} s)" if within_s and took_s else ""
        self.say(f"   {'ok' if held else 'FAILED'}: {claim}{took}")
        self.claims.append((claim, held))

    def command(self, host: Host, line: str) -> None:
        self.say(f"   {host.name}$ {line}")

    def end(self) -> int:
        """Sum up; the exit status: 0, or 1 if something was not shown."""
        self.say(f"\n{sum(held for _, held in self.claims)} of {len(self.claims)} shown:")
        for claim, held in self.claims:
            self.say(f"   {'ok    ' if held else 'FAILED'} {claim}")
        return 0 if all(held for _, held in self.claims) else 1

    def _printed(self, text: str) -> None:
        if text:
            self.say(indent(text, "      "))
