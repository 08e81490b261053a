from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from splitdns.load.holdings import Held, Holdings
from splitdns.names import from_text
from splitdns.records import MAX_TTL_S

ADDRESSES = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
OWNERS = st.binary(min_size=1, max_size=255)
HELD = st.builds(Held, ADDRESSES, OWNERS, st.integers(0, MAX_TTL_S), st.booleans(), st.booleans())


@given(st.lists(HELD))
def test_what_is_packed_comes_out_in_order_as_often_as_it_is_wanted(held: list[Held]) -> None:
    holdings = Holdings.of(held)
    assert [*holdings] == held
    assert [*holdings] == held


def test_they_travel_out_of_band_and_are_read_where_they_lie() -> None:
    held = [Held(bytes([192, 168, 1, at]), from_text("www.example.org."), 60) for at in range(100)]
    blocks: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(Holdings.of(held), protocol=5, buffer_callback=blocks.append)
    assert len(stream) < 100
    (block,) = blocks
    arrived = pickle.loads(stream, buffers=[memoryview(block).toreadonly()])
    assert isinstance(arrived.octets, memoryview)
    assert [*arrived] == held
    assert arrived == Holdings.of(held)
