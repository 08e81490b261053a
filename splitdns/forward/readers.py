"""Many sockets that are read once each, behind one that the event loop knows.

asyncio's own bookkeeping for a reader costs more than the datagram that it waits for. So the sockets of
queries are in an epoll instance of their own (epoll(7)), which can be read itself as soon as one of them can.
"""

from __future__ import annotations

import asyncio
import errno
import select
from collections.abc import Callable

READY_A_TURN = 64  # sockets, of which others are read in the next turn

Callbacks = dict[int, Callable[[], None]]  # by descriptor
Drain = Callable[[select.epoll, Callbacks], None]


def drain(epoll: select.epoll, callbacks: Callbacks) -> None:
    """Call back for whatever is ready; there is another one that is compiled."""
    for descriptor, _ in epoll.poll(0, READY_A_TURN):
        if (callback := callbacks.get(descriptor)) is not None:  # one before it may have removed it
            callback()


class Readers:
    """Calls back when a descriptor can be read, or has an error to tell. Whoever made it calls ``close``."""

    def __init__(self, drain: Drain = drain) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None  # which it is read on
        self.callbacks: Callbacks = {}
        self.closed = False
        self._epoll = select.epoll()
        self._drain = drain

    def fileno(self) -> int:
        """A descriptor that can be read when one of those that were added can."""
        return self._epoll.fileno()

    def add(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call ``callback``, and no other, on the running loop each turn that there is something.

        Until ``remove``. What was added already costs the kernel nothing.

        Raises:
            OSError: the kernel has no memory for one more, or this is closed.
        """
        callbacks, loop = self.callbacks, asyncio.get_running_loop()
        if loop is not self.loop or descriptor not in callbacks:
            if self.closed:
                raise OSError(errno.EBADF, "no more queries are sent")
            if loop is not self.loop:
                loop.add_reader(self.fileno(), self._turn)
                self.loop = loop
            if descriptor not in callbacks:
                self._epoll.register(descriptor, select.EPOLLIN)
        callbacks[descriptor] = callback

    def remove(self, descriptor: int) -> None:
        """Forget a descriptor, which is still open, if it was added."""
        if self.callbacks.pop(descriptor, None) is not None and not self.closed:
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Tell nobody of anything any more; whoever waits still removes what is its own."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.remove_reader(self.fileno())
            self.loop = None
        self.closed = True
        self._epoll.close()

    def _turn(self) -> None:
        self._drain(self._epoll, self.callbacks)
