"""Whatever octets arrive, the pipeline raises nothing, meets no bug, and answers a query or keeps silent.

An answer carries the query's id, is a response, parses, and fits. A response, or less than a header, is never
answered. ``decode`` knows ``WireError`` and nothing else.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

import dns.edns
import dns.message
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.errors import WireError
from splitdns.metrics import PANICS
from splitdns.wire.framing import Unframer
from splitdns.wire.message import Transport, decode
from tests.unit.serve.bench import INSIDE, OUTSIDE, STRANGER, Bench, query

NAMES = ["www.example.org.", "big.example.org.", "a.b.d2.example.org.", "no.example.org.", "a.test.", "."]
TYPES = ["A", "TXT", "ANY", "IXFR"]
OPTIONS: list[dict[str, object]] = [
    {},
    {"use_edns": 0, "payload": 4096, "want_dnssec": True},
    {"options": [dns.edns.NSIDOption(b""), dns.edns.GenericOption(10, b"12345678")]},
    {"use_edns": 1},
]
SEEDS = [
    query(name, rdtype, id=number, **options)
    for number, (name, rdtype, options) in enumerate(
        (name, rdtype, options) for name in NAMES for rdtype in TYPES for options in OPTIONS
    )
]
LONG_NAMES = [
    bytes.fromhex("0001000000010000000000000000"),
    struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\x3f" + b"x" * 63,
    struct.pack("!6H", 1, 0, 1, 0, 0, 0) + (b"\x01a" * 127) + b"\0\0\1\0\1",
    struct.pack("!6H", 1, 0, 1, 0, 0, 0) + (b"\x01a" * 200) + b"\0\0\1\0\1",
    struct.pack("!6H", 1, 0, 1, 0, 0, 65535) + b"\0\0\1\0\1" + b"\xc0\x0c" * 30_000,
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A query with some octets changed, cut out, put in, or said twice."""
    wire = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(wire)))
        to = min(len(wire), at + draw(st.integers(0, 6)))
        match draw(st.integers(0, 4)):
            case 0:
                wire[at:to] = draw(st.binary(max_size=6))
            case 1:
                wire[at:to] = b""
            case 2:
                wire[at:at] = wire[at:to]
            case 3 if len(wire) > 12:
                wire[4 + draw(st.integers(0, 7))] = draw(st.integers(0, 3))
            case _:
                wire[at:to] = b"\xc0\x0c"
    return bytes(wire)


arrivals = mutated() | st.binary(max_size=600) | st.sampled_from(SEEDS + LONG_NAMES)
clients = st.sampled_from([INSIDE, OUTSIDE, STRANGER, "2001:db8::1", "fe80::1%eth0", "::ffff:192.168.1.9"])
transports = st.sampled_from(list(Transport))


def check_decode(wire: bytes, transport: Transport) -> None:
    with suppress(WireError):
        decode(wire, transport)


def check_answers(arrived: list[tuple[bytes, str, Transport]]) -> None:
    bench = Bench()

    async def answers() -> list[bytes | None]:
        return [await bench.pipeline.answer(*arrival) for arrival in arrived]

    for (wire, _, transport), answer in zip(arrived, asyncio.run(answers()), strict=True):
        if len(wire) < 12 or wire[2] & 0x80:
            assert answer is None
            continue
        assert answer is not None
        assert answer[:2] == wire[:2]
        assert answer[2] & 0x80
        assert len(answer) <= (1232 if transport is Transport.UDP else 65_535)
        dns.message.from_wire(answer, raise_on_truncation=False)
    assert bench.counts.value(PANICS) == 0


@settings(deadline=None)
@given(arrivals, transports)
def test_decode_knows_one_error(wire: bytes, transport: Transport) -> None:
    check_decode(wire, transport)


@settings(deadline=None)
@given(st.lists(st.tuples(arrivals, clients, transports), min_size=1, max_size=12))
@example([(wire, INSIDE, Transport.UDP) for wire in SEEDS + LONG_NAMES])
@example([(wire, OUTSIDE, Transport.TCP) for wire in SEEDS + LONG_NAMES])
def test_whatever_arrives_the_pipeline_answers_a_query_or_keeps_silent(
    arrived: list[tuple[bytes, str, Transport]],
) -> None:
    check_answers(arrived)


@settings(deadline=None)
@given(st.lists(arrivals, max_size=6))
def test_whatever_a_stream_brings_messages_come_out_until_there_are_no_more(chunks: list[bytes]) -> None:
    unframer, octets = Unframer(), 0
    for chunk in chunks:
        unframer.feed(chunk)
        while (message := unframer.message()) is not None:
            octets += 2 + len(message)
    assert octets <= sum(len(chunk) for chunk in chunks)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=50_000, deadline=None)
@given(arrivals, transports)
def test_decode_knows_one_error_for_long(wire: bytes, transport: Transport) -> None:
    check_decode(wire, transport)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, deadline=None)
@given(st.lists(st.tuples(arrivals, clients, transports), min_size=1, max_size=12))
def test_whatever_arrives_is_answered_or_not_for_long(arrived: list[tuple[bytes, str, Transport]]) -> None:
    check_answers(arrived)
