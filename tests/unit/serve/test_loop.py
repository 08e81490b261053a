"""The parts of the loop, of either kind; the whole of it is tested in test_hot and test_datagram."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.limits import Buckets
from splitdns.serve.batch import DATAGRAMS, LIBC, Batch
from splitdns.serve.loop import Client, Clients, Ready, Usual
from splitdns.serve.parts import COMPILED, PURE, Parts
from splitdns.serve.sockets import open_udp
from tests.unit.serve.bench import PARTS, compiled

pytestmark = pytest.mark.skipif(LIBC is None, reason="libc has no calls for batches")

OCTETS = 512
HOST = socket.inet_aton("127.0.0.1")


class Tally:
    """The hits that were counted."""

    def __init__(self) -> None:
        self.counted: list[int] = []

    def count(self, hits: int) -> None:
        self.counted.append(hits)


class Ends:
    """A batch, and a client of it."""

    def __init__(self, parts: Parts) -> None:
        assert LIBC is not None
        self.parts = parts
        self.server = open_udp("127.0.0.1", 0)
        self.batch = Batch(self.server, LIBC, OCTETS, 0)
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.connect(self.server.getsockname())
        self.client.setblocking(False)
        self.clients: Clients = {}
        self.usual: list[tuple[int, int]] = []

    def turn(self, *asked: bytes, usual: Usual | None = None, now_s: float = 100.0) -> list[bytes]:
        """What a turn answers to these."""
        for wire in asked:
            self.client.send(wire)
        loop = self.parts.loop(self.batch, self.clients, usual or self.note)
        self.done = loop.turn(lambda: now_s)
        self.unsent = loop.unsent
        came = []
        while True:
            try:
                came.append(self.client.recv(65535))
            except BlockingIOError:
                return came

    def note(self, number: int, octets: int, now_s: float) -> bytes | None:
        self.usual.append((number, octets))
        return None

    def close(self) -> None:
        self.server.close()
        self.client.close()


@pytest.fixture(params=PARTS)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    opened = Ends(request.param)
    yield opened
    opened.close()


def test_what_is_not_known_is_handed_on_in_its_order_and_ends_the_turn_if_nobody_answers(ends: Ends) -> None:
    assert ends.turn(b"abc", b"", b"x" * (OCTETS + 9)) == []
    assert ends.usual == [(0, 3), (1, 0), (2, OCTETS)]
    assert not ends.done
    assert ends.turn(b"12", usual=lambda number, octets, _: b"%d %d" % (number, octets)) == [b"0 2"]
    assert ends.done


def test_who_waits_is_told_of_as_the_batch_tells_it(ends: Ends) -> None:
    loop = ends.parts.loop(ends.batch, ends.clients, ends.note)
    for wire in (b"1", b"2"):
        ends.client.send(wire)
    loop.turn(lambda: 100.0)
    assert [loop.origin(number) for number in range(2)] == [ends.batch.origin(number) for number in range(2)]


def test_known_octets_are_answered_with_their_own_id_until_their_time_is_over(ends: Ends) -> None:
    way, tally = ends.parts.way(3), Tally()
    ready = ends.parts.ready(b" answer", way, 200.0, tally)
    ends.clients[HOST] = Client("127.0.0.1", None, {b" asked": ready}, None, 0, None)
    assert ends.turn(b"12 asked", b"34 asked", b"34 aske", b"5", now_s=199.0) == [b"12 answer", b"34 answer"]
    assert ends.usual == [(2, 7), (3, 1)]
    assert (ready.hits, ready.tag, ready.rest, ready.until_s) == (2, tally, b" answer", 200.0)
    for _ in range(2):
        ready.settle()
    assert tally.counted == [2]
    assert way.drain() == ([2, 0, 0, 0], 0.0)
    assert way.drain() == ([0, 0, 0, 0], 0.0)
    assert ends.turn(b"12 asked", now_s=200.0) == []
    ready.until_s, ready.rest = 300.0, b" another"
    assert ends.turn(b"12 asked", now_s=200.0) == [b"12 another"]


def test_who_had_too_much_is_handed_on(ends: Ends) -> None:
    buckets = Buckets(1, 2, 24, 56)
    limit = ends.parts.limit(buckets)
    ready = ends.parts.ready(b"!", ends.parts.way(1), 200.0, Tally())
    ends.clients[HOST] = Client("127.0.0.1", None, {b"?": ready}, limit, 7, None)
    assert ends.turn(*[b"12?"] * 4) == [b"12!"] * 2
    assert ends.usual == [(2, 3), (3, 3)]
    assert buckets.due_s[7] == 102.0


def test_a_turn_ends_after_so_many_and_leaves_the_rest(ends: Ends) -> None:
    def echo(number: int, octets: int, now_s: float) -> bytes:
        return b"%d" % number

    asked = [b"xx"] * (DATAGRAMS + 3)
    assert len(ends.turn(*asked, usual=echo)) == DATAGRAMS
    assert not ends.done
    assert len(ends.turn(usual=echo)) == 3
    assert ends.done


def test_an_answer_that_is_too_long_is_a_bug_and_nobody_elses_octets_are_written(ends: Ends) -> None:
    with pytest.raises((AssertionError, ValueError)):
        ends.turn(b"12", usual=lambda *_: bytes(OCTETS + 1))
    assert ends.turn(b"12", usual=lambda *_: bytes(OCTETS)) == [bytes(OCTETS)]


def test_an_error_on_the_way_is_raised_and_the_next_turn_is_as_any_other(ends: Ends) -> None:
    def fail(number: int, octets: int, now_s: float) -> bytes:
        raise ZeroDivisionError

    way = ends.parts.way(1)
    ends.clients[HOST] = Client("", None, {b"?": ends.parts.ready(b"!", way, 200.0, Tally())}, None, 0, None)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            ends.turn(b"12?", b"12", usual=fail)
    assert ends.turn(b"34?") == [b"34!"]


def test_errors_of_the_socket_are_raised(ends: Ends) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        gone = probe.getsockname()
    ends.server.connect(gone)
    ends.server.send(b"x")  # comes back as an ICMP error
    with pytest.raises(OSError) as caught:  # noqa: PT011
        ends.turn()
    assert caught.value.errno == errno.ECONNREFUSED


@compiled
@settings(deadline=None)
@given(
    st.floats(0.1, 1000),
    st.floats(0.1, 10),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), max_size=40),
)
def test_the_compiled_limit_is_the_one_in_python(
    per_second: float, window_s: float, asked: list[tuple[int, float]]
) -> None:
    assert COMPILED is not None
    both = [(parts, Buckets(per_second, window_s, 24, 56)) for parts in (PURE, COMPILED)]
    limits = [parts.limit(buckets) for parts, buckets in both]
    now_s = 100.0
    for slot, later_s in asked:
        now_s += later_s
        assert limits[0].take(slot, now_s) is limits[1].take(slot, now_s)
    assert both[0][1].due_s[:4] == both[1][1].due_s[:4]


@compiled
def test_there_is_no_bucket_beyond_the_last() -> None:
    assert COMPILED is not None
    limit = COMPILED.limit(Buckets(1, 1, 24, 56))
    for slot in (-1, 65_537):
        with pytest.raises(IndexError):
            limit.take(slot, 0.0)


def test_a_limit_counts_the_same_for_queries_one_behind_the_other_and_in_between(ends: Ends) -> None:
    buckets = Buckets(1, 1000, 24, 56)
    ready = ends.parts.ready(b"!", ends.parts.way(1), 200.0, Tally())
    ends.clients[HOST] = Client("127.0.0.1", None, {b"?": ready}, ends.parts.limit(buckets), 7, None)
    due_s: list[float] = []

    def usual(number: int, octets: int, now_s: float) -> None:
        due_s.append(buckets.due_s[7])

    assert ends.turn(*[b"12?"] * 5, b"12", *[b"12?"] * 3, usual=usual) == [b"12!"] * 8
    assert (due_s, buckets.due_s[7]) == ([105.0], 108.0)


@pytest.mark.parametrize("limited", [False, True])
def test_who_comes_alone_is_answered_and_counted_like_many(ends: Ends, limited: bool) -> None:
    asked = [b"12a", b"34b", b"5", b"", b"67a", b"89c", b"12 direct", b"34a", b"56a", b"78a", b"90 is silent"]

    def found(batches: list[list[bytes]]) -> list[object]:
        buckets, way, tally = Buckets(1, 3, 24, 56), ends.parts.way(1), Tally()
        good, over, direct = (
            ends.parts.ready(rest, way, until_s, tally)
            for rest, until_s in ((b"good", 200.0), (b"over", 100.0), (b"direct", 200.0))
        )
        usual_octets: list[int] = []

        def usual(number: int, octets: int, now_s: float) -> Ready | bytes | None:
            usual_octets.append(octets)
            return direct if octets == 9 else None if octets > 9 else b"usual %d" % octets

        limit = ends.parts.limit(buckets) if limited else None
        ends.clients[HOST] = Client("127.0.0.1", None, {b"a": good, b"b": over}, limit, 7, None)
        answers = [answer for batch in batches for answer in ends.turn(*batch, usual=usual)]
        hits = [ready.hits for ready in (good, over, direct)]
        return [answers, usual_octets, buckets.due_s[7], hits, way.drain()]

    alone = found([[each] for each in asked])
    assert alone == found([asked])
    assert len(alone[0]) == len(asked) - 1  # type: ignore[arg-type]
