from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.cuts import Cuts
from splitdns.check.flows import DESTINATION, WHO
from splitdns.check.prefixes import Prefixes
from splitdns.check.sets import Numbers
from splitdns.check.sources import Sources
from tests.check.gateways import LAN_CLIENT
from tests.unit.check.test_flows import flow


@st.composite
def _prefix(draw: st.DrawFn) -> tuple[int, int]:
    bits = draw(st.integers(0, 5))
    start = draw(st.integers(0, 31)) >> bits << bits
    return start, start + (1 << bits) - 1


@given(st.lists(st.tuples(_prefix(), st.integers(0, 3))))
def test_the_smallest_range_decides(ranges: list[tuple[tuple[int, int], int]]) -> None:
    table = Prefixes(ranges, -1)
    for number in range(32):
        sizes = [(high - low, at) for at, ((low, high), _) in enumerate(ranges) if low <= number <= high]
        assert table.at(number) == (ranges[min(sizes)[1]][1] if sizes else -1)
    parts = table.over(Numbers.of((0, 31)))
    assert {number: value for value, part in parts for number in range(32) if number in part} == {
        number: table.at(number) for number in range(32)
    }


def test_a_flow_is_parted_by_answer_and_not_by_prefix() -> None:
    table = Prefixes([((2, 3), "a"), ((6, 7), "a"), ((8, 9), "b")], "none")
    parts = {value: part.values[DESTINATION] for part, value in table.split(flow(), (DESTINATION, 0))}
    assert parts == {
        "none": Numbers.of((1, 1), (4, 5), (10, 10)),
        "a": Numbers.of((2, 3), (6, 7)),
        "b": Numbers.of((8, 9)),
    }


def test_clients_stay_together_where_the_answer_is_the_same() -> None:
    low = LAN_CLIENT.numbers.first
    sources = Sources([LAN_CLIENT], Cuts(()))
    table = Prefixes([((low, low), "here")], "elsewhere")
    assert table.masks(sources, sources.everyone) == [("here", sources.everyone)]
    assert [value for _, value in table.split(flow(), (WHO, 0))] == ["here"]
