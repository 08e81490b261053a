"""What becomes of menus that are not read."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros.menus import IGNORED, READ, WIDENED
from tests.check.routeros import state_of, usual


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("/system identity\nset name=gw", "ignored"),
        ("/ip pool\nadd name=dhcp ranges=192.168.88.10-192.168.88.99", "modelled"),
        ("/interface bridge filter\nadd action=drop chain=forward", "widened"),
        ("/ip hotspot\nadd interface=bridge name=h", "widened"),
        ("/ip hotspot profile\nset [find default=yes] html-directory=hotspot", "ignored"),
        ("/interface pppoe-server server\nadd interface=ether5", "widened"),
        ("/ip vrf\nadd interfaces=ether5 name=v", "widened"),
        ("/ip upnp\nset enabled=yes", "widened"),
        ("/ip upnp\nset enabled=no", "modelled"),
        ("/interface l2tp-server server\nset enabled=yes", "widened"),
        ("/spaceship\nset warp=9", "unknown"),
        ("/interface warp\nadd name=w", "unknown"),
        ("/ip address\nadd address=10.0.0.1/8 interface=ether5", "modelled"),
    ],
)
def test_a_menu_is_in_a_state(line: str, state: str) -> None:
    assert state_of(usual(line).ruleset.notes) == state


def test_a_menu_is_named_once() -> None:
    found = usual("/queue simple\nadd name=a target=1\nadd name=b target=2")

    assert [note.name for note in found.ruleset.notes] == ["queue simple"]


def test_leases_that_were_printed_are_known() -> None:
    found = usual("/ip upnp\nset enabled=yes\n/ip firewall nat\n0 D chain=dstnat action=accept")

    assert found.ruleset.notes == ()


def test_no_menu_is_two_things() -> None:
    assert not set(IGNORED) & set(WIDENED)
    assert not READ & set(WIDENED) - {"interface vrrp"}
