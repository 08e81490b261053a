"""However a query is answered, from octets that are known, directly, or the long way: the same octets.

All three answer the same random queries, and count the same, over UDP and over TCP.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import dns.message
import pytest

from splitdns.metrics import LEAKS_BLOCKED, PANICS, Counts
from splitdns.serve.batch import DATAGRAMS, LIBC
from splitdns.serve.parts import Parts
from splitdns.serve.pipelined import Pipelined
from splitdns.wire.framing import frame
from splitdns.wire.header import HEADER_OCTETS
from splitdns.wire.message import Transport
from tests.fuzz.ways import SERVER, LongWay, Queries, Way
from tests.unit.serve.bench import PARTS
from tests.wired import MAX_OCTETS, Wired

UDP, TCP = Transport.UDP, Transport.TCP
TIMES = 3  # the first time octets are seen, the second they are learnt, the third they are known
SOME, ALL = 8_000, 1_000_000

Asked = tuple[bytes, str]


class HotWay:
    """Queries by the batch, through a socket."""

    def __init__(self, directory: Path, parts: Parts) -> None:
        self.way = Way(directory)
        self._wired = Wired(self.way, SERVER, parts)
        self.hot = self._wired.hot

    def told(self, asked: list[Asked]) -> list[bytes | None]:
        """The answers to a batch; None: there is none, or it is pending."""
        return [told if isinstance(told, bytes) else None for told in self._wired.ask(asked)]

    def close(self) -> None:
        self._wired.close()


def compare(directory: Path, parts: Parts, seed: int, queries: int) -> None:
    hot, cold, long = HotWay(directory, parts), Way(directory), LongWay(directory)
    chance = random.Random(seed)
    made = itertools.islice(Queries(long.snapshot, chance), queries)
    of_late: list[Asked] = []
    while batch := list(itertools.islice(made, DATAGRAMS // TIMES)):
        batch = [chance.choice(of_late) if of_late and chance.random() < 0.2 else one for one in batch]
        of_late = (of_late + batch)[-4 * DATAGRAMS :]
        flushed = chance.random() < 0.01
        for way in (hot.way, cold, long):
            way.now_s += 0.3
            if flushed:
                way.flush()
        expected = [long.told(wire[:MAX_OCTETS], client, UDP) for wire, client in batch]
        told = [cold.told(wire[:MAX_OCTETS], client, UDP) for wire, client in batch]
        # One after the other, for what a query has the cache learn is there for those that follow.
        again = hot.told([one for one in batch for _ in range(TIMES)])
        for at, ((wire, client), right, other) in enumerate(zip(batch, expected, told, strict=True)):
            others = [other, *again[at * TIMES : (at + 1) * TIMES]]
            assert all(other == right for other in others), (seed, wire.hex(), client, right, others)
        for (wire, _), answer in zip(batch, expected, strict=True):
            if answer is not None and chance.random() < 0.02:
                judge(wire, answer)
    hot.hot.settle()
    hot.close()
    assert counted(hot.way.counts) == counted(long.counts, TIMES), seed
    assert counted(cold.counts) == counted(long.counts), seed
    assert not long.counts.value(PANICS), seed


def counted(counts: Counts, by: int = 1) -> dict[object, object]:
    """What was counted, so many times; but for leaks, which are counted when an answer is made."""
    found: dict[object, object] = {key: count * by for key, count in counts.requests.items()}
    for way, traffic in counts.traffic.items():
        for name in ("durations", "requests", "responses"):
            histogram = getattr(traffic, name)
            found[way, name] = ([slot * by for slot in histogram.slots], histogram.total * by)
    counts.settle()
    counters = {series: count * by for series, count in counts.counters.items()}
    return found | {series: count for series, count in counters.items() if series[0] != LEAKS_BLOCKED.name}


def judge(wire: bytes, answer: bytes) -> None:
    """Another library reads it, and takes it for an answer to the query where it can read that, too."""
    read = dns.message.from_wire(answer, raise_on_truncation=False)
    try:
        query = dns.message.from_wire(wire)
    except Exception:
        return
    assert query.is_response(read), (wire.hex(), answer.hex())


needs_batches = pytest.mark.skipif(LIBC is None, reason="libc has no calls for batches")


@needs_batches
@pytest.mark.parametrize("parts", PARTS)
def test_some_random_queries_get_the_same_octets_whichever_way_they_go(tmp_path: Path, parts: Parts) -> None:
    compare(tmp_path, parts, random.randrange(2**32), SOME)


@needs_batches
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("parts", PARTS)
def test_a_million_random_queries_get_the_same_octets_whichever_way_they_go(
    tmp_path: Path, parts: Parts
) -> None:
    compare(tmp_path, parts, random.randrange(2**32), ALL)


def test_over_tcp_too(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    read, cold, long = Way(tmp_path), Way(tmp_path), LongWay(tmp_path)
    pipelined = Pipelined(read, SERVER, 1)
    for wire, client in itertools.islice(Queries(long.snapshot, random.Random(seed)), SOME // 2):
        if len(wire) < HEADER_OCTETS:  # the end of a connection
            continue
        for way in (read, cold, long):
            way.now_s += 0.005
        right = long.told(wire, client, TCP)
        assert cold.told(wire, client, TCP) == right, (seed, wire.hex(), client)
        batch = pipelined.answer(frame(wire) * TIMES, client, TIMES + 1)
        octets = b"" if right is None else frame(right)
        assert b"".join(batch.answers) == octets * TIMES, (seed, wire.hex(), client)
    pipelined.settle()
    assert counted(read.counts) == counted(long.counts, TIMES), seed
    assert counted(cold.counts) == counted(long.counts), seed
