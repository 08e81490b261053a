from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.cuts import Cuts
from splitdns.check.sets import NONE, Numbers
from splitdns.check.sources import Sources, UnsplitError, bits, link, narrowed, same
from tests.check.gateways import INTERNET, LAN_CLIENT, addresses


def sources(numbers: Numbers, *sets: Numbers) -> Sources:
    return Sources([replace(LAN_CLIENT, numbers=numbers)], Cuts(sets))


def test_addresses_that_nothing_tells_apart_are_one_atom() -> None:
    own = Numbers.of((10, 60))
    block_list = Numbers.of(*((at, at) for at in range(20, 50, 2)))
    some = sources(own, block_list)
    assert some.atoms == [own - block_list, block_list]
    assert list(bits(some.mask_of(block_list))) == [1]
    assert some.numbers(0, 0b10) == some.all_numbers(0b10) == block_list
    assert some.numbers(0, some.everyone) == own
    assert some.mask_of(NONE) == 0


def test_each_of_the_clients_has_its_own_atoms() -> None:
    some = Sources([LAN_CLIENT, INTERNET], Cuts([LAN_CLIENT.numbers]))
    assert some.masks == [0b01, 0b10]
    assert some.mask_of(addresses("192.168.0.0/16")) == 0b01
    assert some.numbers(1, some.everyone) == INTERNET.numbers


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_a_mask_holds_what_is_inside(own: set[int], wanted: set[int]) -> None:
    numbers, asked = (Numbers.of(*((at, at) for at in one)) for one in (own, wanted))
    some = sources(numbers, asked)
    assert some.all_numbers(some.mask_of(asked)) == numbers & asked
    equal = Numbers(asked.ranges)  # not known to be among the cuts
    assert some.mask_of(equal) == some.mask_of(asked)


def test_an_atom_that_is_partly_in_a_set_has_to_be_split() -> None:
    wanted = Numbers.of((5, 20), (30, 40))
    some = sources(Numbers.of((10, 30)))
    with pytest.raises(UnsplitError) as unsplit:
        some.mask_of(wanted)
    assert unsplit.value.numbers == (wanted,)
    with pytest.raises(UnsplitError):
        some.require([Numbers.of((15, 99))])
    some.require([Numbers.of((10, 30)), Numbers.of((31, 99))])
    again = Sources(some.clients, some.cuts.and_(unsplit.value.numbers))
    assert again.all_numbers(again.mask_of(wanted)) == Numbers.of((10, 20), (30, 30))


def test_a_piece_of_an_atom_is_only_part_of_it() -> None:
    even = Numbers.of((10, 10), (12, 12))
    with pytest.raises(UnsplitError):
        sources(Numbers.of((10, 13)), even).mask_of(Numbers.one(12))


def test_two_links_are_the_same_for_some() -> None:
    by_client = (("lan", 0b01), ("dmz", 0b10))
    assert same(by_client, link("dmz")) == 0b10
    assert same(by_client, by_client) == 0b11
    assert narrowed(by_client, 0b01) == (("lan", 0b01),)
