"""An event loop whose time goes on only when nothing else can happen.

Real sockets, no waiting: as long as anything is ready, the clock stands still; when all wait for it, it jumps
to the next timer. So ``asyncio.sleep(3600)`` takes no time, and no time-out is too short for a busy machine.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# What was sent over loopback may still be on its way, in the kernel or to another process.
SETTLING_S = 0.02


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` with such a loop; then what ``at_end`` was told."""
    with asyncio.Runner(loop_factory=SteppingLoop) as runner:
        try:
            return runner.run(coroutine)
        finally:
            loop = runner.get_loop()
            assert isinstance(loop, SteppingLoop)
            while loop.at_end:
                runner.run(loop.at_end.pop()())


def at_end(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have ``run`` close what a test made in it, whatever comes."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    loop.at_end.append(close)


class SteppingLoop(asyncio.SelectorEventLoop):
    """Starts at 1,000 s."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.at_end: list[Callable[[], Coroutine[Any, Any, None]]] = []
        super().__init__(_SteppingSelector(self))

    def time(self) -> float:
        return self.now_s

    def run_in_executor(
        self, executor: object, work: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        """At once, and in no thread: one may take longer than the loop waits before its time goes on."""
        done = self.create_future()
        try:
            done.set_result(work(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _SteppingSelector(selectors.EpollSelector):
    def __init__(self, loop: SteppingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        ready = super().select(timeout if timeout is None else SETTLING_S)
        if not ready and timeout is not None:
            self._loop.now_s += timeout
        return ready
