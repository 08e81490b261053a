"""What is handed over to the compiled parts; what they do with it, other tests show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns import accelerator
from splitdns.addresses import EMBEDDED, INSIDE_PREFIXES
from splitdns.answer.direct import Direct
from splitdns.metrics import DURATION_BUCKETS_S, Counts
from splitdns.names import from_text
from splitdns.serve.loop import Way
from splitdns.serve.parts import COMPILED, PARTS, PURE, TYPES, laid_out
from splitdns.snapshot import Manners
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
def test_no_message_is_longer_than_a_message() -> None:
    assert COMPILED is not None
    count = COMPILED.request(Counts())
    for octets in (-1, 65_536):
        with pytest.raises(IndexError):
            count("dns://", ".", "v", "udp", 1, 1, False, 0, "zone", octets, 12, 0.0)
