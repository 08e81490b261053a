"""The workers: forked, listened to, replaced when they die, and led from one generation to the next.

Each has a slot, which outlives it: the sockets are the slot's, so that a worker that follows a dead one finds
every datagram and connection that came in between. A worker is forked with the newest generation in memory.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

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
from splitdns.daemon.memory import from_file
from splitdns.daemon.process import ended, ending, fork, kill
from splitdns.daemon.worker import Sockets, work
from splitdns.metrics import WORKER_RESTARTS, WORKERS, WORKERS_SILENT, WORKERS_WANTED, Counts, merged
from splitdns.serve.horizon import Sighting
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.snapshot import Snapshot

log = logging.getLogger("splitdns.daemon")

START_S = 30.0  # that a worker has to start, or to prepare a generation; beyond: it is killed and replaced
COUNT_S = 1.0  # that a scrape waits for a worker's counts; beyond: those that it sent before stand
FLUSH_S = 5.0  # that a flush waits for the workers; they do it all the same
CHECK_S = 5.0  # between two looks at whether all workers still answer us
HUNG_S = 15.0  # that a worker may leave a question of ours unanswered; beyond: it is killed and replaced
DRAIN_S = 5.0  # that queries on their way to upstreams, and TCP clients, have when the server stops
STOP_S = DRAIN_S + 3.0  # that a worker has to drain and end; beyond: it is killed
# Before a worker is replaced that died soon after its start, and the last for all that follow.
BACK_OFF_S = (0.0, 0.2, 1.0, 5.0)
STEADY_S = 10.0  # a worker that lived so long did not die of its start


@dataclass(slots=True)
class _Slot:
    """The place of one worker, and the worker that is in it now."""

    number: int
    sockets: Sockets
    process: int = 0
    channel: Channel | None = None
    started_s: float = 0.0
    early_deaths: int = 0
    serving: bool = False
    ready: asyncio.Future[None] | None = None  # while a generation is prepared or swapped
    counted: asyncio.Future[None] | None = None
    asked_s: float = 0.0  # since when we wait for ``counted``
    flushed: asyncio.Future[int] | None = None
    askers: asyncio.Future[dict[str, list[str]]] | None = None
    sighted: asyncio.Future[tuple[Sighting, ...]] | None = None
    counts: Counts = field(default_factory=Counts)  # of the worker that is here now
    past: Counts = field(default_factory=Counts)  # of those that were here before

    def send(self, message: Message, memory: int | None = None) -> bool:
        """Whether there is a worker to hear it."""
        if self.channel is None:
            return False
        try:
            self.channel.send(message, memory)
        except OSError:
            return False
        return True


class Crew:
    """All workers; ``in_child`` closes, in each that is forked, what else is only the supervisor's."""

    def __init__(
        self,
        sockets: Sequence[Sockets],
        snapshot: Snapshot,
        knobs: Knobs,
        counts: Counts,
        in_child: Callable[[], None],
    ) -> None:
        self._slots = [_Slot(number, each) for number, each in enumerate(sockets, 1)]
        self._snapshot = snapshot
        self._knobs = knobs
        self._counts = counts
        for slot in self._slots:  # a counter that is there from the start: its first step is seen, too
            counts.add(WORKER_RESTARTS, str(slot.number), by=0)
        self._in_child = in_child
        self.on_seen: Callable[[Sequence[QueryLogEntry], int], None] = lambda _entries, _skipped: None
        self._stopping = asyncio.Event()
        self._all_serving = asyncio.Event()
        self._looking = asyncio.Lock()
        self._token = ""  # that all workers are asked for now
        self._flushing = asyncio.Lock()  # one flush at a time, for answers do not say to which
        self._forking = asyncio.Lock()  # held while a generation is swapped: a new worker has one of the two
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def size(self) -> int:
        return len(self._slots)

    @property
    def serving(self) -> int:
        """How many workers answer."""
        return sum(slot.serving for slot in self._slots)

    @property
    def answering(self) -> int:
        """How many workers answered when ``counts`` asked them last; they do it in the loop that serves."""
        return sum(slot.serving and slot.counted is not None and slot.counted.done() for slot in self._slots)

    @property
    def generation(self) -> int:
        """The number of the generation that the workers answer from."""
        return self._snapshot.generation

    def fork(self) -> None:
        """Start all workers, before there is an event loop or a thread that they would have to forget."""
        for slot in self._slots:
            self._fork(slot)

    def keep(self, group: asyncio.TaskGroup) -> None:
        """Listen to the workers, and replace those that die, until told to stop."""
        self._keepers = [group.create_task(self._keep(slot)) for slot in self._slots]

    async def wait_until_serving(self) -> None:
        """Until all workers answer, for the first time."""
        await self._all_serving.wait()

    async def swap(self, snapshot: Snapshot, knobs: Knobs, memory: int) -> None:
        """Lead all workers to ``snapshot``, which the memory file holds: they prepare, then swap together."""
        async with self._forking:
            self._snapshot, self._knobs = snapshot, knobs
            ready = await self._told(self._slots, Prepare(snapshot.generation), memory)
            await self._told(ready, Swap(snapshot.generation, knobs))

    async def _told(
        self, slots: Sequence[_Slot], message: Message, memory: int | None = None
    ) -> Sequence[_Slot]:
        """Tell workers something, and wait until they have done it; those that did."""
        waiting: dict[asyncio.Future[None], _Slot] = {}
        for slot in slots:
            slot.ready = asyncio.get_running_loop().create_future()
            if slot.send(message, memory):
                waiting[slot.ready] = slot
        if not waiting:
            return []
        done, late = await asyncio.wait(waiting, timeout=START_S)
        for future in late:  # whoever follows has the new generation
            log.error("worker.late", extra={"worker": waiting[future].number, "after_s": START_S})
            kill(waiting[future].process)
        return [waiting[future] for future in done]

    async def counts(self) -> Counts:
        """Those of all workers, alive and dead; of one that is silent, what it sent before."""
        waiting: list[asyncio.Future[None]] = []
        for slot in self._slots:
            if slot.counted is None or slot.counted.done():
                slot.counted = asyncio.get_running_loop().create_future()
                slot.asked_s = time.monotonic()
                if not slot.send(Collect()):
                    slot.counted = None
            if slot.counted is not None:
                waiting.append(slot.counted)
        late = len((await asyncio.wait(waiting, timeout=COUNT_S))[1]) if waiting else 0
        whole = merged(counts for slot in self._slots for counts in (slot.past, slot.counts))
        whole.set(WORKERS, self.serving)
        whole.set(WORKERS_WANTED, self.size)
        whole.set(WORKERS_SILENT, late)
        return whole

    async def flush(self, flush: Flush) -> int:
        """Have all workers forget something; how many replies, of the workers who said so in time."""
        async with self._flushing:
            waiting = []
            for slot in self._slots:
                slot.flushed = asyncio.get_running_loop().create_future()
                if slot.send(flush):
                    waiting.append(slot.flushed)
            done = (await asyncio.wait(waiting, timeout=FLUSH_S))[0] if waiting else set()
            return sum(future.result() for future in done)

    def watch(self, for_s: float) -> None:
        """Have all workers send what they answer to ``on_seen``, for so long."""
        for slot in self._slots:
            slot.send(Watch(for_s))

    async def clients(self) -> dict[str, set[str]]:
        """Clients that were seen lately, by view, some of them where there are many."""
        waiting = []
        for slot in self._slots:
            if slot.askers is None or slot.askers.done():
                slot.askers = asyncio.get_running_loop().create_future()
                if not slot.send(WhoAsks()):
                    slot.askers.set_result({})
            waiting.append(slot.askers)
        done = (await asyncio.wait(waiting, timeout=COUNT_S))[0]
        found: dict[str, set[str]] = {}
        for future in done:
            for view, hosts in future.result().items():
                found.setdefault(view, set()).update(hosts)
        return found

    async def look(self, token: str) -> list[Sighting]:
        """Who asked for a token of the horizon test, the first first; of the workers who say so in time."""
        async with self._looking:
            self._token = token
            waiting = []
            for slot in self._slots:
                slot.sighted = asyncio.get_running_loop().create_future()
                if slot.send(Look(token)):
                    waiting.append(slot.sighted)
            done = (await asyncio.wait(waiting, timeout=COUNT_S))[0] if waiting else set()
            found = (sighting for future in done for sighting in future.result())
            return sorted(found, key=lambda sighting: sighting.time_s)

    async def mind(self, check_s: float = CHECK_S, hung_s: float = HUNG_S) -> None:
        """Kill workers that hang, so that they are replaced: the kernel goes on sending them queries."""
        while True:
            await asyncio.sleep(check_s)
            await self.counts()
            for slot in self._slots:
                waiting = slot.serving and slot.counted is not None and not slot.counted.done()
                if waiting and time.monotonic() - slot.asked_s > hung_s:
                    log.error("worker.hung", extra={"worker": slot.number, "after_s": hung_s})
                    kill(slot.process)

    async def stop(self) -> None:
        """Have all workers drain and end; who takes too long is killed."""
        self._stopping.set()
        for slot in self._slots:
            slot.send(Stop(DRAIN_S))
            slot.sockets.close()  # now the workers alone have them, and when they end nobody is waited for
        if self._keepers:
            _, late = await asyncio.wait(self._keepers, timeout=STOP_S)
            if late:
                self.kill()
                await asyncio.wait(late)

    def kill(self) -> None:
        """End all workers at once."""
        for slot in self._slots:
            if slot.channel is not None:
                kill(slot.process)

    def close_in_child(self, own: _Slot | None = None) -> None:
        """Close, in a child, all that belongs to other workers."""
        for slot in self._slots:
            if slot.channel is not None:  # a worker sees the supervisor's end only if nobody else has it open
                slot.channel.close()
            if slot is not own:
                slot.sockets.close()

    def _fork(self, slot: _Slot) -> None:
        ours, theirs = Channel.pair()
        snapshot, knobs = self._snapshot, self._knobs

        def be_worker() -> None:
            ours.close()
            self.close_in_child(slot)
            self._in_child()
            work(slot.number, slot.sockets, theirs, snapshot, knobs)

        sys.stderr.flush()
        slot.started_s = time.monotonic()
        try:
            slot.process = fork(be_worker)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        slot.channel = ours

    async def _keep(self, slot: _Slot) -> None:
        while slot.channel is not None:
            status = await self._accompany(slot)
            if self._stopping.is_set():
                return
            self._counts.add(WORKER_RESTARTS, str(slot.number))
            log.error("worker.died", extra={"worker": slot.number, "status": ending(status)})
            early = time.monotonic() - slot.started_s < STEADY_S
            slot.early_deaths = slot.early_deaths + 1 if early else 0
            with suppress(TimeoutError):
                async with asyncio.timeout(BACK_OFF_S[min(slot.early_deaths, len(BACK_OFF_S) - 1)]):
                    await self._stopping.wait()
            async with self._forking:
                if self._stopping.is_set():
                    return
                await self._fork_again(slot)

    async def _fork_again(self, slot: _Slot) -> None:
        """Replace a worker; where there is no process or descriptor left, as soon as there is."""
        while not self._stopping.is_set():
            try:
                self._fork(slot)
            except OSError as error:
                log.error("worker.missing", extra={"worker": slot.number, "reason": str(error)})  # noqa: TRY400
                await asyncio.sleep(BACK_OFF_S[2])
            else:
                return

    async def _accompany(self, slot: _Slot) -> int:
        """Listen to the worker in ``slot`` until it ends; its wait status."""
        assert slot.channel is not None
        loop = asyncio.get_running_loop()
        patience = loop.call_later(START_S, _kill_unless_serving, slot)
        while (received := await slot.channel.receive()) is not None:
            self._heard(slot, *received)
        patience.cancel()
        kill(slot.process)  # it has nothing more to say, and nothing more to do
        status = await ended(slot.process)
        slot.channel.close()
        slot.channel = None
        slot.serving = False
        slot.counts.retire()
        slot.past.merge(slot.counts)
        slot.counts = Counts()
        for waiting in (slot.ready, slot.counted):
            _resolve(waiting)
        if slot.flushed is not None and not slot.flushed.done():
            slot.flushed.set_result(0)  # who follows knows nothing
        if slot.askers is not None and not slot.askers.done():
            slot.askers.set_result({})
        if slot.sighted is not None and not slot.sighted.done():
            slot.sighted.set_result(())
        return status

    def _heard(self, slot: _Slot, message: Message, memory: int | None) -> None:
        match message:
            case Serving(number):
                slot.serving = True
                if number == self.generation:
                    _resolve(slot.ready)
                if self.serving == self.size:
                    self._all_serving.set()
            case Ready(number):
                if number == self.generation:
                    _resolve(slot.ready)
            case Counted() if memory is not None:
                slot.counts = from_file(memory)
                _resolve(slot.counted)
            case Seen(skipped) if memory is not None:
                self.on_seen(from_file(memory), skipped)
            case Askers() if memory is not None:
                askers = from_file(memory)
                if slot.askers is not None and not slot.askers.done():
                    slot.askers.set_result(askers)
            case Sighted(token) if memory is not None:
                sightings = from_file(memory)
                if token == self._token and slot.sighted is not None and not slot.sighted.done():
                    slot.sighted.set_result(sightings)
            case Flushed(replies):
                if slot.flushed is not None and not slot.flushed.done():
                    slot.flushed.set_result(replies)
            case _:
                raise AssertionError(f"not for the supervisor: {message}")


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _kill_unless_serving(slot: _Slot) -> None:
    if not slot.serving:
        kill(slot.process)
