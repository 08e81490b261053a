"""Workers as processes: they are replaced, and led from one generation to the next."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import pytest

from splitdns.answer.limits import Rates
from splitdns.daemon import crew, generation, process
from splitdns.daemon.channel import Knobs
from splitdns.daemon.crew import Crew
from splitdns.daemon.memory import memory_file
from splitdns.daemon.ports import open_sockets
from splitdns.load.load import Loaded
from splitdns.metrics import WORKER_RESTARTS, WORKERS, WORKERS_SILENT, WORKERS_WANTED, Counts
from splitdns.serve.stream import Limits
from tests.unit.daemon.site import Site

WITHIN_S = 60.0
KNOBS = Knobs(Limits(), Rates(), bytes(16), frozenset(), querylog=False, log_level="error", log_format="text")


@dataclass
class Ship:
    """A crew at work."""

    site: Site
    loaded: Loaded
    crew: Crew
    counts: Counts
    address: tuple[str, int]
    group: asyncio.TaskGroup

    async def ask(self, times: int = 16) -> set[str]:
        """What somebody on the internet is answered, from as many ports as make it certain who answers."""
        return {await self._ask() for _ in range(times)}

    async def _ask(self, name: str = "www.one.example") -> str:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(self.address)
            await loop.sock_sendall(client, dns.message.make_query(name, "A").to_wire())
            answer = dns.message.from_wire(await loop.sock_recv(client, 4096))
        return str(answer.answer[0][0])

    async def reload(self, host: int) -> None:
        self.site.write("one.example", host)
        former, self.loaded = self.loaded, self.site.load(self.loaded)
        memory = memory_file()
        with open(memory, "wb", closefd=False) as file:
            generation.write(file, self.loaded, former)
        await self.crew.swap(self.loaded.snapshot, KNOBS, memory)
        os.close(memory)

    async def counted(self, silent: int = 0) -> Counts:
        """What all workers but so many count; on a busy machine one may be late, and is asked again."""
        while (counts := await self.crew.counts()).value(WORKERS_SILENT) != silent:
            pass
        return counts

    def workers(self) -> list[int]:
        return [slot.process for slot in self.crew._slots]

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def at_sea(site: Site) -> AsyncIterator[Ship]:
    loaded, counts = site.load(), Counts()
    sockets = open_sockets(loaded.settings, 2)
    address = sockets[0].udp[0].getsockname()
    crew = Crew(sockets, loaded.snapshot, KNOBS, counts, in_child=lambda: None)
    crew.fork()
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        crew.keep(group)
        await crew.wait_until_serving()
        yield Ship(site, loaded, crew, counts, address, group)
        await crew.stop()
    assert crew.serving == 0


def run(tmp_path: Path, test: Callable[[Ship], Coroutine[None, None, None]], more: str = "") -> None:
    async def start() -> None:
        site = Site(tmp_path, more)
        site.write("one.example", 1)
        async with at_sea(site) as ship:
            await test(ship)

    asyncio.run(start())


def test_all_workers_answer_and_their_counts_add_up(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        assert await ship.ask(20) == {"203.0.113.1"}
        counts = await ship.counted()
        assert sum(counts.requests.values()) == 20
        assert counts.value(WORKERS) == counts.value(WORKERS_WANTED) == ship.crew.size == 2
        assert ship.counts.counters[WORKER_RESTARTS.name, ("1",)] == 0, "there before its first step"

    run(tmp_path, test)


def test_all_workers_have_swapped_when_a_swap_is_over__semantics_21(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        for host in (2, 3, 4):
            await ship.reload(host)
            assert await ship.ask() == {f"203.0.113.{host}"}
        assert ship.crew.generation == 4

    run(tmp_path, test)


def test_a_worker_that_dies_is_replaced_by_one_with_the_newest_generation(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        await ship.reload(2)
        before = ship.workers()
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        assert await ship.ask() == {"203.0.113.2"}
        await ship.until(lambda: ship.crew.serving == 2 and not {*before} & {*ship.workers()})
        assert [ship.counts.value(WORKER_RESTARTS, number) for number in ("1", "2")] == [1, 1]
        await ship.reload(3)
        assert await ship.ask() == {"203.0.113.3"}

    run(tmp_path, test)


def test_a_worker_that_dies_over_a_swap_does_not_hold_it_up(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        worker = ship.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        swapping = asyncio.create_task(ship.reload(2))
        await asyncio.sleep(0)
        os.kill(worker, signal.SIGKILL)
        await swapping
        await ship.until(lambda: ship.crew.serving == 2 and worker not in ship.workers())
        assert await ship.ask() == {"203.0.113.2"}

    run(tmp_path, test)


def test_a_worker_that_is_silent_does_not_answer_until_it_speaks(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        assert ship.crew.answering == 0, "nobody asked"
        await ship.counted()
        assert ship.crew.answering == 2
        silent = ship.workers()[0]
        os.kill(silent, signal.SIGSTOP)
        await ship.counted(silent=1)
        assert (ship.crew.answering, ship.crew.serving) == (1, 2)
        os.kill(silent, signal.SIGCONT)
        await ship.until(lambda: ship.crew.answering == 2)

    run(tmp_path, test)


def test_a_silent_workers_last_counts_stand(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        await ship.ask(20)
        assert sum((await ship.counted()).requests.values()) == 20
        worker = ship.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        counts = await ship.counted(silent=1)
        assert sum(counts.requests.values()) == 20
        os.kill(worker, signal.SIGCONT)

    run(tmp_path, test)


def test_the_dead_workers_counts_stand(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        await ship.ask(20)
        await ship.counted()
        before = ship.workers()
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        await ship.until(lambda: ship.crew.serving == 2 and not {*before} & {*ship.workers()})
        assert sum((await ship.counted()).requests.values()) == 20

    run(tmp_path, test)


def test_a_child_has_none_of_what_belongs_to_others(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        def sockets(process: int) -> set[str]:
            found = {os.readlink(entry) for entry in Path(f"/proc/{process}/fd").iterdir()}
            return {target for target in found if target.startswith("socket:")}

        one, other = ship.workers()
        inodes = [os.fstat(slot.sockets.udp[0].fileno()).st_ino for slot in ship.crew._slots]
        ours = {f"socket:[{inode}]" for inode in inodes}
        assert len(sockets(one) & ours) == len(sockets(other) & ours) == 1
        assert not sockets(one) & sockets(other) & ours

    run(tmp_path, test)


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        minding = ship.group.create_task(ship.crew.mind(check_s=0.1, hung_s=4.0))
        before = ship.workers()
        os.kill(before[0], signal.SIGSTOP)
        await ship.until(lambda: ship.crew.serving == 2 and ship.workers()[0] != before[0])
        minding.cancel()
        assert ship.workers()[1] == before[1]
        assert await ship.ask() == {"203.0.113.1"}

    run(tmp_path, test)


def test_where_no_process_can_be_had_a_worker_is_replaced_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(ship: Ship) -> None:
        failures = [BlockingIOError(11, "Resource temporarily unavailable")]

        def fork(run: Callable[[], None]) -> int:
            if failures:
                raise failures.pop()
            return process.fork(run)

        monkeypatch.setattr(crew, "fork", fork)
        monkeypatch.setattr(crew, "BACK_OFF_S", (0.0, 0.0, 0.05, 0.05))
        before = ship.workers()[0]
        os.kill(before, signal.SIGKILL)
        await ship.until(lambda: ship.crew.serving == 2 and ship.workers()[0] != before)
        assert not failures
        assert await ship.ask() == {"203.0.113.1"}

    run(tmp_path, test)


def test_all_workers_tell_who_asked_for_a_token_of_the_horizon_test(tmp_path: Path) -> None:
    token, other = "abcdefghij0123456789", "9876543210jihgfedcba"

    async def test(ship: Ship) -> None:
        assert await ship.crew.look(token) == []
        for name in (token, other):
            for _ in range(16):  # from so many ports that both workers meet it
                await ship._ask(f"{name}.who.one.example")
        seen = await ship.crew.look(token)
        assert [(one.client, one.view, one.qtype) for one in seen] == [("127.0.0.1", "internet", 1)] * 2
        os.kill(ship.workers()[0], signal.SIGKILL)
        assert len(await ship.crew.look(token)) <= 2  # a dead worker keeps nobody waiting
        await ship.until(lambda: ship.counts.value(WORKER_RESTARTS, "1") == 1)
        assert len(await ship.crew.look(token)) == 1

    run(tmp_path, test, "whoami: who.one.example\n")


def test_all_workers_tell_who_asks_and_what_they_answer_while_somebody_watches(tmp_path: Path) -> None:
    async def test(ship: Ship) -> None:
        heard: list[tuple[str, str]] = []
        ship.crew.on_seen = lambda entries, _: heard.extend((one.client, one.view) for one in entries)
        await ship.ask()
        assert heard == []
        ship.crew.watch(WITHIN_S)
        while not heard:  # a worker may meet a query before the word to watch
            await ship.ask(1)
        assert set(heard) == {("127.0.0.1", "internet")}
        assert await ship.crew.clients() == {"internet": {"127.0.0.1"}}

    run(tmp_path, test)
