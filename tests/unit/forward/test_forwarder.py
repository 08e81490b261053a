"""Questions to upstreams: who is asked, how often, and what those who wait get."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Forward, Reply, decide
from splitdns.errors import UpstreamError
from splitdns.forward import forwarder as forwarder_module
from splitdns.forward.cache import CacheLimits
from splitdns.forward.forwarder import Forwarder
from splitdns.forward.health import FAILURES_TO_BE_DOWN, PROBE_AFTER_S
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.policy import PATIENCE_S
from splitdns.forward.stale import CLIENT_PATIENCE_S
from splitdns.metrics import (
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_PREFETCHES,
    CACHE_REQUESTS,
    CACHE_STALE,
    FORWARD_COALESCED,
    FORWARD_FAILURES,
    FORWARD_REJECTS,
    Counts,
)
from splitdns.names import from_text, wire_from_text
from splitdns.records import Ede, Rcode, RRset, Type
from splitdns.view import Upstream, UpstreamSet
from tests.build import MANNERS, query, view
from tests.clock import at_end, run
from tests.upstreams import Asked, Script, answer, only, upstream

SOA = "example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"


def make(
    counts: Counts | None = None,
    *,
    max_flights: int = 1000,
    network: Network | None = None,
    limits: CacheLimits | None = None,
) -> Forwarder:
    """A forwarder in the loop's own time, closed at the end."""
    clock = asyncio.get_running_loop().time
    forwarder = Forwarder(
        counts or Counts(),
        clock=clock,
        max_flights=max_flights,
        network=network,
        limits=limits or CacheLimits(),
    )
    at_end(partial(forwarder.close, 0))
    return forwarder


def forward(upstreams: UpstreamSet, name: str = "www.example.org.", rdtype: str = "A") -> Forward:
    decided = decide(query(name, rdtype, rd=True), view(recursion=True, routes={".": upstreams}), MANNERS)
    assert isinstance(decided, Forward)
    return replace(decided, name=wire_from_text(name))


def good(asked: Asked) -> Iterable[bytes]:
    name = asked.message.question[0].name
    return [answer(asked, f"{name} 300 A 192.0.2.1")]


def silent(_: Asked) -> Iterable[bytes]:
    return []


def failing(rcode: str) -> Script:
    return lambda asked: [answer(asked, rcode=rcode)]


def denying(asked: Asked) -> Iterable[bytes]:
    return [answer(asked, rcode="NXDOMAIN", authority=[SOA])]


def garbage(asked: Asked) -> Iterable[bytes]:
    return [answer(asked, "www.example.org. 300 A 203.0.113.66")[:-2]]


def referring(asked: Asked) -> Iterable[bytes]:
    return [answer(asked, authority=["example.org. 300 NS ns1.example.org."])]


def circular(asked: Asked) -> Iterable[bytes]:
    return [answer(asked, "www.example.org. 300 CNAME www.example.org.")]


def addresses(reply: Reply | None) -> list[str]:
    assert reply is not None
    rrsets: list[RRset] = [rrset for rrset in reply.answer if rrset.rdtype == Type.A]
    return [socket.inet_ntoa(rdata) for rrset in rrsets for rdata in rrset.rdatas]


# --- which upstream


@pytest.mark.parametrize(
    "first",
    [silent, failing("SERVFAIL"), failing("REFUSED"), failing("NOTIMP"), garbage, referring, circular],
)
def test_where_the_first_upstream_is_no_use_the_next_is_asked(first: Script) -> None:
    async def main() -> None:
        async with upstream(first) as one, upstream(good) as other:
            upstreams = only(one, other)
            forwarder = make()
            assert addresses(await forwarder.ask(forward(upstreams))) == ["192.0.2.1"]
            assert one.asked

    run(main())


def test_a_denial_is_an_answer_and_nobody_else_is_asked() -> None:
    async def main() -> None:
        async with upstream(denying) as one, upstream(good) as other:
            reply = await make().ask(forward(only(one, other)))
            assert reply.rcode == Rcode.NXDOMAIN
            assert not other.asked

    run(main())


def test_after_a_garbled_answer_the_only_upstream_is_asked_once_more() -> None:
    async def main() -> None:
        def garbled_at_first(asked: Asked) -> Iterable[bytes]:
            return garbage(asked) if len(one.asked) == 1 else good(asked)

        async with upstream(garbled_at_first) as one:
            assert addresses(await make().ask(forward(only(one)))) == ["192.0.2.1"]
            assert len(one.asked) == 2
        async with upstream(garbage) as one:
            with pytest.raises(UpstreamError, match="ends within a record"):
                await make().ask(forward(only(one)))
            assert len(one.asked) == 2

    run(main())


def test_a_lost_datagram_is_sent_again_to_the_only_upstream() -> None:
    async def main() -> None:
        lost: list[Asked] = []

        def loses_one(asked: Asked) -> Iterable[bytes]:
            lost.append(asked)
            return [] if len(lost) == 1 else good(asked)

        async with upstream(loses_one) as one:
            forwarder = make()
            assert addresses(await forwarder.ask(forward(only(one)))) == ["192.0.2.1"]

    run(main())


def test_when_all_are_silent_the_patience_ends() -> None:
    async def main() -> None:
        async with upstream(silent) as one, upstream(silent) as other:
            started_s = asyncio.get_running_loop().time()
            with pytest.raises(UpstreamError, match=f"{other.upstream}: no response"):
                await make().ask(forward(only(one, other)))
            assert asyncio.get_running_loop().time() - started_s == pytest.approx(PATIENCE_S, abs=0.1)
            assert len(one.asked) == len(other.asked) == 3

    run(main())


def test_when_all_fail_the_rcode_is_told() -> None:
    async def main() -> None:
        async with upstream(failing("REFUSED")) as one, upstream(failing("SERVFAIL")) as other:
            reply = await make().ask(forward(only(one, other)))
            assert reply == Reply(Rcode.SERVFAIL)
            assert [len(each.asked) for each in (one, other)] == [1, 1], "again, they would say the same"

    run(main())


def test_an_rcode_says_more_than_the_silence_after_it() -> None:
    async def main() -> None:
        async with upstream(failing("SERVFAIL")) as one, upstream(silent) as other:
            forwarder = make()
            assert await forwarder.ask(forward(only(one, other))) == Reply(Rcode.SERVFAIL)

    run(main())


def test_without_upstreams_there_is_no_answer() -> None:
    with pytest.raises(UpstreamError, match="no upstream to ask"):
        run(Forwarder(Counts()).ask(forward(UpstreamSet(()))))


def test_a_dead_upstream_costs_its_time_out_only_until_it_is_known_to_be_down() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"first": silent}

        async with upstream(lambda asked: answers["first"](asked)) as one, upstream(good) as other:
            forwarder, upstreams = make(), only(one, other)

            async def ask(number: int) -> None:
                reply = await forwarder.ask(forward(upstreams, f"host{number}.example.org."))
                assert addresses(reply) == ["192.0.2.1"]

            for number in range(10):
                await ask(number)
                if number < FAILURES_TO_BE_DOWN:
                    await asyncio.sleep(upstreams.timeout_s)
            assert len(one.asked) == FAILURES_TO_BE_DOWN
            assert [forwarder.is_down(each) for each in upstreams.upstreams] == [True, False]

            # Back again: a question beside those of the clients finds it out, and the order is the old one.
            answers["first"] = good
            await asyncio.sleep(PROBE_AFTER_S)
            await ask(10)
            assert len(other.asked) == 11
            await asyncio.sleep(0.1)
            assert one.asked[-1].question == "host10.example.org. A"
            await ask(11)
            assert len(other.asked) == 11
            assert not forwarder.is_down(upstreams.upstreams[0])

    run(main())


@pytest.mark.parametrize("between", [garbage, failing("SERVFAIL"), good])
def test_an_upstream_that_says_anything_in_between_is_not_down(between: Script) -> None:
    async def main() -> None:
        scripts = itertools.cycle([silent, between])
        async with upstream(lambda asked: next(scripts)(asked)) as one, upstream(good) as other:
            forwarder, upstreams = make(), only(one, other)
            for number in range(3 * FAILURES_TO_BE_DOWN):
                await forwarder.ask(forward(upstreams, f"host{number}.example.org."))
            assert len(one.asked) == 3 * FAILURES_TO_BE_DOWN

    run(main())


# --- the cache


def test_what_was_asked_once_is_answered_from_the_cache() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(good) as one:
            forwarder = make(counts)
            question = forward(only(one))
            assert forwarder.ask_now(question) is None
            await forwarder.ask(question)
            await asyncio.sleep(100)
            reply = forwarder.ask_now(question)
            assert addresses(reply) == ["192.0.2.1"]
            assert reply is not None
            assert reply.answer[0].ttl_s == 200
            assert await forwarder.ask(question) == reply
            assert len(one.asked) == 1
            assert counts.value(CACHE_MISSES, "test") == 1
            assert counts.value(CACHE_HITS, "success", "test") == 2
            assert counts.value(CACHE_REQUESTS, "test") == 3
            await asyncio.sleep(200)
            assert forwarder.ask_now(question) is None
            await forwarder.ask(question)
            assert len(one.asked) == 2

    run(main())


def test_denials_are_answered_from_the_cache_for_every_type__rfc2308_5() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(denying) as one:
            forwarder = make(counts)
            await forwarder.ask(forward(only(one)))
            reply = forwarder.ask_now(forward(only(one), rdtype="AAAA"))
            assert reply is not None
            assert (reply.rcode, len(one.asked)) == (Rcode.NXDOMAIN, 1)
            assert counts.value(CACHE_HITS, "denial", "test") == 1

    run(main())


def codes(reply: Reply | None) -> list[int]:
    assert reply is not None
    return [code for code, _ in reply.edes]


def test_a_failure_answers_by_itself_for_a_moment__rfc9520_3_2() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(failing("SERVFAIL")) as one:
            forwarder, question = make(counts), forward(only(one))
            assert codes(await forwarder.ask(question)) == []
            await asyncio.sleep(0.9)
            assert codes(forwarder.ask_now(question)) == [Ede.CACHED_ERROR]
            assert codes(await forwarder.ask(question)) == [Ede.CACHED_ERROR]
            assert counts.value(CACHE_HITS, "failure", "test") == 2
            await asyncio.sleep(0.1)
            assert forwarder.ask_now(question) is None
            await forwarder.ask(question)
            await asyncio.sleep(1.9)
            assert forwarder.ask_now(question) is not None
            assert len(one.asked) == 2
            await asyncio.sleep(0.1)
            assert forwarder.ask_now(question) is None

    run(main())


def test_silence_answers_by_itself_too_until_an_upstream_is_back() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"only": silent}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(), forward(only(one))
            with pytest.raises(UpstreamError):
                await forwarder.ask(question)
            reply = forwarder.ask_now(question)
            assert codes(reply) == [Ede.NO_REACHABLE_AUTHORITY, Ede.CACHED_ERROR]
            answers["only"] = good
            await forwarder.ask(forward(only(one), "other.example.org."))
            assert forwarder.ask_now(question) is None
            assert addresses(await forwarder.ask(question)) == ["192.0.2.1"]

    run(main())


# --- stale, and not to be


def test_what_is_stale_is_given_when_the_upstreams_fail__rfc8767_5() -> None:
    async def main() -> None:
        counts = Counts()
        answers: dict[str, Script] = {"only": good}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(counts), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(300)
            answers["only"] = failing("REFUSED")
            assert forwarder.ask_now(question) is None
            reply = await forwarder.ask(question)
            assert (addresses(reply), reply.answer[0].ttl_s, codes(reply)) == (["192.0.2.1"], 30, [3])
            await asyncio.sleep(29)
            assert codes(forwarder.ask_now(question)) == [3]
            assert len(one.asked) == 2, "for 30 s the upstreams are left alone"
            answers["only"] = good
            await asyncio.sleep(1)
            assert forwarder.ask_now(question) is None
            assert codes(await forwarder.ask(question)) == []
            assert counts.value(CACHE_STALE, "test") == 2

    run(main())


def test_what_is_stale_is_given_when_the_client_has_waited_long_enough__rfc8767_5() -> None:
    async def main() -> None:
        lost: list[Asked] = []

        def slow(asked: Asked) -> Iterable[bytes]:
            lost.append(asked)
            return [] if 2 <= len(lost) <= 6 else good(asked)

        async with upstream(slow) as one:
            loop, forwarder, question = asyncio.get_running_loop(), make(), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(300)
            started_s = loop.time()
            first = asyncio.create_task(forwarder.ask(question))
            await asyncio.sleep(1)
            assert codes(await forwarder.ask(question)) == [3]
            assert loop.time() - started_s == pytest.approx(CLIENT_PATIENCE_S, abs=0.1), "who came later, too"
            assert codes(await first) == [3]
            await asyncio.sleep(1)
            assert codes(forwarder.ask_now(question)) == [], "it was asked on, and is fresh again"

    run(main())


def test_while_all_upstreams_are_down_nobody_waits_for_what_is_stale() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"only": good}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(), forward(only(one))
            await forwarder.ask(question)
            answers["only"] = silent
            await asyncio.sleep(300)
            with pytest.raises(UpstreamError):
                await forwarder.ask(forward(only(one), "other.example.org."))
            answers["only"] = good
            assert codes(forwarder.ask_now(question)) == [3]
            await asyncio.sleep(0.1)
            assert codes(forwarder.ask_now(question)) == [], "the question itself has found them to be back"

    run(main())


def test_a_fresh_denial_wins_over_what_is_stale() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"only": good}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(300)
            answers["only"] = denying
            assert (await forwarder.ask(question)).rcode == Rcode.NXDOMAIN
            answers["only"] = failing("SERVFAIL")
            await asyncio.sleep(300)
            reply = await forwarder.ask(question)
            assert (reply.rcode, codes(reply)) == (Rcode.NXDOMAIN, [19])

    run(main())


def test_without_a_limit_for_it_nothing_stale_is_given() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"only": good}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(limits=CacheLimits(max_stale_s=0)), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(300)
            answers["only"] = failing("SERVFAIL")
            assert (await forwarder.ask(question)).rcode == Rcode.SERVFAIL

    run(main())


@pytest.mark.parametrize(("hits", "prefetch", "asked"), [(1, True, 1), (2, True, 2), (2, False, 1)])
def test_what_is_popular_is_asked_for_anew_before_it_is_too_old(
    hits: int, prefetch: bool, asked: int
) -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(good) as one:
            forwarder, question = make(counts, limits=CacheLimits(prefetch=prefetch)), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(280)
            for _ in range(hits):
                assert forwarder.ask_now(question) is not None, "and nobody waits for it"
            await asyncio.sleep(19)
            assert len(one.asked) == asked
            assert counts.value(CACHE_PREFETCHES, "test") == asked - 1
            await asyncio.sleep(1)
            assert (forwarder.ask_now(question) is not None) == (asked == 2)

    run(main())


def test_a_prefetch_that_fails_is_not_tried_again_by_everybody() -> None:
    async def main() -> None:
        answers: dict[str, Script] = {"only": good}
        async with upstream(lambda asked: answers["only"](asked)) as one:
            forwarder, question = make(), forward(only(one))
            await forwarder.ask(question)
            answers["only"] = failing("SERVFAIL")
            await asyncio.sleep(280)
            for _ in range(5):
                assert codes(forwarder.ask_now(question)) == []
                await asyncio.sleep(0.1)
            assert len(one.asked) == 2

    run(main())


def test_so_many_prefetches_are_on_their_way_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder_module, "MAX_RENEWALS", 2)

    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            questions = [forward(only(one), f"host{number}.example.org.") for number in range(5)]
            for question in questions:
                await forwarder.ask(question)
            await asyncio.sleep(280)
            for question in questions * 2:
                forwarder.ask_now(question)
            await asyncio.sleep(0.1)
            assert len(one.asked) == 5 + 2
            for question in questions:
                forwarder.ask_now(question)
            await asyncio.sleep(0.1)
            assert len(one.asked) == 5 + 4, "there is room for others again"

    run(main())


# --- forgetting


@pytest.mark.parametrize(
    ("flush", "forgotten"),
    [
        ({}, {"a.example.org.", "example.org.", "example.net."}),
        ({"name": "example.org."}, {"example.org."}),
        ({"name": "example.org.", "subtree": True}, {"a.example.org.", "example.org."}),
        ({"view": "test"}, {"a.example.org.", "example.org.", "example.net."}),
        ({"view": "other"}, set()),
    ],
)
def test_a_flush_forgets_what_it_names(flush: dict[str, Any], forgotten: set[str]) -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            names = ["a.example.org.", "example.org.", "example.net."]
            for name in names:
                await forwarder.ask(forward(only(one), name))
            name = flush.get("name")
            what = flush | ({"name": from_text(name)} if name else {})
            assert forwarder.flush(**what) == len(forgotten)
            gone = {name for name in names if forwarder.ask_now(forward(only(one), name)) is None}
            assert gone == forgotten

    run(main())


def test_a_flush_forgets_failures_too() -> None:
    async def main() -> None:
        async with upstream(failing("SERVFAIL")) as one:
            forwarder, question = make(), forward(only(one))
            await forwarder.ask(question)
            assert forwarder.ask_now(question) is not None
            forwarder.flush(from_text("www.example.org."))
            assert forwarder.ask_now(question) is None

    run(main())


def test_what_was_asked_before_a_flush_is_not_kept_after_it() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder, question = make(), forward(only(one))
            waiting = asyncio.create_task(forwarder.ask(question))
            for _ in range(3):  # the question has left
                await asyncio.sleep(0)
            forwarder.flush()
            assert addresses(await waiting) == ["192.0.2.1"]
            assert forwarder.ask_now(question) is None

    run(main())


def test_what_no_snapshot_asks_any_more_is_forgotten__semantics_14() -> None:
    async def main() -> None:
        async with upstream(good) as one, upstream(failing("SERVFAIL")) as other:
            forwarder = make()
            kept, gone = forward(only(one)), forward(only(other))
            await forwarder.ask(kept)
            await forwarder.ask(gone)
            forwarder.drop(set())
            assert forwarder.ask_now(gone) is not None
            forwarder.drop({("test", only(other)), ("other", only(one))})
            assert forwarder.ask_now(kept) is not None
            assert forwarder.ask_now(gone) is None
            forwarder.drop({("test", only(one))})
            assert forwarder.ask_now(kept) is None

    run(main())


def test_limits_may_be_set_anew() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            forwarder.set_limits(CacheLimits(max_ttl_s=10))
            assert (await forwarder.ask(forward(only(one)))).answer[0].ttl_s == 10

    run(main())


# --- one flight for all


async def gathered(*awaitables: Awaitable[Reply]) -> list[Reply | BaseException]:
    return await asyncio.gather(*awaitables, return_exceptions=True)


def test_identical_questions_at_once_are_one_query__rfc5452_5() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(good) as one:
            forwarder = make(counts)
            names = ["www.example.org.", "WWW.example.org.", "www.EXAMPLE.org."] * 20
            replies = await gathered(*(forwarder.ask(forward(only(one), name)) for name in names))
            assert all(isinstance(reply, Reply) and addresses(reply) == ["192.0.2.1"] for reply in replies)
            assert len(one.asked) == 1
            assert counts.value(FORWARD_COALESCED) == len(names) - 1

    run(main())


def test_another_type_or_upstream_set_is_another_question() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            await gathered(
                forwarder.ask(forward(only(one))),
                forwarder.ask(forward(only(one), rdtype="AAAA")),
                forwarder.ask(forward(only(one, timeout_s=1.0))),
            )
            assert len(one.asked) == 3

    run(main())


def test_all_who_wait_learn_of_a_failure_each_with_an_error_of_its_own() -> None:
    async def main() -> None:
        async with upstream(silent) as one:
            forwarder = make()
            errors = await gathered(*(forwarder.ask(forward(only(one))) for _ in range(5)))
            assert all(isinstance(error, UpstreamError) for error in errors)
            assert len({id(error) for error in errors}) == 5

    run(main())


@pytest.mark.parametrize("leaving", [0, 1])
def test_who_goes_away_takes_nobodys_answer_with_it(leaving: int) -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            waiting = [asyncio.create_task(forwarder.ask(forward(only(one)))) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[leaving].cancel()
            replies = await gathered(*waiting)
            assert isinstance(replies.pop(leaving), asyncio.CancelledError)
            assert [addresses(reply) for reply in replies if isinstance(reply, Reply)] == [["192.0.2.1"]] * 2
            assert len(one.asked) == 1

    run(main())


def test_an_answer_that_nobody_waits_for_any_more_is_kept() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            waiting = asyncio.create_task(forwarder.ask(forward(only(one))))
            await asyncio.sleep(0)
            waiting.cancel()
            await gathered(waiting)
            await asyncio.sleep(0.1)
            assert forwarder.ask_now(forward(only(one))) is not None

    run(main())


def test_a_bug_reaches_who_waits_and_the_next_question_is_asked_as_ever() -> None:
    class Broken(KernelNetwork):
        works = False

        def datagram(self, upstream: Upstream) -> socket.socket:
            if not self.works:
                raise RuntimeError("a bug")
            return super().datagram(upstream)

    async def main() -> None:
        network = Broken()
        async with upstream(good) as one:
            forwarder = make(network=network)
            errors = await gathered(*(forwarder.ask(forward(only(one))) for _ in range(2)))
            assert [repr(error) for error in errors] == ["RuntimeError('a bug')"] * 2
            network.works = True
            assert addresses(await forwarder.ask(forward(only(one)))) == ["192.0.2.1"]

    run(main())


# --- bounds


@pytest.mark.parametrize(
    "respond",
    [good, silent, lambda asked: [wire[:-3] for wire in good(asked)]],
    ids=["answered", "silent", "malformed"],
)
def test_what_is_over_needs_no_garbage_collector(respond: Script) -> None:
    async def main() -> None:
        async with upstream(respond) as one:
            forwarder = make()

            async def ask(numbers: Iterable[int]) -> None:
                for number in numbers:
                    told: list[Reply | Exception] = []
                    forwarder.ask_then(forward(only(one), f"host{number}.example.org."), "::1", told.append)
                    await asyncio.sleep(10)
                    assert len(told) == 1

            await ask(range(2))
            gc.collect()
            await ask(range(2, 22))
            found = gc.collect()
            await forwarder.close()
        assert found < 20

    run(main())


def test_who_came_first_makes_room_when_too_much_is_on_its_way() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(good) as one:
            forwarder = make(counts, max_flights=5)
            names = [f"host{number}.example.org." for number in range(6)]
            replies = await gathered(*(forwarder.ask(forward(only(one), name)) for name in names))
            assert [isinstance(reply, Reply) for reply in replies] == [False] + [True] * 5
            assert counts.value(FORWARD_REJECTS) == 1
            assert addresses(await forwarder.ask(forward(only(one), "later.example.org."))) == ["192.0.2.1"]

    run(main())


def test_what_made_room_gets_what_is_stale() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder, question = make(max_flights=1), forward(only(one))
            await forwarder.ask(question)
            await asyncio.sleep(300)
            newer = forwarder.ask(forward(only(one), "newer.example.org."))
            first, second = await gathered(forwarder.ask(question), newer)
            assert isinstance(first, Reply)
            assert (codes(first), isinstance(second, Reply)) == ([3], True)

    run(main())


def test_failures_are_counted_by_upstream_and_reason() -> None:
    async def main() -> None:
        counts = Counts()
        async with upstream(garbage) as one, upstream(silent) as two, upstream(failing("SERVFAIL")) as three:
            forwarder = make(counts)
            await forwarder.ask(forward(only(one, two, three)))
            assert counts.value(FORWARD_FAILURES, str(one.upstream), "unusable") == 2, "asked twice"
            assert counts.value(FORWARD_FAILURES, str(two.upstream), "no_response") > 0
            durations = {labels: sum(histogram.slots) for (_, labels), histogram in counts.histograms.items()}
            assert durations == {("forward", str(three.upstream), "SERVFAIL"): 1}

    run(main())


# --- the end


def test_close_lets_those_on_their_way_arrive_and_takes_no_more() -> None:
    async def main() -> None:
        async with upstream(good) as one:
            forwarder = make()
            waiting = asyncio.create_task(forwarder.ask(forward(only(one))))
            await asyncio.sleep(0)
            await forwarder.close()
            assert addresses(await waiting) == ["192.0.2.1"]
            with pytest.raises(UpstreamError, match="stopping"):
                await forwarder.ask(forward(only(one), "other.example.org."))

    run(main())


def test_close_cuts_off_who_takes_longer_than_its_grace() -> None:
    async def main() -> None:
        async with upstream(silent) as one:
            forwarder = make()
            waiting = asyncio.create_task(forwarder.ask(forward(only(one))))
            await asyncio.sleep(0.1)
            await forwarder.close(0)
            with pytest.raises(UpstreamError, match="stopping"):
                await waiting

    run(main())


def test_close_with_nothing_on_its_way_is_at_once() -> None:
    run(Forwarder(Counts()).close())


# --- whatever comes


@settings(deadline=None)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4), st.booleans())
def test_whatever_comes_nothing_is_raised_but_upstream_error(tails: list[bytes], matching: bool) -> None:
    def hostile(asked: Asked) -> Iterable[bytes]:
        for tail in tails:
            if matching:  # the right id, flags and question: only the records are nonsense
                counts = bytes(index % 3 for index in tail[:6]).ljust(6, b"\0")
                end = len(asked.wire) - 11
                yield asked.wire[:2] + b"\x81\x80\0\1" + counts + asked.wire[12:end] + tail
            else:
                yield tail

    async def main() -> None:
        async with upstream(hostile) as one:
            forwarder = make()
            try:
                reply = await forwarder.ask(forward(only(one)))
            except UpstreamError:
                return
            assert all(rrset.rdatas for rrset in reply.answer)

    run(main())
