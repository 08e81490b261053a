from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.flows import CONSTANT, DESTINATION, DESTINATION_PORT, Connection, Flow
from splitdns.check.model import Netmap, Side, State, Translate
from splitdns.check.sets import Numbers
from splitdns.check.translation import MAX_BLOCKS, TooWideError, dst_turn, netmapped, src_turn, translated
from tests.unit.check.test_flows import flow


def _new(some: Flow, has_ports: bool = True) -> Flow:
    return some._replace(state=State.NEW, connection=Connection(some.header, some.header, has_ports))


def _ports(action: Translate, port: int) -> Numbers:
    """Where ``port`` may go."""
    (found,) = translated(_new(flow(ports=Numbers.one(port))), action)
    return found.of(found.header.destination_port)


def test_a_single_target_replaces_what_is_not_it_already() -> None:
    parts = list(translated(_new(flow()), Translate(Side.DESTINATION, Numbers.one(3))))
    kept, moved = sorted(parts, key=lambda one: one.values[DESTINATION].size)
    assert (kept.header.destination, moved.header.destination) == ((DESTINATION, 0), (CONSTANT, 3))
    assert kept.connection is not None
    assert kept.connection.translated == kept.connection.original


def test_of_several_targets_one_is_taken() -> None:
    (found,) = translated(_new(flow()), Translate(Side.DESTINATION, Numbers.of((50, 52))))
    assert found.of(found.header.destination) == Numbers.of((50, 52))
    assert not found.reasons


def test_a_port_in_the_range_is_kept() -> None:
    action = Translate(Side.DESTINATION, None, Numbers.of((1000, 1003)))
    assert _ports(action, 1002) == Numbers.one(1002)
    assert _ports(action, 80) == Numbers.of((1000, 1003))


@pytest.mark.parametrize(
    ("port", "to"), [(80, 1000), (82, 1002), (83, 1000), (90, 1001), (79, 1000 + 65_535 % 3)]
)
def test_ports_are_shifted_from_the_base_and_start_again_after_the_last(port: int, to: int) -> None:
    action = Translate(Side.DESTINATION, None, Numbers.of((1000, 1002)), base=80)
    assert _ports(action, port) == Numbers.one(to)


def test_what_has_no_ports_keeps_them() -> None:
    (found,) = translated(_new(flow(), has_ports=False), Translate(Side.DESTINATION, None, Numbers.one(9)))
    assert found.header.destination_port == (DESTINATION_PORT, 0)


def test_a_netmap_keeps_the_host_part() -> None:
    action = Netmap(Side.DESTINATION, ip_network("10.0.0.0/29"))
    parts = netmapped(_new(flow()), action)
    found = {one.values[DESTINATION]: one.of(one.header.destination) for one in parts}
    base = 10 << 24
    assert found == {
        Numbers.of((1, 7)): Numbers.of((base + 1, base + 7)),
        Numbers.of((8, 10)): Numbers.of((base, base + 2)),
    }


def test_a_netmap_of_too_many_networks_is_given_up() -> None:
    action = Netmap(Side.DESTINATION, ip_network("10.0.0.0/32"))
    wide = _new(flow(Numbers.of((1, MAX_BLOCKS + 1))))
    assert len(list(netmapped(_new(flow(Numbers.of((1, MAX_BLOCKS)))), action))) == MAX_BLOCKS
    with pytest.raises(TooWideError):
        list(netmapped(wide, action))


def test_replies_get_the_mirror() -> None:
    action = Translate(Side.DESTINATION, Numbers.one(99), Numbers.one(8080))
    (there,) = translated(_new(flow()), action)
    header = there.header
    reply = header._replace(source=header.destination, destination=header.source)
    back = there._replace(header=reply, state=State.ESTABLISHED, is_reply=True)
    back = src_turn(dst_turn(back))
    assert (back.header.source, back.header.source_port) == ((DESTINATION, 0), (DESTINATION_PORT, 0))
    again = there._replace(header=flow().header, state=State.ESTABLISHED)
    assert src_turn(dst_turn(again)).header == header


def test_of_several_targets_its_own_translates_nothing() -> None:
    parts = list(translated(_new(flow(Numbers.of((3, 20)))), Translate(Side.DESTINATION, Numbers.of((3, 4)))))
    assert sorted(one.of(one.header.destination).ranges for one in parts) == [
        ((3, 3),),
        ((3, 3),),
        ((3, 4),),
        ((4, 4),),
        ((4, 4),),
    ]
    assert [bool(one.reasons) for one in parts] == [True, True, True, True, False]


def test_too_many_turns_of_a_range_of_ports_are_any_port_of_it() -> None:
    action = Translate(Side.DESTINATION, None, Numbers.of((1000, 1001)), base=80)
    (found,) = translated(_new(flow(ports=Numbers.of((1, 10_000)))), action)
    assert found.of(found.header.destination_port) == Numbers.of((1000, 1001))
