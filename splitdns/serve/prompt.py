"""An event loop that has some sockets read as soon as it wakes up.

asyncio makes a list of what happened, then one of whom to call, and calls them by a handle, in a context. For
a query that comes alone that takes as long as to find its answer. So who reads queries is called before all
that; everything else goes as it always does, in the same turn.
"""

from __future__ import annotations

import asyncio
import math
import os
import select
import selectors
import socket
from collections.abc import Callable

_EVENTS = 64  # in a turn; there is no hurry for what is beyond


class _Selector(selectors.EpollSelector):
    """Calls ``readers`` itself, and tells the loop of what else happened."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[int, Callable[[], object]] = {}
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))  # the same one

    def close(self) -> None:
        self._epoll.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None:  # in whole milliseconds, for epoll_wait(2); rather too late than too early
            timeout = math.ceil(max(timeout, 0.0) * 1e3) * 1e-3
        others: list[tuple[selectors.SelectorKey, int]] = []
        for fd, happened in self._epoll.poll(timeout, _EVENTS):
            reader = self.readers.get(fd)
            if reader is None:
                others += self._told(fd, happened)
                continue
            try:
                reader()
            except Exception as error:  # noqa: BLE001 - as asyncio has it: it is told, and costs one turn
                told = {"message": "Exception in a prompt reader", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)
        return others

    def _told(self, fd: int, happened: int) -> list[tuple[selectors.SelectorKey, int]]:
        """As ``EpollSelector`` tells it: an error is for who reads, and for who writes."""
        key = self.get_map().get(fd)
        if key is None:  # a reader has just closed it
            return []
        events = selectors.EVENT_WRITE if happened & ~select.EPOLLIN else 0
        if happened & ~select.EPOLLOUT:
            events |= selectors.EVENT_READ
        return [(key, events & key.events)]


class PromptLoop(asyncio.SelectorEventLoop):
    """asyncio's own, but for its prompt readers."""

    def __init__(self) -> None:
        self._prompt = _Selector()
        super().__init__(self._prompt)

    def add_prompt_reader(self, sock: socket.socket, reader: Callable[[], object]) -> None:
        """Call ``reader`` before all others, whenever there is something to read."""
        self.add_reader(sock, reader)
        self._prompt.readers[sock.fileno()] = reader

    def remove_prompt_reader(self, sock: socket.socket) -> None:
        """Call it no more; the socket must still be open."""
        del self._prompt.readers[sock.fileno()]
        self.remove_reader(sock)
