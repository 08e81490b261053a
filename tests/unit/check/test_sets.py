"""The intervals equal sets of numbers that are counted one by one."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.sets import ADDRESSES4, NONE, Numbers, numbers_of, shown_addresses

Ranges = list[tuple[int, int]]

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def counted(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for low, high in ranges for number in range(low, high + 1)}


@given(RANGES, RANGES)
def test_operations_equal_those_of_python_sets(one: Ranges, two: Ranges) -> None:
    a, b, ours, theirs = Numbers.of(*one), Numbers.of(*two), counted(one), counted(two)

    assert all((number in a) == (number in ours) for number in range(-1, 32))
    for made, expected in [(a & b, ours & theirs), (a | b, ours | theirs), (a - b, ours - theirs)]:
        assert {number for number in range(32) if number in made} == expected
        assert made.size == len(expected)
        assert made == Numbers.of(*((number, number) for number in expected))  # one form for one set
    assert (a <= b) == (ours <= theirs)
    assert bool(a) == bool(ours)
    assert a.single == (next(iter(ours)) if len(ours) == 1 else None)
    assert not ours or a.first == min(ours)


@given(RANGES, st.integers(-5, 5))
def test_shifting_moves_each_number(ranges: list[tuple[int, int]], by: int) -> None:
    moved = Numbers.of(*ranges).shifted(by)

    assert {number for number in range(-6, 40) if number in moved} == {n + by for n in counted(ranges)}


def test_prefixes_and_addresses_are_numbers() -> None:
    some = numbers_of(ip_network("192.0.2.0/30"), ip_address("192.0.2.9"))

    assert some.size == 5
    assert shown_addresses(4, some) == "192.0.2.0-192.0.2.3, 192.0.2.9"
    assert shown_addresses(4, ADDRESSES4) == "any address"
    assert shown_addresses(6, numbers_of(ip_address("2001:db8::1"))) == "2001:db8::1"


def test_nothing_has_one_form() -> None:
    assert Numbers.of((5, 3)) == NONE == Numbers.of()
