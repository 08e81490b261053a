"""What the supervisor and a worker say to each other: small messages, each whole or not at all.

What is long, a generation or a worker's counts, lies in a memory file whose descriptor travels along. Both
ends run the same code in processes of one family and trust each other, so messages are pickles.
"""

from __future__ import annotations

import asyncio
import pickle
import socket

from splitdns.answer.limits import Rates
from splitdns.forward.cache import CacheLimits
from splitdns.logs import Format, Level
from splitdns.names import Qname
from splitdns.serve.dnstap import Collector
from splitdns.serve.logfile import Rotation
from splitdns.serve.stream import Limits
from splitdns.value import value

MAX_MESSAGE_OCTETS = 4096  # beyond: a bug; what is long goes into a memory file


@value(frozen=True, slots=True)
class Knobs:
    """What of a worker may be set anew while it runs; the limits are each worker's share."""

    limits: Limits
    rates: Rates
    cookie_master: bytes
    gateways: frozenset[str]
    querylog: bool
    log_level: Level
    log_format: Format
    cache: CacheLimits = CacheLimits()  # noqa: RUF009 (frozen)
    querylog_file: Rotation | None = None  # else standard output
    dnstap: Collector | None = None


@value(frozen=True, slots=True)
class Prepare:
    """To a worker, with a generation's memory file: build it beside the one that answers, and say when."""

    generation: int


@value(frozen=True, slots=True)
class Swap:
    """To a worker: answer from the prepared generation from now on."""

    generation: int
    knobs: Knobs


@value(frozen=True, slots=True)
class Collect:
    """To a worker: send your counters."""


@value(frozen=True, slots=True)
class Flush:
    """To a worker: forget what upstreams said of ``name``, and of all beneath it with ``subtree``.

    Without a name it is all names, without a ``view`` all views.
    """

    name: Qname | None = None
    subtree: bool = False
    view: str | None = None


@value(frozen=True, slots=True)
class Stop:
    """To a worker: answer what has come, for ``within_s`` at most, and end."""

    within_s: float


@value(frozen=True, slots=True)
class Serving:
    """From a worker: it answers from ``generation`` now."""

    generation: int


@value(frozen=True, slots=True)
class Ready:
    """From a worker: ``generation`` is prepared."""

    generation: int


@value(frozen=True, slots=True)
class Counted:
    """From a worker, with the memory file of its ``Counts``."""


@value(frozen=True, slots=True)
class Flushed:
    """From a worker: it has forgotten so many replies."""

    replies: int


@value(frozen=True, slots=True)
class Watch:
    """To a worker: send what you answer, for ``for_s`` from now."""

    for_s: float


@value(frozen=True, slots=True)
class Seen:
    """From a worker, with a memory file of what it answered; ``skipped``: how much more there was."""

    skipped: int


@value(frozen=True, slots=True)
class WhoAsks:
    """To a worker: send which clients you have seen."""


@value(frozen=True, slots=True)
class Askers:
    """From a worker, with a memory file of addresses by view."""


@value(frozen=True, slots=True)
class Look:
    """To a worker: send who asked for this token of the horizon test."""

    token: str


@value(frozen=True, slots=True)
class Sighted:
    """From a worker, with a memory file of each ``Sighting`` of the token."""

    token: str


ToWorker = Prepare | Swap | Collect | Flush | Stop | Watch | WhoAsks | Look
FromWorker = Serving | Ready | Counted | Flushed | Seen | Askers | Sighted
Message = ToWorker | FromWorker


class Channel:
    """One end of the connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(False)

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Both ends."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()

    def send(self, message: Message, memory: int | None = None) -> None:
        """Send at once; ``memory`` is the descriptor of a memory file, which stays the caller's.

        Raises:
            OSError: the other end is gone (BrokenPipeError), or has not read for long (BlockingIOError).
        """
        octets = pickle.dumps(message)
        assert len(octets) <= MAX_MESSAGE_OCTETS
        socket.send_fds(self._sock, [octets], [] if memory is None else [memory])

    async def receive(self) -> tuple[Message, int | None] | None:
        """The next message, and the memory file that came along, which is the caller's; None: the end."""
        while True:
            try:
                octets, memory, _, _ = socket.recv_fds(self._sock, MAX_MESSAGE_OCTETS, 1)
            except BlockingIOError:
                await self._readable()
            except OSError:
                return None
            else:
                break
        if not octets:
            return None
        message: Message = pickle.loads(octets)  # noqa: S301 (the same program wrote it)
        return message, memory[0] if memory else None

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._sock, _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(self._sock)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
