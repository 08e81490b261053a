"""One question to the resolvers of a set: who is asked, and what is learnt on the way."""

from __future__ import annotations

import asyncio
import random

from splitdns.answer.decide import Reply
from splitdns.forward.exchange import Exchanger
from splitdns.forward.network import KernelNetwork
from splitdns.forward.policy import FAILURES_TO_BE_DOWN, PROBE_EVERY_S
from splitdns.forward.query import Question
from splitdns.forward.upstreams import Failure, Upstreams
from splitdns.metrics import Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import UpstreamSet
from tests.clock import run
from tests.upstreams import Asked, answer, only, upstream

WWW = Question(from_text("www.example.org."), Type.A)


def make(patience_s: float = 4.5) -> Upstreams:
    """Upstreams in the loop's own time."""
    counts = Counts()
    exchanger = Exchanger(KernelNetwork(), random.SystemRandom(), counts)
    return Upstreams(counts, exchanger, asyncio.get_running_loop().time, patience_s)


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


def test_closing_ends_the_probes() -> None:
    async def main() -> None:
        def silent(_: Asked) -> list[bytes]:
            return []

        async with upstream(silent) as one, upstream(lambda asked: [answer(asked)]) as other:
            upstreams, both = make(), only(one, other)
            for _ in range(FAILURES_TO_BE_DOWN):
                await upstreams.ask(WWW, both)
            await asyncio.sleep(PROBE_EVERY_S)
            await upstreams.ask(WWW, both)
            running = asyncio.all_tasks() - {asyncio.current_task()}
            assert len(running) == 1
            await upstreams.close()
            assert all(task.done() for task in running)

    run(main())
