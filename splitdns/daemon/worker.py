"""A worker: one process, one event loop, answering on sockets that it inherited.

It reads no file. Generations come from the supervisor, unpacked and ready before the word to swap; its cache
of upstreams' answers stays over all of them. Without a supervisor it drains and ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from splitdns import logs
from splitdns.daemon.channel import Channel, Message, Word, memory_file
from splitdns.daemon.generation import Unpacked, Zones
from splitdns.forward.forwarder import Forwarder
from splitdns.metrics import VIEW_CLIENTS, Counts
from splitdns.serve.datagram import DatagramServer
from splitdns.serve.pipeline import Pipeline
from splitdns.serve.querylog import QueryLog
from splitdns.serve.stream import Limits, StreamServer
from splitdns.snapshot import Snapshot

DRAIN_S = 5.0  # that queries on their way, and TCP clients, have when the worker stops
QUERYLOG_S = 1.0  # that the query log has to write what waits


@dataclass(frozen=True, slots=True)
class Sockets:
    """A worker's own sockets; the supervisor keeps them open, for the worker that may have to follow."""

    udp: Sequence[socket.socket]
    tcp: Sequence[socket.socket]


@dataclass(frozen=True, slots=True)
class Manual:
    """What a worker is told once, when it starts."""

    number: int
    limits: Limits
    querylog: bool
    log_level: logs.Level
    log_format: logs.Format


def work(manual: Manual, sockets: Sockets, channel: Channel, snapshot: Snapshot, zones: Zones) -> NoReturn:
    """Be a worker, in a process that was just forked, until told to stop; never returns."""
    status = 1
    try:
        # The whole process group gets a terminal's Ctrl-C and the service manager's SIGTERM: it is the
        # supervisor that decides what follows.
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        logs.configure(manual.log_level, manual.log_format, always={"worker": manual.number})
        gc.collect()
        gc.freeze()  # what is shared with the other workers stays so
        asyncio.run(_Worker(manual, sockets, channel, snapshot, zones).run())
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


class _Worker:
    def __init__(
        self, manual: Manual, sockets: Sockets, channel: Channel, snapshot: Snapshot, zones: Zones
    ) -> None:
        self._manual = manual
        self._sockets = sockets
        self._channel = channel
        self._zones = zones
        self._counts = Counts()
        self._forwarder = Forwarder(self._counts)
        self._pipeline = Pipeline(snapshot, self._forwarder, self._counts)
        self._prepared: tuple[int, Unpacked] | None = None

    async def run(self) -> None:
        querylog = self._start_querylog()
        async with asyncio.TaskGroup() as group:
            udp = [DatagramServer(sock, self._pipeline, group) for sock in self._sockets.udp]
            limits = self._manual.limits
            tcp = [StreamServer(sock, self._pipeline, group, limits) for sock in self._sockets.tcp]
            for server in udp:
                server.start()
            for listener in tcp:
                await listener.start()
            self._say(Word.SERVING)
            while (message := await self._channel.receive()) is not None and message.word is not Word.STOP:
                self._obey(message)
            await asyncio.gather(*(server.drain(DRAIN_S) for server in (*udp, *tcp)))
        await self._forwarder.close()
        if querylog is not None:
            querylog.close(QUERYLOG_S)
        self._say_counts(0)

    def _start_querylog(self) -> QueryLog | None:
        if not self._manual.querylog:
            return None
        querylog = QueryLog(sys.stdout.fileno(), self._manual.log_format, self._counts)
        querylog.start()
        self._pipeline.query_log = querylog
        return querylog

    def _obey(self, message: Message) -> None:
        match message.word:
            case Word.PREPARE:
                assert message.octets is not None
                self._prepared = message.number, Unpacked(message.octets, self._zones)
                self._say(Word.READY, message.number)
            case Word.SWAP if self._prepared is not None and self._prepared[0] == message.number:
                unpacked = self._prepared[1]
                self._pipeline.snapshot = unpacked.snapshot
                self._zones = unpacked.zones
                self._prepared = None
            case Word.COUNT:
                self._say_counts(message.number)
            case _:
                pass

    def _say_counts(self, number: int) -> None:
        counts, snapshot = self._counts, self._pipeline.snapshot
        counts.forget(VIEW_CLIENTS)
        for view, clients in snapshot.table.clients().items():
            counts.set(VIEW_CLIENTS, clients, view)
        memory = memory_file([pickle.dumps(counts)])
        self._say(Word.COUNTED, number, memory)
        os.close(memory)

    def _say(self, word: Word, number: int = 0, memory: int | None = None) -> None:
        with suppress(OSError):  # the supervisor is gone, and ``receive`` will tell
            self._channel.send(word, number, memory)
