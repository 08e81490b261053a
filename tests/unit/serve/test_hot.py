"""Batches through real sockets on loopback, beside the same queries through the pipeline alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network

import dns.edns
import dns.message
import pytest

from splitdns.answer.decide import Reply
from splitdns.answer.limits import Limiter, Rates
from splitdns.metrics import DROPS, Counts
from splitdns.names import wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve import known as known_module
from splitdns.serve.batch import DATAGRAMS, LIBC
from splitdns.serve.exposition import render
from splitdns.serve.gate import Gate
from splitdns.serve.parts import Parts
from splitdns.serve.pipeline import Pending, Pipeline, QueryLogEntry
from splitdns.snapshot import Snapshot
from splitdns.view import View
from splitdns.wire.cookies import MASTER_OCTETS, Cookies
from tests.build import view, zone
from tests.unit.serve.bench import PARTS, UDP, ZONE, Script, query
from tests.wired import Wired

pytestmark = pytest.mark.skipif(LIBC is None, reason="libc has no calls for batches")

SERVER = "dns://:53"
INSIDE, ALSO_INSIDE, OUTSIDE, STRANGER = "127.0.0.2", "127.0.0.7", "127.0.0.3", "127.0.0.4"
CLIENTS = (INSIDE, ALSO_INSIDE, OUTSIDE, STRANGER)
UNLIMITED = Rates()
FEW = Rates(responses_per_second=40, queries_per_second=60, window_s=0.5)


class Side:
    """A pipeline at a standing clock, with an inside and an outside view."""

    def __init__(self, rates: Rates = UNLIMITED, text: str = ZONE) -> None:
        self.counts = Counts()
        self.now_s = 100.0
        self.log: list[QueryLogEntry] = []
        forwarder = Script()
        known = RRset(wire_from_text("a.test."), Type.A, 60, (b"\xc0\0\2\1",))
        forwarder.known[wire_from_text("a.test.")] = Reply(Rcode.NOERROR, (known,))
        limiter = Limiter(rates, random.Random(1).random)
        gate = Gate(self.counts, limiter, Cookies(bytes(MASTER_OCTETS)), wall_clock=lambda: 1e9)
        self.pipeline = Pipeline(
            self.snapshot(text), forwarder, self.counts, gate=gate, clock=lambda: self.now_s
        )

    def snapshot(self, text: str) -> Snapshot:
        inside: View = view(zone(text), recursion=True)
        outside: View = view(zone(text), horizon=("outside",))
        clients = {INSIDE: inside, ALSO_INSIDE: inside, OUTSIDE: outside}
        prefixes = tuple((ip_network(host), of) for host, of in clients.items())
        return Snapshot(1, (inside, outside), prefixes)


class Bound(ExitStack):
    """The sockets of a test, and which loop it is about."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts


class Wire(Side):
    """The same behind a socket, by the batch."""

    def __init__(self, bound: Bound, rates: Rates = UNLIMITED, text: str = ZONE) -> None:
        super().__init__(rates, text)
        self._wired = bound.enter_context(Wired(self.pipeline, SERVER, bound.parts))
        self.hot = self._wired.hot

    def ask(self, *asked: tuple[bytes, str]) -> list[bytes | None]:
        """The answers to a batch of queries and their clients; None: no answer, or it is pending."""
        return [told if isinstance(told, bytes) else None for told in self._wired.ask(list(asked))]

    @property
    def learnt(self) -> int:
        return self._wired.learnt


@pytest.fixture(params=PARTS)
def bound(request: pytest.FixtureRequest) -> Iterator[Bound]:
    with Bound(request.param) as stack:
        yield stack


def one(wire: Wire, name: str, host: str = INSIDE, **options: object) -> bytes:
    return one_of(wire, query(name, **options), host)  # type: ignore[arg-type]


def one_of(wire: Wire, asked: bytes, host: str = INSIDE) -> bytes:
    (answer,) = wire.ask((asked, host))
    assert answer is not None
    return answer


def shown(counts: Counts) -> list[bytes]:
    """What a scrape shows, in no order: what is counted here comes later than what the pipeline counts."""
    text, _ = render(counts)
    return sorted(text.splitlines())


NAMES = ("www", "WWW", "wWw", "mx", "big", "lost", "nowhere", "www.d2", "*", "a" * 63)


def queries(chance: random.Random) -> Iterator[bytes]:
    """Few good ones, again and again, and what becomes of them when octets are changed."""
    while True:
        options: dict[str, object] = {}
        if chance.random() < 0.6:
            payload = chance.choice((0, 512, 900, 1232, 4096))
            options = {"use_edns": 0, "payload": payload, "want_dnssec": chance.random() < 0.3}
            if chance.random() < 0.1:
                options["options"] = [dns.edns.GenericOption(10, b"12345678")]
        under = chance.choice(("example.org.", "example.org.", "EXAMPLE.org.", "test."))
        name = f"{chance.choice(NAMES)}.{under}" if chance.random() < 0.9 else "a.test."
        flags = chance.choice((0, 0x0100, 0x0100, 0x0110, 0x0120, 0x0900, 0x8100))
        kind = chance.choice(("A", "MX", "TXT", "TYPE65", "TYPE97", "ANY", "SOA"))
        wire = bytearray(query(name, kind, id=chance.randrange(65536), flags=flags, **options))
        if chance.random() < 0.25:
            for _ in range(chance.randrange(1, 4)):
                octet = chance.choice((0, 1, 0x41, 0x61, 0xC0, chance.randrange(256)))
                wire[chance.randrange(len(wire))] = octet
        if chance.random() < 0.05:
            wire = wire[: chance.randrange(len(wire))]
        if chance.random() < 0.03:
            wire += chance.randbytes(chance.choice((1, 30, 500, 5000)))
        yield bytes(wire)


@pytest.mark.parametrize("rates", [UNLIMITED, FEW], ids=["no limits", "limits"])
def test_the_batch_and_the_pipeline_give_the_same_octets_and_the_same_counts(
    bound: Bound, rates: Rates
) -> None:
    chance = random.Random(7)
    made = queries(chance)
    often = [next(made) for _ in range(150)]
    batched, alone = Wire(bound, rates), Side(rates)
    for _ in range(200):
        asked = [
            (
                chance.randbytes(2) + chance.choice(often)[2:] if chance.random() < 0.7 else next(made),
                chance.choice(CLIENTS),
            )
            for _ in range(chance.randrange(1, DATAGRAMS + 1))
        ]
        expected = [alone.pipeline.answer_now(wire[:4096], host, UDP, SERVER) for wire, host in asked]
        answers = batched.ask(*asked)
        assert answers == [None if isinstance(each, Pending) else each for each in expected]
        for side in (batched, alone):
            side.now_s += 0.01
    batched.hot.settle()
    assert batched.learnt > 50
    assert batched.counts.queries > (300 if rates is FEW else 5000)
    assert shown(batched.counts) == shown(alone.counts)


def test_what_comes_often_is_answered_without_the_pipeline(
    bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(bound)
    first = [one(wire, "mx.example.org.", rdtype="MX", id=number) for number in range(3)]
    monkeypatch.setattr(wire.pipeline, "answer_now", lambda asked, *_: asked[:2] + b"another way")
    assert [one(wire, "mx.example.org.", rdtype="MX", id=number) for number in range(3)] == first
    assert one(wire, "Mx.example.org.", rdtype="MX", id=1) == b"\0\1another way"


def test_plain_questions_need_no_pipeline_even_the_first_time(
    bound: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, alone = Wire(bound), Side()
    met = query("mx.example.org.", "MX")  # by which the client is met
    assert one_of(wire, met) == alone.pipeline.answer_now(met, INSIDE, UDP, SERVER)
    monkeypatch.setattr(wire.pipeline, "answer_now", lambda *_: b"another way")
    monkeypatch.setattr(known_module, "MAX_ALIKE", 3)
    for number in range(20):
        asked = query(f"{'n' * number}.example.org." if number else "www.example.org.", id=number)
        assert one_of(wire, asked) == alone.pipeline.answer_now(asked, INSIDE, UDP, SERVER)
        assert len(wire.hot._learnt._alikes) <= 3
    wire.hot.settle()
    assert shown(wire.counts) == shown(alone.counts)


def test_an_answer_is_its_views_own(bound: Bound) -> None:
    wire = Wire(bound)
    asked = query("lost.example.org.")
    for _ in range(4):
        inside, also, outside, stranger = wire.ask(*((asked, host) for host in CLIENTS))
        assert inside == also
        assert dns.message.from_wire(inside or b"").answer
        assert not dns.message.from_wire(outside or b"").answer
        assert dns.message.from_wire(stranger or b"").rcode() == Rcode.REFUSED


def test_a_new_snapshot_answers_anew_and_nothing_of_what_was_counted_is_lost(bound: Bound) -> None:
    wire = Wire(bound)
    for _ in range(4):
        one(wire, "www.example.org.")
    wire.pipeline.snapshot = wire.snapshot("www IN A 198.51.100.77\n")
    for _ in range(4):
        assert b"\xc6\x33\x64\x4d" in one(wire, "www.example.org.")
    for _ in range(2):
        wire.hot.settle()
    assert wire.counts.queries == 8


def test_new_limits_hold_at_once(bound: Bound) -> None:
    wire = Wire(bound)
    for _ in range(4):
        one(wire, "www.example.org.")
    wire.pipeline.gate.limiter.set(Rates(queries_per_second=1, window_s=1))
    asked = (query("www.example.org."), INSIDE)
    answers = wire.ask(*[asked] * 5)
    assert answers[0] is not None
    assert answers[-1] is None
    assert wire.counts.value(DROPS, "query_rate") >= 3


def test_whoever_logs_hears_of_every_query_from_then_on(bound: Bound) -> None:
    wire = Wire(bound)
    for _ in range(4):
        one(wire, "www.example.org.")
    wire.pipeline.query_log = wire.log.append
    for _ in range(4):
        one(wire, "www.example.org.")
    assert len(wire.log) == 4
    wire.pipeline.query_log = None
    one(wire, "www.example.org.")
    wire.hot.settle()
    assert (len(wire.log), wire.counts.queries) == (4, 9)


def test_hosts_that_ask_are_seen_by_the_view_table_in_each_of_its_times(bound: Bound) -> None:
    wire = Wire(bound)
    for _ in range(3):
        for _ in range(3):
            one(wire, "www.example.org.")
        assert wire.pipeline.snapshot.table.renew() == (INSIDE,)


def test_what_is_learnt_is_bounded(bound: Bound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "MAX_READY", 5)
    wire, alone = Wire(bound), Side()
    for number in range(40):
        asked = query(f"n{number % 8}.example.org.", id=number)
        for _ in range(3):
            assert wire.ask((asked, INSIDE)) == [alone.pipeline.answer_now(asked, INSIDE, UDP, SERVER)]
        assert wire.learnt <= 5
        assert len(wire.hot._learnt._once) <= 5
    wire.hot.settle()
    assert wire.counts.queries == 120


def test_durations_are_counted_for_each_of_a_batch(bound: Bound) -> None:
    wire = Wire(bound)
    times = iter(range(100))
    for _ in range(2):
        one(wire, "www.example.org.")
    wire.pipeline.clock = lambda: next(times) * 0.001
    wire.ask(*[(query("www.example.org."), INSIDE)] * 3)
    wire.hot.settle()
    (durations,) = (traffic.durations for traffic in wire.counts.traffic.values())
    assert durations.total == pytest.approx(0.003)
    assert (sum(durations.slots), durations.slots[2]) == (5, 3)
