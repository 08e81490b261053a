"""What an edge says, as values."""

from __future__ import annotations

from splitdns.check.dialects.nsx.values import Edge, Peers, Vnic, numbers_by_family
from splitdns.check.model import Interface
from splitdns.check.sets import Numbers

UPLINK = Vnic(Interface("uplink", uplink=True), ("0", "vNic_0"))
INSIDE = Vnic(Interface("lan"), ("1", "vNic_1"))


def test_interfaces_are_found_by_every_word_and_stand_on_one_side() -> None:
    edge = Edge([UPLINK, INSIDE])
    assert (edge.named("vNic_1"), edge.named("0"), edge.named("2")) == (INSIDE, UPLINK, None)
    assert (edge.inside, edge.outside) == ({"lan"}, {"uplink"})


def test_nobody_told_is_anybody() -> None:
    assert Peers().is_any
    assert not Peers(itself=True).is_any
    assert not Peers(unknown=("no text tells",)).is_any


def test_addresses_are_put_together_by_family() -> None:
    one, two = Numbers.one(1), Numbers.one(2)
    assert numbers_by_family([(4, one), (6, one), (4, two)]) == {4: one | two, 6: one}
