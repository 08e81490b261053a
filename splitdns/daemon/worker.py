"""A worker: one process, one event loop, answering on sockets that it inherited.

It reads no file. Generations come from the supervisor, prepared between queries and ready before the word to
swap; its cache of upstreams' answers stays over all of them. When the supervisor is gone, so is the worker.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import sys
import time
from contextlib import suppress

from splitdns import __version__, logs
from splitdns.answer.limits import Limiter
from splitdns.daemon import generation
from splitdns.daemon.channel import (
    Askers,
    Channel,
    Collect,
    Counted,
    Flush,
    Flushed,
    Knobs,
    Look,
    Message,
    Prepare,
    Ready,
    Seen,
    Serving,
    Sighted,
    Stop,
    Swap,
    Watch,
    WhoAsks,
)
from splitdns.daemon.garbage import Quiet, look_at_the_young_only
from splitdns.daemon.generation import Package
from splitdns.daemon.memory import to_file
from splitdns.forward.cache import Shelf
from splitdns.forward.forwarder import Forwarder
from splitdns.forward.validate import get_ready
from splitdns.metrics import (
    ANSWERS_ENTRIES,
    ANSWERS_OCTETS,
    CACHE_LIMIT,
    LEAKS_BLOCKED,
    UPSTREAM_DOWN,
    VIEW_CLIENTS,
    Counts,
)
from splitdns.serve.datagram import DatagramServer
from splitdns.serve.dnstap import Collector, Dnstap
from splitdns.serve.gate import Gate
from splitdns.serve.logfile import LogFile
from splitdns.serve.lost import LOOK_S, Lookout
from splitdns.serve.pipeline import Pipeline, QueryLogEntry
from splitdns.serve.prompt import PromptLoop
from splitdns.serve.querylog import QueryLog, Stream
from splitdns.serve.stream import StreamServer
from splitdns.serve.tap import MOMENT_S, Tap
from splitdns.snapshot import Snapshot
from splitdns.value import value
from splitdns.wire.cookies import Cookies

log = logging.getLogger("splitdns.daemon")

MAX_SEEN = 100  # clients of a view that are told to who asks for them
QUERYLOG_S = 1.0  # that the query log has to write what waits


@value(frozen=True, slots=True)
class Sockets:
    """A worker's own sockets; the supervisor keeps them open, for the worker that may have to follow."""

    udp: list[socket.socket]
    tcp: list[socket.socket]

    def close(self) -> None:
        for sock in (*self.udp, *self.tcp):
            sock.close()


def work(number: int, sockets: Sockets, channel: Channel, snapshot: Snapshot, knobs: Knobs) -> None:
    """Be worker ``number``, in a process that was just forked, until told to stop."""
    look_at_the_young_only()
    with asyncio.Runner(loop_factory=PromptLoop) as runner:
        runner.run(_Worker(number, sockets, channel, snapshot, knobs).run())


class _Worker:
    def __init__(
        self, number: int, sockets: Sockets, channel: Channel, snapshot: Snapshot, knobs: Knobs
    ) -> None:
        self._number = number
        self._knobs = knobs
        self._sockets = sockets
        self._channel = channel
        self._counts = Counts()
        self._forwarder = Forwarder(self._counts)
        get_ready(upstreams for _, upstreams in _asked(snapshot))
        gate = Gate(self._counts, Limiter(knobs.rates, random.random), Cookies(knobs.cookie_master))
        self._pipeline = Pipeline(snapshot, self._forwarder, self._counts, gate=gate)
        self._prepared: Snapshot | None = None
        self._querylog: QueryLog | None = None
        self._dnstap: Dnstap | None = None
        self._collector: Collector | None = None
        self._tap: Tap | None = None
        self._watched_until_s = 0.0
        self._lookout = Lookout(self._counts)
        self._udp: list[DatagramServer] = []
        self._tcp: list[StreamServer] = []

    @property
    def _servers(self) -> list[DatagramServer | StreamServer]:
        return [*self._udp, *self._tcp]

    async def run(self) -> None:
        self._udp = [DatagramServer(sock, self._pipeline) for sock in self._sockets.udp]
        self._tcp = [StreamServer(sock, self._pipeline) for sock in self._sockets.tcp]
        self._turn(self._knobs)
        for server in self._servers:
            server.start()
        self._say(Serving(self._pipeline.snapshot.generation))
        asyncio.get_running_loop().call_later(LOOK_S, self._look)
        self._collect_garbage(Quiet(lambda: self._settled().queries, time.monotonic()))
        within_s = await self._obey_until_stop()
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.drain(within_s))
        await self._forwarder.close(0.0)
        if self._querylog is not None:
            self._querylog.close(QUERYLOG_S)
        if self._dnstap is not None:
            self._dnstap.close(QUERYLOG_S)
        await self._say_counts()

    async def _obey_until_stop(self) -> float:
        """How long draining may take; nothing where there is no supervisor any more."""
        while (received := await self._channel.receive()) is not None:
            message, memory = received
            if isinstance(message, Stop):
                return message.within_s
            await self._obey(message, memory)
        return 0.0

    async def _obey(self, message: Message, memory: int | None) -> None:
        match message:
            case Prepare(number) if memory is not None:
                await self._prepare(number, memory)
            case Prepare(number):  # its memory file got lost, for there was no descriptor left to hold it
                log.error("generation.lost", extra={"generation": number})
            case Swap(number, knobs):
                assert self._prepared is not None
                assert self._prepared.generation == number
                await self._settle()  # for all of that is looked at once more when it is forgotten
                gone = _asked(self._pipeline.snapshot) - _asked(self._prepared)
                self._prepared.table.succeed(self._pipeline.snapshot.table)
                self._pipeline.snapshot, self._prepared = self._prepared, None
                self._forwarder.drop(gone)
                self._turn(knobs)
                self._say(Serving(number))
            case Collect():
                await self._say_counts()
            case Watch(for_s):
                self._watch(for_s)
            case WhoAsks():
                self._say_value(Askers(), self._pipeline.snapshot.table.seen(MAX_SEEN))
            case Look(token):
                self._say_value(Sighted(token), self._pipeline.horizon.seen(token, time.time()))
            case Flush(name, subtree, view):
                self._say(Flushed(self._forwarder.flush(name, subtree=subtree, view=view)))
            case _:
                raise AssertionError(f"not for a worker: {message}")

    async def _prepare(self, number: int, memory: int) -> None:
        package = generation.read(memory)
        assert isinstance(package, Package)
        for _ in package.portions():
            await asyncio.sleep(0)  # queries have their turn
        self._prepared = package.snapshot(self._pipeline.snapshot)
        get_ready(upstreams for _, upstreams in _asked(self._prepared))
        self._say(Ready(number))

    def _turn(self, knobs: Knobs) -> None:
        """Set what may be set anew."""
        logs.configure(knobs.log_level, knobs.log_format, always={"worker": self._number})
        for streams in self._tcp:
            streams.limits = knobs.limits
        self._forwarder.set_limits(knobs.cache)
        if knobs.rates != self._knobs.rates:  # who is near a limit stays there when something else changes
            self._pipeline.gate.limiter.set(knobs.rates)
        if self._querylog is not None:
            self._querylog.close(0.0)
            self._querylog = None
        if knobs.querylog:
            file = knobs.querylog_file
            sink = Stream(sys.stdout.fileno()) if file is None else LogFile(file)
            self._querylog = QueryLog(sink, knobs.log_format, self._counts)
            self._querylog.start()
        self._collect(knobs.dnstap)
        self._knobs = knobs
        self._listen()

    def _listen(self) -> None:
        """Have the pipeline tell of queries those who want to hear of them; mostly nobody does."""
        listeners = [one for one in (self._tap, self._querylog, self._dnstap) if one is not None]
        if len(listeners) < 2:
            self._pipeline.query_log = listeners[0] if listeners else None
            return

        def all_of_them(entry: QueryLogEntry) -> None:
            for listener in listeners:
                listener(entry)

        self._pipeline.query_log = all_of_them

    def _collect(self, collector: Collector | None) -> None:
        """Send queries to this collector from now on; a connection to the same one stays."""
        if collector == self._collector:
            return
        self._collector = collector
        if self._dnstap is not None:
            self._dnstap.close(0.0)
            self._dnstap = None
        if collector is not None:
            try:
                self._dnstap = Dnstap(collector, f"splitdns {__version__}", self._counts)
            except ModuleNotFoundError:  # an extra, and no reason not to answer
                reason = "protobuf is not installed: pip install 'splitdns[dnstap]'"
                log.error("dnstap.failed", extra={"to": str(collector), "reason": reason})  # noqa: TRY400
                return
            self._dnstap.start()

    def _watch(self, for_s: float) -> None:
        """Send what is answered, for so long."""
        loop = asyncio.get_running_loop()
        self._watched_until_s = loop.time() + for_s
        if self._tap is None:
            self._tap = Tap()
            self._listen()
            loop.call_later(MOMENT_S, self._tell)

    def _tell(self) -> None:
        """Send what was answered in this moment; where nobody looks any more, that is the end of it."""
        assert self._tap is not None
        loop = asyncio.get_running_loop()
        entries, skipped = self._tap.take()
        if entries:
            self._say_value(Seen(skipped), entries)
        if loop.time() < self._watched_until_s:
            loop.call_later(MOMENT_S, self._tell)
            return
        self._tap = None
        self._listen()

    def _look(self) -> None:
        """See now and then whether the clients' addresses arrive."""
        snapshot = self._pipeline.snapshot
        hosts, views = snapshot.table.renew(), len(snapshot.views)
        self._lookout.look(hosts, self._settled().queries, self._knobs.gateways, views)
        asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _collect_garbage(self, quiet: Quiet) -> None:
        """Have it looked for at times."""
        pause_s = quiet.look(time.monotonic())
        asyncio.get_running_loop().call_later(pause_s, self._collect_garbage, quiet)

    def _settled(self) -> Counts:
        """What was counted so far, everywhere."""
        for server in self._servers:
            server.settle()
        return self._counts

    async def _settle(self) -> None:
        """Have all counted, while queries have their turn."""
        for server in self._servers:
            for _ in server.settling():
                await asyncio.sleep(0)

    async def _say_counts(self) -> None:
        await self._settle()
        counts, snapshot = self._counts, self._pipeline.snapshot
        for metric in (VIEW_CLIENTS, ANSWERS_ENTRIES, ANSWERS_OCTETS, UPSTREAM_DOWN):
            counts.forget(metric)
        for name, clients in snapshot.table.clients().items():
            counts.set(VIEW_CLIENTS, clients, name)
        for view in snapshot.views:
            counts.set(ANSWERS_ENTRIES, len(view.answers.entries), view.name)
            counts.set(ANSWERS_OCTETS, view.answers.octets, view.name)
            counts.add(LEAKS_BLOCKED, view.name, "address", by=0)  # so that the first is seen
        asked = {upstream for _, upstreams in _asked(snapshot) for upstream in upstreams.upstreams}
        for upstream in asked:
            counts.add(UPSTREAM_DOWN, str(upstream), by=self._forwarder.is_down(upstream))
        counts.set(CACHE_LIMIT, self._knobs.cache.octets)
        self._say_value(Counted(), counts)

    def _say_value(self, message: Message, value: object) -> None:
        try:
            memory = to_file(value)
        except OSError:  # no descriptor left: who asks goes without us, and says so
            return
        self._say(message, memory)
        os.close(memory)

    def _say(self, message: Message, memory: int | None = None) -> None:
        with suppress(OSError):  # the supervisor is gone, and ``receive`` will tell
            self._channel.send(message, memory)


def _asked(snapshot: Snapshot) -> set[Shelf]:
    """Who asks whom."""
    return {(view.name, upstreams) for view in snapshot.views for upstreams in view.routes.values()}
