from __future__ import annotations

from splitdns.check.cuts import Cuts
from splitdns.check.flows import (
    CONSTANT,
    DESTINATION,
    DESTINATION_PORT,
    WHO,
    Flow,
    merged,
    split_equal,
    start,
)
from splitdns.check.sets import Numbers
from splitdns.check.sources import Sources, link
from tests.check.gateways import LAN_CLIENT, addresses

SOURCES = Sources([LAN_CLIENT], Cuts(()))


def flow(destination: Numbers = Numbers.of((1, 10)), ports: Numbers = Numbers.of((80, 90))) -> Flow:  # noqa: B008
    fields = destination, Numbers.one(6), Numbers.of((1000, 2000)), ports
    return start(SOURCES, SOURCES.everyone, fields, link("lan"))


def test_a_split_keeps_every_packet_on_one_side() -> None:
    yes, no = flow().split((DESTINATION, 0), Numbers.of((5, 20)))
    assert yes is not None
    assert no is not None
    assert (yes.values[DESTINATION], no.values[DESTINATION]) == (Numbers.of((5, 10)), Numbers.of((1, 4)))


def test_a_shifted_field_is_split_where_it_stands() -> None:
    yes, no = flow().split((DESTINATION, 100), Numbers.of((105, 200)))
    assert yes is not None
    assert yes.values[DESTINATION] == Numbers.of((5, 10))
    assert yes.of((DESTINATION, 100)) == Numbers.of((105, 110))
    assert no is not None


def test_a_constant_is_on_one_side() -> None:
    whole = flow()
    assert whole.split((CONSTANT, 7), Numbers.one(7)) == (whole, None)
    assert whole.split((CONSTANT, 7), Numbers.one(8)) == (None, whole)


def test_clients_are_split_by_their_atoms() -> None:
    whole = flow()
    assert whole.split((WHO, 0), addresses("192.168.1.0/24")) == (whole, None)
    assert whole.split((WHO, 0), addresses("10.0.0.0/8")) == (None, whole)


def test_a_choice_that_is_split_makes_both_sides_unsure() -> None:
    chosen, ref = flow().choose(Numbers.of((1, 4)))
    yes, no = chosen.split(ref, Numbers.one(1))
    assert yes is not None
    assert no is not None
    assert yes.reasons == no.reasons != ()
    one, ref = flow().choose(Numbers.one(3))
    assert ref == (CONSTANT, 3)
    assert not one.reasons


def test_equal_references_are_found_where_their_numbers_meet() -> None:
    equal, rest = split_equal(flow(), (DESTINATION, 0), (CONSTANT, 4))
    assert [one.values[DESTINATION] for one in equal] == [Numbers.one(4)]
    assert [one.values[DESTINATION] for one in rest] == [Numbers.of((1, 3), (5, 10))]
    assert split_equal(flow(), (DESTINATION, 0), (DESTINATION, 1))[0] == []
    assert split_equal(flow(), (DESTINATION, 0), (DESTINATION_PORT, 0))[0] == []


def test_stops_show_the_header_as_it_was() -> None:
    moved = flow().stopped("client")
    moved = moved._replace(header=moved.header._replace(destination=(CONSTANT, 9))).stopped("prerouting")
    last = moved.stops
    assert last is not None
    assert last.before is not None
    assert (last.before.header.destination, last.header.destination) == ((DESTINATION, 0), (CONSTANT, 9))


def test_flows_that_came_to_be_the_same_are_one() -> None:
    unsure = flow().unsure("first")
    one, other = unsure.unsure("second").stopped("here"), unsure.unsure("third")
    (both,) = merged([one, other])
    assert both.reasons == ("first", "second", "third")
    assert merged([unsure, flow()]) == [unsure, flow()]
    assert merged([flow(), flow()]) == [flow(), flow()]
