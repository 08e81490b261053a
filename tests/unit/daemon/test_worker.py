"""A worker in a process of its own, and what it does for each message."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message

from splitdns.answer.limits import Rates
from splitdns.daemon import generation
from splitdns.daemon.channel import (
    Askers,
    Channel,
    Collect,
    Counted,
    Knobs,
    Message,
    Prepare,
    Ready,
    Seen,
    Serving,
    Stop,
    Swap,
    Watch,
    WhoAsks,
)
from splitdns.daemon.memory import from_file, memory_file
from splitdns.daemon.process import ended, ending, fork, kill
from splitdns.daemon.worker import Sockets, work
from splitdns.load.load import Loaded
from splitdns.metrics import ANSWERS_ENTRIES, CACHE_LIMIT, LEAKS_BLOCKED, UPSTREAM_DOWN, VIEW_CLIENTS
from splitdns.serve.sockets import open_tcp, open_udp
from splitdns.serve.stream import Limits
from splitdns.serve.tap import MOMENT_S
from tests.unit.daemon.site import Site

WITHIN_S = 60.0
KNOBS = Knobs(
    Limits(), Rates(), bytes(16), frozenset(), querylog=False, log_level="warning", log_format="text"
)


@dataclass
class Employer:
    """The supervisor's end of one worker."""

    site: Site
    loaded: Loaded
    channel: Channel
    process: int
    udp: socket.socket
    tcp: socket.socket

    async def hear(self, expected: Message) -> int | None:
        """The next message, which must be this one; its memory file."""
        received = await self.channel.receive()
        assert received is not None
        assert received[0] == expected
        return received[1]

    async def address(self, name: str = "www.one.example") -> str:
        """What the worker answers over UDP to somebody on the internet."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(self.udp.getsockname())
            await loop.sock_sendall(client, dns.message.make_query(name, "A").to_wire())
            answer = dns.message.from_wire(await loop.sock_recv(client, 4096))
        return str(answer.answer[0][0])

    def package(self) -> int:
        """The next generation of the site, in a memory file."""
        former, self.loaded = self.loaded, self.site.load(self.loaded)
        memory = memory_file()
        with open(memory, "wb", closefd=False) as file:
            generation.write(file, self.loaded, former)
        return memory


@asynccontextmanager
async def employed(site: Site) -> AsyncIterator[Employer]:
    udp = open_udp("127.0.0.1", 0)
    tcp = open_tcp("127.0.0.1", udp.getsockname()[1])
    ours, theirs = Channel.pair()
    loaded = site.load()

    def be_worker() -> None:
        ours.close()
        work(1, Sockets([udp], [tcp]), theirs, loaded.snapshot, KNOBS)

    process = fork(be_worker)
    theirs.close()
    employer = Employer(site, loaded, ours, process, udp, tcp)
    try:
        async with asyncio.timeout(WITHIN_S):
            await employer.hear(Serving(1))
            yield employer
    finally:
        ours.close()
        kill(process)
        for sock in (udp, tcp):
            sock.close()


def run(tmp_path: Path, test: Callable[[Employer], Coroutine[None, None, None]]) -> None:
    async def start() -> None:
        site = Site(tmp_path)
        site.write("one.example", 1)
        async with employed(site) as employer:
            await test(employer)
        await ended(employer.process)

    asyncio.run(start())


def test_it_answers_on_the_sockets_that_it_inherited(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        assert await employer.address() == "203.0.113.1"
        reader, writer = await asyncio.open_connection(*employer.tcp.getsockname())
        query = dns.message.make_query("www.one.example", "A").to_wire()
        writer.write(len(query).to_bytes(2, "big") + query)
        octets = int.from_bytes(await reader.readexactly(2), "big")
        answer = dns.message.from_wire(await reader.readexactly(octets))
        assert str(answer.answer[0][0]) == "203.0.113.1"
        writer.close()

    run(tmp_path, test)


def test_it_answers_from_the_old_generation_until_the_word_to_swap(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        for number in (2, 3):
            employer.site.write("one.example", number)
            memory = employer.package()
            employer.channel.send(Prepare(number), memory)
            os.close(memory)
            await employer.hear(Ready(number))
            assert await employer.address() == f"203.0.113.{number - 1}"

            employer.channel.send(Swap(number, KNOBS))
            await employer.hear(Serving(number))
            assert await employer.address() == f"203.0.113.{number}"

    run(tmp_path, test)


def test_it_knows_its_clients_over_generations(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        await employer.address()
        memory = employer.package()
        employer.channel.send(Prepare(2), memory)
        os.close(memory)
        await employer.hear(Ready(2))
        employer.channel.send(Swap(2, KNOBS))
        await employer.hear(Serving(2))

        employer.channel.send(WhoAsks())
        memory = await employer.hear(Askers())
        assert memory is not None
        assert from_file(memory) == {"internet": ["127.0.0.1"]}

    run(tmp_path, test)


def test_it_sends_what_it_counted(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        for _ in range(3):
            await employer.address()
        employer.channel.send(Collect())
        memory = await employer.hear(Counted())
        assert memory is not None
        counts = from_file(memory)
        assert sum(counts.requests.values()) == 3
        assert counts.value(VIEW_CLIENTS, "internet") == 1
        assert counts.value(ANSWERS_ENTRIES, "internet") == 0  # they were cut out of the zone
        assert counts.value(CACHE_LIMIT) == KNOBS.cache.octets
        assert counts.gauges[UPSTREAM_DOWN.name, ("192.0.2.53:53",)] == 0
        assert counts.counters[LEAKS_BLOCKED.name, ("internet", "address")] == 0

    run(tmp_path, test)


def test_it_sends_what_it_answers_while_somebody_watches_and_then_no_more(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        async def seen() -> list[Message]:
            """What comes of one query, within two moments."""
            await employer.address()
            await asyncio.sleep(2 * MOMENT_S)
            employer.channel.send(WhoAsks())
            heard: list[Message] = []
            while (received := await employer.channel.receive()) and received[0] != Askers():
                heard.append(received[0])
            return heard

        assert await seen() == []
        async def ask_on() -> None:
            """A query may be answered before the worker has read that somebody watches."""
            while True:
                await employer.address()
                await asyncio.sleep(MOMENT_S)

        employer.channel.send(Watch(WITHIN_S))
        asking = asyncio.create_task(ask_on())
        memory = await employer.hear(Seen(0))
        asking.cancel()
        await asyncio.wait((asking,))
        assert memory is not None
        entry = from_file(memory)[0]
        assert (entry.client, entry.view, entry.rcode) == ("127.0.0.1", "internet", 0)

        employer.channel.send(Watch(0.0))
        while await seen():  # the last moment
            pass

    run(tmp_path, test)


def test_it_tells_who_has_asked(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        await employer.address()
        employer.channel.send(WhoAsks())
        memory = await employer.hear(Askers())
        assert memory is not None
        assert from_file(memory) == {"internet": ["127.0.0.1"]}

    run(tmp_path, test)


def test_it_ends_well_when_told_to_stop_and_sends_its_last_counts(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        await employer.address()
        employer.channel.send(Stop(1.0))
        memory = await employer.hear(Counted())
        assert memory is not None
        assert sum(from_file(memory).requests.values()) == 1
        assert await employer.channel.receive() is None
        os.waitid(os.P_PID, employer.process, os.WEXITED | os.WNOWAIT)

    run(tmp_path, test)


def test_it_ends_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    async def test() -> None:
        site = Site(tmp_path)
        site.write("one.example", 1)
        async with employed(site) as employer:
            employer.channel.close()
            status = await ended(employer.process)
            assert ending(status) == "status 0"

    asyncio.run(test())


def test_a_generation_that_does_not_follow_its_own_ends_it(tmp_path: Path) -> None:
    async def test(employer: Employer) -> None:
        os.close(employer.package())
        memory = employer.package()  # the one after that
        employer.channel.send(Prepare(3), memory)
        os.close(memory)
        assert await employer.channel.receive() is None  # whoever follows it is forked with the newest

    run(tmp_path, test)
