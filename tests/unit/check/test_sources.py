from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.check.sets import Numbers
from splitdns.check.sources import Sources, UnsplitError, bits, link, narrowed, same
from tests.check.gateways import INTERNET, LAN_CLIENT, addresses


def test_addresses_are_cut_at_the_boundaries() -> None:
    low = addresses("192.168.1.50").first
    clients = [LAN_CLIENT, INTERNET]
    sources = Sources(clients, [0, low, low + 1])
    assert len(sources.atoms) == 2
    assert sources.mask_of(addresses("192.168.0.0/16")) == sources.masks[0]
    assert sources.numbers(1, sources.everyone) == INTERNET.numbers
    assert sources.all_numbers(sources.masks[0]) == LAN_CLIENT.numbers


def test_a_mask_holds_those_atoms_that_are_inside() -> None:


    clients = replace(LAN_CLIENT, numbers=Numbers.of((10, 30), (50, 60)))
    sources = Sources([clients], [0, 20, 55])
    assert sources.atoms == [(10, 19), (20, 30), (50, 54), (55, 60)]
    mask = sources.mask_of(Numbers.of((20, 54)))
    assert list(bits(mask)) == [1, 2]
    assert sources.numbers(0, mask) == Numbers.of((20, 30), (50, 54))
    assert sources.mask_of(Numbers.of((100, 200))) == 0


def test_two_links_are_the_same_for_some() -> None:
    by_client = (("lan", 0b01), ("dmz", 0b10))
    assert same(by_client, link("dmz")) == 0b10
    assert same(by_client, by_client) == 0b11
    assert narrowed(by_client, 0b01) == (("lan", 0b01),)


def test_an_atom_that_is_partly_in_a_set_has_to_be_split() -> None:
    sources = Sources([replace(LAN_CLIENT, numbers=Numbers.of((10, 30)))], [0])
    with pytest.raises(UnsplitError) as unsplit:
        sources.mask_of(Numbers.of((5, 20), (30, 40)))
    assert unsplit.value.boundaries == {21, 30}
    with pytest.raises(UnsplitError):
        sources.require([15])
    sources.require([10, 31, 99])
    assert Sources(sources.clients, [21, 30]).mask_of(Numbers.of((5, 20), (30, 40))) == 0b101
