"""One question to the resolvers of a set: who is asked, and what is learnt on the way."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from splitdns.answer.decide import Reply
from splitdns.forward.asking import Failure
from splitdns.forward.exchange import Exchanger, Sent, SilenceError
from splitdns.forward.health import FAILURES_TO_BE_DOWN, FIRST_WAIT_S, PROBE_AFTER_S
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.query import Question
from splitdns.forward.response import Response
from splitdns.forward.upstreams import Upstreams
from splitdns.metrics import FORWARD_FAILURES, Counts
from splitdns.names import from_text
from splitdns.records import Rcode, Type
from splitdns.view import Strategy, Upstream, UpstreamSet
from tests.clock import at_end, run
from tests.upstreams import Asked, answer, only, upstream
from tests.ways import the_general_way_only

WWW = Question(from_text("www.example.org."), Type.A)


class Noting(KernelNetwork):
    """Sockets for datagrams, and whom they are connected to."""

    def __init__(self) -> None:
        self._opened: list[tuple[Upstream, socket.socket]] = []

    def datagram(self, upstream: Upstream) -> socket.socket:
        opened = super().datagram(upstream)
        self._opened.append((upstream, opened))
        return opened

    def open_to(self, upstream: Upstream) -> int:
        return sum(to == upstream and opened.fileno() != -1 for to, opened in self._opened)


def make(patience_s: float = 4.5, network: Network | None = None) -> Upstreams:
    """Upstreams in the loop's own time, closed at the end."""
    counts = Counts()
    network_random = random.SystemRandom()
    exchanger = Exchanger(network or KernelNetwork(), network_random, counts)
    upstreams = Upstreams(counts, exchanger, network_random, asyncio.get_running_loop().time, patience_s)
    at_end(upstreams.close)
    return upstreams


def test_no_upstream_is_a_failure_and_not_an_exception() -> None:
    async def main() -> None:
        assert await make().ask(WWW, UpstreamSet(())) == Failure("no upstream to ask")

    run(main())


def test_what_the_question_wants_reaches_the_upstream() -> None:
    async def main() -> None:
        async with upstream(lambda asked: [answer(asked, "www.example.org. 300 A 192.0.2.1")]) as one:
            reply = await make().ask(Question(WWW.name, WWW.qtype, do=True, cd=True), only(one))
            assert isinstance(reply, Reply)
            assert one.asked[0].wire[3] & 0x10, "CD"
            assert one.asked[0].message.ednsflags == 0x8000

    run(main())


def test_the_next_upstream_is_asked_where_a_reply_is_judged_to_be_of_no_use() -> None:
    async def main() -> None:
        def says(address: str) -> Callable[[Asked], list[bytes]]:
            return lambda asked: [answer(asked, f"www.example.org. 300 A {address}")]

        async def judge(reply: Reply) -> Reply:
            is_wanted = reply.answer[0].rdatas == (bytes((192, 0, 2, 2)),)
            return reply if is_wanted else Reply(Rcode.SERVFAIL)

        async with upstream(says("192.0.2.1")) as one, upstream(says("192.0.2.2")) as other:
            reply = await make().ask(WWW, only(one, other), judge)
            assert isinstance(reply, Reply)
            assert reply.answer[0].rdatas == (bytes((192, 0, 2, 2)),)
            assert await make().ask(WWW, only(one), judge) == Reply(Rcode.SERVFAIL)

    run(main())


def test_where_nothing_is_on_its_way_the_next_try_begins_at_once() -> None:
    class Brief(Exchanger):
        """Silence that is over before a usual answer would have come, then an answer."""

        asked = 0

        def send(
            self,
            question: Question,
            upstream: Upstream,
            timeout_s: float,
            early_s: float | None,
            tell: Callable[[], None],
        ) -> Sent:
            self._silent()
            return super().send(question, upstream, timeout_s, early_s, tell)

        async def exchange(
            self, question: Question, upstream: Upstream, timeout_s: float, sent: Sent | None = None
        ) -> Response:
            self._silent()
            return await super().exchange(question, upstream, timeout_s, sent)

        def _silent(self) -> None:
            self.asked += 1
            if self.asked < 4:
                raise SilenceError("no response over TCP")

    async def main() -> None:
        loop, counts = asyncio.get_running_loop(), Counts()
        exchanger = Brief(KernelNetwork(), random.SystemRandom(), counts)
        upstreams = Upstreams(counts, exchanger, random.SystemRandom(), loop.time)
        async with upstream(lambda asked: [answer(asked, "www.example.org. 300 A 192.0.2.1")]) as one:
            started_s = loop.time()
            async with asyncio.timeout(10):
                with the_general_way_only():
                    assert isinstance(await upstreams.ask(WWW, only(one)), Reply)
            assert (exchanger.asked, loop.time() - started_s) == (4, 0)
        await upstreams.close()

    run(main())


def test_closing_ends_the_probes() -> None:
    async def main() -> None:
        def silent(_: Asked) -> list[bytes]:
            return []

        async with upstream(silent) as one, upstream(lambda asked: [answer(asked)]) as other:
            network = Noting()
            upstreams, both = make(network=network), only(one, other)
            for _ in range(FAILURES_TO_BE_DOWN):
                await upstreams.ask(WWW, both)
            await asyncio.sleep(PROBE_AFTER_S + 2.0)
            assert network.open_to(one.upstream) == 0
            await upstreams.ask(WWW, both)
            assert network.open_to(one.upstream) == 1, "the probe"
            await upstreams.close()
            assert network.open_to(one.upstream) == 0

    run(main())


def good(asked: Asked) -> list[bytes]:
    return [answer(asked, f"{asked.message.question[0].name} 300 A 192.0.2.1")]


def silent(_: Asked) -> list[bytes]:
    return []


def question(number: int) -> Question:
    return Question(from_text(f"host{number}.example.org."), Type.A)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def test_a_lost_datagram_costs_about_a_usual_answer_and_not_a_time_out() -> None:
    async def main() -> None:
        lost = False

        def loses_one(asked: Asked) -> list[bytes]:
            nonlocal lost
            lost, answered = False, not lost
            return good(asked) if answered else []

        async with upstream(loses_one) as one:
            upstreams, only_one = make(), only(one)
            for number in range(20):
                await upstreams.ask(question(number), only_one)
            lost, begun_s = True, now_s()
            assert isinstance(await upstreams.ask(WWW, only_one), Reply)
            assert now_s() - begun_s < 0.06, "0.05 s is the shortest wait"
            await upstreams.close()

    run(main())


def test_a_slow_answer_counts_though_others_were_asked_meanwhile() -> None:
    async def main() -> None:
        async with upstream(silent) as slow, upstream(silent) as other:
            upstreams = make()
            asking = asyncio.create_task(upstreams.ask(WWW, only(slow, other)))
            await asyncio.sleep(2 * FIRST_WAIT_S + 0.01)
            assert other.asked
            first = slow.asked[0]
            slow.send(good(first)[0], first)
            reply = await asking
            assert isinstance(reply, Reply)
            assert reply.answer
            await upstreams.close()

    run(main())


def test_a_try_that_was_overtaken_still_tells_how_its_upstream_is() -> None:
    async def main() -> None:
        async with upstream(silent) as dead, upstream(good) as other:
            upstreams, both = make(), only(dead, other)
            for number in range(FAILURES_TO_BE_DOWN):
                begun_s = now_s()
                await upstreams.ask(question(number), both)
                assert now_s() - begun_s == pytest.approx(FIRST_WAIT_S, abs=0.01)
            await asyncio.sleep(both.timeout_s)
            begun_s = now_s()
            await upstreams.ask(WWW, both)
            assert now_s() - begun_s == 0.0, "it is known to be down"
            await upstreams.close()

    run(main())


def test_in_parallel_the_first_usable_answer_wins() -> None:
    async def main() -> None:
        failing = lambda asked: [answer(asked, rcode="SERVFAIL")]  # noqa: E731
        async with upstream(silent) as one, upstream(failing) as two, upstream(good) as three:
            together = replace(only(one, two, three), strategy=Strategy.PARALLEL)
            upstreams, begun_s = make(), now_s()
            assert isinstance(await upstreams.ask(WWW, together), Reply)
            assert now_s() == begun_s
            assert [len(each.asked) for each in (one, two, three)] == [1, 1, 1]
            await upstreams.close()

    run(main())


def test_the_fastest_is_found_and_asked() -> None:
    async def main() -> None:
        async with upstream(silent) as slow, upstream(good) as quick:

            def later(asked: Asked) -> list[bytes]:
                asyncio.get_running_loop().call_later(0.3, slow.send, good(asked)[0], asked)
                return []

            slow.script = later
            upstreams, both = make(), replace(only(slow, quick), strategy=Strategy.FASTEST)
            for number in range(40):
                await upstreams.ask(question(number), both)
            await asyncio.sleep(1)
            assert len(slow.asked) < 15 < 35 < len(quick.asked)
            await upstreams.close()

    run(main())


def test_nobody_waits_longer_than_the_patience() -> None:
    async def main() -> None:
        async with upstream(silent) as one, upstream(silent) as other:
            upstreams, begun_s = make(patience_s=1.5), now_s()
            assert isinstance(await upstreams.ask(WWW, only(one, other)), Failure)
            assert now_s() - begun_s == pytest.approx(1.5)

    run(main())


def test_upstreams_out_of_reach_are_a_failure_at_once() -> None:
    async def main() -> None:
        nobody = UpstreamSet((Upstream("127.0.0.1", 1), Upstream("127.0.0.2", 1)))
        begun_s = now_s()
        assert await make().ask(WWW, nobody) == Failure("127.0.0.2:1: Connection refused")
        assert now_s() == begun_s

    run(main())


def test_who_asks_no_more_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with upstream(silent) as one:
            asking = asyncio.create_task(make().ask(WWW, only(one)))
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_tries_that_nobody_waits_for_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splitdns.forward.upstreams.MAX_ASIDE", 3)

    async def main() -> None:
        async with upstream(silent) as dead, upstream(good) as other:
            network = Noting()
            upstreams, both = make(network=network), replace(only(dead, other), strategy=Strategy.PARALLEL)
            await asyncio.gather(*(upstreams.ask(question(number), both) for number in range(10)))
            assert network.open_to(dead.upstream) == 3
            await upstreams.close()

    run(main())


def test_want_of_descriptors_says_nothing_about_an_upstream() -> None:
    class Exhausted(KernelNetwork):
        def datagram(self, upstream: Upstream) -> socket.socket:
            raise OSError(errno.EMFILE, "Too many open files")

    async def main() -> None:
        counts, one = Counts(), Upstream("192.0.2.1")
        drawn = random.SystemRandom()
        clock = asyncio.get_running_loop().time
        upstreams = Upstreams(counts, Exchanger(Exhausted(), drawn, counts), drawn, clock)
        for _ in range(FAILURES_TO_BE_DOWN + 1):
            failure = await upstreams.ask(WWW, UpstreamSet((one,)))
            assert failure == Failure("192.0.2.1:53: Too many open files")
        assert not upstreams.are_down(UpstreamSet((one,)))
        assert counts.value(FORWARD_FAILURES, str(one), "not_asked") == FAILURES_TO_BE_DOWN + 1

    run(main())
