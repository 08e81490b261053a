"""What is handed over to the compiled parts; what they do with it, other tests show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns import accelerator
from splitdns.addresses import EMBEDDED, INSIDE_PREFIXES
from splitdns.answer.decide import Forward, Reply
from splitdns.answer.direct import Direct
from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.metrics import DURATION_BUCKETS_S, Counts
from splitdns.names import from_text
from splitdns.records import Rcode, RRset
from splitdns.serve.loop import Way
from splitdns.serve.parts import COMPILED, PARTS, PURE, TYPES, Parts, laid_out
from splitdns.serve.pipeline import Pending, Pipeline, QueryLogEntry
from splitdns.snapshot import Manners, Snapshot
from splitdns.wire.message import Transport
from tests.build import view, zone


def test_the_parts_are_those_that_the_accelerator_says() -> None:
    assert (COMPILED is None) is (accelerator.NATIVE is None)
    assert PARTS is (COMPILED if accelerator.RUNS else PURE)


def test_a_view_is_laid_out_with_what_direct_answers_depend_on() -> None:
    hidden = frozenset({b"\xc6\x33\x64\7", bytes(16)})
    made = replace(view(zone("www IN A 198.51.100.1\n"), horizon=("outside",)), hidden_addresses=hidden)
    direct = Direct(made, Manners(payload_octets=1400))
    asked: list[str] = []

    def way_of(label: str) -> Way:
        asked.append(label)
        return Way(1)

    recursion, outside, payload_octets, types, inside, addresses, names, grounds = laid_out(direct, way_of)

    assert (recursion, outside, payload_octets) == (False, True, 1400)
    assert {number for number in range(TYPES) if types[number]} == set(direct.types)
    assert len(inside) == len(INSIDE_PREFIXES) + len(EMBEDDED)
    assert (b"\x0a\0\0\0", 8, 0) in inside
    assert addresses == (bytes(16), b"\xc6\x33\x64\7" + bytes(12))
    assert names == (from_text("example.org."),)
    block, apex_octets, closed, denials, deny, _, owner = grounds[0]
    assert (block, apex_octets, closed) == (made.zones[names[0]].block, len(names[0]), True)
    assert (asked, owner) == (["example.org."], ("example.org.", made.name))
    name = b"\4NONE" + names[0]
    assert deny(name, len(name)) == denials[len(name)]


LABELS = st.sampled_from((".", "example.org."))
SIZES = st.integers(0, 65_535)
REQUESTS = st.tuples(
    st.just("dns://"),
    LABELS,
    st.sampled_from(("inside", "outside")),
    st.sampled_from(list(Transport)),
    st.sampled_from((1, 2)),
    st.sampled_from((0, 1, 28, 64, 99, 65_535)),
    st.booleans(),
    st.integers(0, 15),
    st.sampled_from(("zone", "forward")),
    SIZES,
    SIZES,
    st.sampled_from((0.0, *DURATION_BUCKETS_S)) | st.floats(0, 20),
)


@pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")
@settings(max_examples=200, deadline=None)
@given(st.lists(REQUESTS, max_size=20))
def test_requests_are_counted_in_the_same_tables(requests: list[tuple[Any, ...]]) -> None:
    assert COMPILED is not None
    pure, compiled = Counts(), Counts()
    count = COMPILED.request(compiled)
    for number, request in enumerate(requests):
        pure.request(*request)
        if number % 3:
            count(*request)
        else:
            compiled.request(*request)
    assert compiled.requests == pure.requests
    assert [type(part) for kind in compiled.requests for part in kind] == [
        type(part) for kind in pure.requests for part in kind
    ]
    for path, mine in pure.traffic.items():
        theirs = compiled.traffic[path]
        for name in ("requests", "responses", "durations"):
            one, other = getattr(mine, name), getattr(theirs, name)
            assert (one.slots, one.total) == (other.slots, other.total)


@pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")
class Upstreams:
    """A forwarder that knows nothing, and is asked once."""

    def __init__(self) -> None:
        self.done: Callable[[Any], None] = print

    def is_unknown(self, _: Key) -> bool:
        return True

    def ask_now(self, _: Forward) -> None:
        return None

    def relay(self, _: Key, __: bytes, ___: str, done: Callable[[Any], None]) -> None:
        self.done = done

    def ask_then(self, _: Forward, __: str, done: Callable[[Any], None]) -> None:
        self.done = done


NAME = from_text("www.example.net.")
SOA = RRset(from_text("example.net."), 6, 60, (b"\2ns\0\1h\0" + bytes(20),))
REPLIES: dict[str, Any] = {
    "address": Reply(0, (RRset(NAME, 1, 300, (b"\xc6\x33\x64\1", b"\xc6\x33\x64\2")),)),
    "inside address": Reply(0, (RRset(NAME, 1, 300, (b"\x0a\0\0\1", b"\xc6\x33\x64\1")),)),
    "text": Reply(0, (RRset(NAME, 16, 300, (b"\1a",)),)),
    "alias": Reply(0, (RRset(NAME, 5, 300, (SOA.owner,)),)),
    "no name": Reply(Rcode.NXDOMAIN, soa=SOA),
    "no data": Reply(0, soa=SOA),
    "failure": Reply(Rcode.SERVFAIL, edes=((22, "none"),)),
    "silence": UpstreamError("silence"),
    "bug": ZeroDivisionError("bug"),
}


@pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")
@pytest.mark.parametrize("trouble", ["", "log", "guard", "bug"])
@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("kind", REPLIES)
def test_what_upstreams_reply_is_told_as_in_python(kind: str, client: str, trouble: str) -> None:
    def told(parts: Parts) -> tuple[Any, ...]:
        counts, upstreams = Counts(), Upstreams()
        if trouble == "bug":
            parts = replace(parts, request=lambda _: lambda *_: 1 // 0)
        horizon = ("outside",) if trouble == "guard" else ("inside",)
        everyone = view(recursion=True, horizon=horizon)
        snapshot = Snapshot(1, (everyone,), (), everyone)
        logged: list[QueryLogEntry] = []
        log = logged.append if trouble == "log" else None
        clocks: dict[str, Any] = {"clock": lambda: 7.0, "wall_clock": lambda: 70.0}
        pipeline = Pipeline(snapshot, upstreams, counts, query_log=log, parts=parts, **clocks)
        answers: list[bytes | None] = []
        for number, end in enumerate((b"", b"\0\0\x29\4\xd0\0\0\x80\0\0\0")):
            query = b"id\1\0\0\1\0\0\0\0\0" + bytes((number,)) + b"\3wWw" + NAME[4:] + b"\0\1\0\1" + end
            pending = pipeline.answer_now(query, client, Transport.UDP)
            assert isinstance(pending, Pending)
            pipeline.finish_then(pending, answers.append)
            upstreams.done(REPLIES[kind])
        return answers, logged, counts.requests, counts.counters, counts.traffic.keys()

    assert COMPILED is not None
    assert told(COMPILED) == told(PURE)


def test_no_message_is_longer_than_a_message() -> None:
    assert COMPILED is not None
    count = COMPILED.request(Counts())
    for octets in (-1, 65_536):
        with pytest.raises(IndexError):
            count("dns://", ".", "v", "udp", 1, 1, False, 0, "zone", octets, 12, 0.0)
