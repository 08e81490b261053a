"""The wait for the datagram that answers: how each kind ends it, or does not."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable

import dns.message
import pytest

from splitdns.errors import UpstreamError
from splitdns.forward.datagrams import DOUBT_S, MAX_UNWANTED, Instead, Waiting
from splitdns.forward.deadlines import A_SECOND, Deadlines
from splitdns.forward.query import Manner, Query, Question, make_query
from splitdns.forward.readers import Readers
from splitdns.forward.response import Response
from splitdns.forward.traits import Traits
from splitdns.names import from_text
from tests.clock import run
from tests.upstreams import answer

WWW = Question(from_text("www.example.org."), 1)
TIMEOUT_S = 2.0

Wrong = Callable[[bytes], bytes]


def right(query: Query) -> bytes:
    return answer(dns.message.from_wire(query.wire), "www.example.org. 300 A 192.0.2.1")


def misspelled(wire: bytes) -> bytes:
    return wire[:13] + bytes((wire[13] ^ 0x20,)) + wire[14:]


def waited(*makers: Wrong, traits: Traits | None = None) -> tuple[Response | Instead, dict[str, int], float]:
    """What a wait ends with when these datagrams come at once, each made of the right one; and when."""

    async def main() -> tuple[Response | Instead, dict[str, int], float]:
        loop = asyncio.get_running_loop()
        known = traits or Traits(b"8 octets")
        query = make_query(WWW, random.Random(7), known.manner(loop.time()))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            ours.setblocking(False)
            readers = Readers()
            begun_s = loop.time()
            waiting = Waiting(readers, Deadlines(), ours, query, known, begun_s + TIMEOUT_S)
            try:
                for make in makers:
                    theirs.send(make(right(query)))
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                return await waiting.outcome(), waiting.unwanted, loop.time() - begun_s
            finally:
                waiting.end()
                readers.close()

    return run(main())


def early(early_s: float | None, make: Wrong | None = None, after_s: float = 0.1) -> tuple[float, bool]:
    """When one who has other plans is told, and whether the wait is over then."""

    async def main() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        known = Traits(b"8 octets")
        query = make_query(WWW, random.Random(7), known.manner(loop.time()))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, theirs:
            ours.setblocking(False)
            readers = Readers()
            begun_s = loop.time()
            told: asyncio.Future[None] = loop.create_future()
            early_at_s = early_s and begun_s + early_s
            until_s = begun_s + TIMEOUT_S
            waiting = Waiting(
                readers, Deadlines(), ours, query, known, until_s, early_at_s, lambda: told.set_result(None)
            )
            if make is not None:
                loop.call_later(after_s, theirs.send, make(right(query)))
            try:
                await told
                found = loop.time() - begun_s, waiting.found is not None
                if waiting.found is None and make is None:
                    assert await waiting.outcome() is Instead.SILENCE
                    assert loop.time() - begun_s == pytest.approx(TIMEOUT_S, abs=1 / A_SECOND)
                return found
            finally:
                waiting.end()
                readers.close()

    return run(main())


def as_it_is(wire: bytes) -> bytes:
    return wire


def test_the_right_one_ends_it_at_once() -> None:
    found, unwanted, after_s = waited(as_it_is)
    assert isinstance(found, Response)
    assert (unwanted, after_s) == ({}, 0.0)


@pytest.mark.parametrize(
    ("early_s", "make", "after_s", "is_over"),
    [
        (0.4, None, 0.4, False),
        (0.4, as_it_is, 0.1, True),
        (0.4, misspelled, 0.1, False),
        (None, None, TIMEOUT_S, True),
        (TIMEOUT_S + 1, None, TIMEOUT_S, True),
    ],
)
def test_who_has_other_plans_is_told_in_time(
    early_s: float | None, make: Wrong | None, after_s: float, is_over: bool
) -> None:
    assert early(early_s, make) == (pytest.approx(after_s, abs=1 / A_SECOND), is_over)


def test_silence_ends_it_at_the_time_out() -> None:
    assert waited() == (Instead.SILENCE, {}, TIMEOUT_S)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(misspelled, "case"), (lambda wire: b"\0\0" + wire[2:], "other"), (lambda _: b"", "other")],
)
def test_what_is_wrong_is_counted_and_the_right_one_still_counts(make: Wrong, reason: str) -> None:
    found, unwanted, after_s = waited(make, make, as_it_is)
    assert isinstance(found, Response)
    assert (unwanted, after_s) == ({reason: 2}, 0.0)


def test_after_one_that_is_almost_right_the_wait_is_short() -> None:
    found, unwanted, after_s = waited(misspelled)
    assert (found, unwanted) == (Instead.MISSPELLED, {"case": 1})
    assert after_s == pytest.approx(DOUBT_S, abs=1 / A_SECOND)


def test_one_without_the_cookie_is_almost_right_where_there_was_one__rfc7873_5_3() -> None:
    traits = Traits(b"8 octets", server_cookie=b"the server's")
    found, unwanted, after_s = waited(as_it_is, traits=traits)
    assert (found, unwanted) == (Instead.NO_COOKIE, {"cookie": 1})
    assert after_s == pytest.approx(DOUBT_S, abs=1 / A_SECOND)


def test_a_truncated_one_ends_it() -> None:
    found, _, _ = waited(lambda wire: wire[:2] + bytes((wire[2] | 2,)) + wire[3:])
    assert found is Instead.TRUNCATED


@pytest.mark.parametrize("many", [MAX_UNWANTED, MAX_UNWANTED + 1])
def test_a_flood_ends_it(many: int) -> None:
    found, _, _ = waited(*[lambda _: b""] * many, as_it_is)
    assert (found is Instead.FLOOD) == (many > MAX_UNWANTED)


def test_a_malformed_response_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="ends within a record"):
        waited(lambda wire: wire[:-3])


def test_whoever_answers_with_edns_knows_it() -> None:
    traits = Traits(b"8 octets")
    waited(as_it_is, traits=traits)
    assert traits.knows_edns


def test_a_query_without_a_cookie_expects_none() -> None:
    assert Manner().cookie == b""
    traits = Traits(b"8 octets", server_cookie=b"the server's", without_edns_until_s=float("inf"))
    found, _, _ = waited(as_it_is, traits=traits)
    assert isinstance(found, Response)
