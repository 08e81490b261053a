"""Each question once, so many at a time, and the oldest makes room."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Reply
from splitdns.forward.asking import Done, Outcome
from splitdns.forward.cache import Key
from splitdns.forward.flights import MAX_FLIGHTS_PER_NAME, DroppedError, Flight, Flights
from splitdns.forward.parts import COMPILED
from splitdns.metrics import FORWARD_COALESCED, FORWARD_DROPS, FORWARD_REJECTS, Counts
from splitdns.names import from_text
from splitdns.records import Rcode, Type
from splitdns.view import UpstreamSet
from tests.clock import run

ANSWER = Reply(Rcode.NOERROR)


def key(number: int = 0, qtype: int = Type.A) -> Key:
    return Key("lan", UpstreamSet(()), from_text(f"host{number}.example.org."), qtype)


@pytest.fixture(autouse=True, params=["pure", "compiled"], scope="module")
def kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with both kinds."""
    if request.param == "compiled" and COMPILED is None:
        pytest.skip("no accelerator was built")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "compiled" and COMPILED is not None:
            patch.setattr(sys.modules[__name__], "Flights", COMPILED.flights)
        yield


def make(
    flown: list[Key], *, counts: Counts | None = None, limit: int = 1000, waits: int = 1000
) -> Flights:
    def fly(asked: Key, landed: Done) -> asyncio.TimerHandle:
        flown.append(asked)
        return asyncio.get_running_loop().call_later(1.0, landed, ANSWER)

    return Flights(counts or Counts(), fly, asyncio.get_running_loop().time, limit, waits)


async def waited(
    of: Flights, flight: Flight, client: str = "one", until_s: float | None = None
) -> Outcome | None:
    """What a wait ends with; an exception is raised."""
    ended: asyncio.Future[Outcome | Exception | None] = asyncio.get_running_loop().create_future()

    def end(outcome: Outcome | Exception | None) -> None:
        if not ended.cancelled():
            ended.set_result(outcome)

    of.wait(flight, client, until_s, end)
    found = await ended
    if isinstance(found, Exception):
        raise found
    return found


async def outcome(
    of: Flights, asked: Key, client: str = "one", until_s: float | None = None
) -> Outcome | None:
    return await waited(of, of.begin(asked), client, until_s)


async def gathered(*waiting: asyncio.Task[Outcome | None]) -> list[Outcome | BaseException | None]:
    return await asyncio.gather(*waiting, return_exceptions=True)


def test_identical_questions_at_once_are_one_flight__rfc5452_5() -> None:
    async def main() -> None:
        flown: list[Key] = []
        counts = Counts()
        way = make(flown, counts=counts)
        assert await asyncio.gather(*(outcome(way, key()) for _ in range(20))) == [ANSWER] * 20
        assert (len(flown), len(way)) == (1, 0)
        assert counts.value(FORWARD_COALESCED) == 19
        await outcome(way, key())
        assert len(flown) == 2

    run(main())


def test_who_does_not_wait_to_the_end_ends_nothing() -> None:
    async def main() -> None:
        way = make([])
        flight = way.begin(key())
        now_s = asyncio.get_running_loop().time()
        assert await waited(way, flight, "one", now_s + 0.4) is None
        assert await waited(way, flight, "one", now_s + 0.4) is None, "that is over already"
        assert asyncio.get_running_loop().time() - now_s == pytest.approx(0.4, abs=0.05)
        assert await waited(way, flight, "one", now_s + 5) == ANSWER

    run(main())


@pytest.mark.parametrize("beyond", [0, 1])
def test_when_there_are_too_many_the_oldest_is_dropped(beyond: int) -> None:
    async def main() -> None:
        counts = Counts()
        way = make([], counts=counts, limit=5)
        waiting = []
        for number in range(5 + beyond):
            waiting.append(asyncio.create_task(outcome(way, key(number), f"client{number}")))
            await asyncio.sleep(0.01)
        assert len(way) == 5
        found = await gathered(*waiting)
        assert [isinstance(each, DroppedError) for each in found] == [True] * beyond + [False] * 5
        assert counts.value(FORWARD_DROPS, "all") == counts.value(FORWARD_REJECTS) == beyond
        assert len(way) == 0

    run(main())


def test_a_question_that_was_dropped_may_be_asked_again_at_once() -> None:
    async def main() -> None:
        way = make([], limit=1)
        first = asyncio.create_task(outcome(way, key(1)))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(outcome(way, key(2)))
        await asyncio.sleep(0)
        third = asyncio.create_task(outcome(way, key(1)))
        assert isinstance((await gathered(first))[0], DroppedError)
        assert isinstance((await gathered(second))[0], DroppedError)
        assert await third == ANSWER

    run(main())


@pytest.mark.parametrize("beyond", [0, 1])
def test_when_one_client_waits_for_too_much_its_oldest_is_dropped(beyond: int) -> None:
    async def main() -> None:
        counts = Counts()
        way = make([], counts=counts, waits=5)
        other = asyncio.create_task(outcome(way, key(100), "other"))
        waiting = []
        for number in range(5 + beyond):
            waiting.append(asyncio.create_task(outcome(way, key(number))))
            await asyncio.sleep(0.01)
        assert len(way) == 6, "nobody waits for the oldest any more, and it is not asked on"
        found = await gathered(*waiting)
        assert [isinstance(each, DroppedError) for each in found] == [True] * beyond + [False] * 5
        assert counts.value(FORWARD_DROPS, "client") == beyond
        assert await other == ANSWER

    run(main())


def test_a_client_that_asks_its_oldest_question_again_is_answered() -> None:
    async def main() -> None:
        way = make([], waits=1)
        first = asyncio.create_task(outcome(way, key(1)))
        await asyncio.sleep(0.01)
        again = asyncio.create_task(outcome(way, key(1)))
        async with asyncio.timeout(10):
            dropped, answered = await gathered(first, again)
        assert isinstance(dropped, DroppedError)
        assert answered == ANSWER

    run(main())


def test_what_another_waits_for_goes_on() -> None:
    async def main() -> None:
        way = make([], waits=1)
        both = [asyncio.create_task(outcome(way, key(1), client)) for client in ("one", "two")]
        await asyncio.sleep(0.01)
        newer = asyncio.create_task(outcome(way, key(2), "one"))
        dropped, answered, new = await gathered(*both, newer)
        assert isinstance(dropped, DroppedError)
        assert (answered, new) == (ANSWER, ANSWER)

    run(main())


@pytest.mark.parametrize("beyond", [0, 1])
def test_so_many_have_the_same_name_and_the_newest_is_not_begun__rfc5452_5(beyond: int) -> None:
    async def main() -> None:
        counts = Counts()
        flown: list[Key] = []
        way = make(flown, counts=counts)
        waiting = [
            asyncio.create_task(outcome(way, key(1, 1000 + number)))
            for number in range(MAX_FLIGHTS_PER_NAME + beyond)
        ]
        found = await gathered(*waiting)
        assert [isinstance(each, DroppedError) for each in found[-1:]] == [bool(beyond)]
        assert len(flown) == MAX_FLIGHTS_PER_NAME
        assert counts.value(FORWARD_DROPS, "name") == beyond
        assert await outcome(way, key(1)) == ANSWER

    run(main())


@pytest.mark.parametrize(("grace_s", "arrives"), [(2.0, True), (0.0, False)])
def test_close_waits_so_long_and_begins_no_more(grace_s: float, arrives: bool) -> None:
    async def main() -> None:
        way = make([])
        waiting = asyncio.create_task(outcome(way, key()))
        await asyncio.sleep(0.01)
        await way.close(grace_s)
        (found,) = await gathered(waiting)
        assert isinstance(found, Reply) == arrives
        with pytest.raises(DroppedError, match="stopping"):
            way.begin(key(1))

    run(main())


def test_who_goes_away_leaves_nothing_behind_when_it_has_landed() -> None:
    async def main() -> None:
        way = make([])
        waiting = asyncio.create_task(outcome(way, key()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await gathered(waiting)
        await asyncio.sleep(2)
        assert (len(way), way.clients) == (0, {})

    run(main())


def test_whoever_is_told_of_one_may_ask_another_at_once() -> None:
    async def main() -> None:
        way = make([], limit=2)
        asked: list[object] = []

        def ask_on(found: object) -> None:
            asked.append(found)
            if len(asked) < 5:
                way.wait(way.begin(key(100 + len(asked))), "one", None, ask_on)
                assert len(way) <= 2

        for number in range(4):
            way.wait(way.begin(key(number)), "one", None, ask_on)
            assert len(way) <= 2
        await asyncio.sleep(10)
        assert (len(way), way.clients) == (0, {})
        assert ANSWER in asked
        assert any(isinstance(each, DroppedError) for each in asked)

    run(main())


STEPS = st.lists(
    st.tuples(
        st.integers(0, 6),  # the question
        st.sampled_from(["one", "two", "three"]),
        st.sampled_from([None, 0.0, 0.3, 5.0]),  # how long the client waits
        st.sampled_from([0.0, 0.1, 0.5]),  # until the next step
        st.booleans(),  # whether the client goes away then
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=25)
@given(STEPS)
def test_whatever_happens_the_bounds_hold_and_nothing_is_left(
    steps: list[tuple[int, str, float | None, float, bool]],
) -> None:
    async def main() -> None:
        clock = asyncio.get_running_loop().time
        way = make([], limit=4, waits=2)
        waiting: list[asyncio.Task[Outcome | None]] = []
        for number, client, patience_s, pause_s, leaves in steps:
            until_s = None if patience_s is None else clock() + patience_s
            waiting.append(asyncio.create_task(outcome(way, key(number), client, until_s)))
            await asyncio.sleep(pause_s)
            if leaves:
                waiting[-1].cancel()
            assert len(way) <= 4
            assert all(len(waits) <= 2 for waits in way.clients.values())
        found = await gathered(*waiting)
        allowed = Reply | None | DroppedError | asyncio.CancelledError
        assert all(isinstance(each, allowed) for each in found)
        await asyncio.sleep(2)
        assert (len(way), len(way.clients), len(way.names)) == (0, 0, 0)

    run(main())
