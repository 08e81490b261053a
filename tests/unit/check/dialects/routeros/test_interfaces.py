"""Interfaces: kinds, bridges, lists and groups."""

from __future__ import annotations

from splitdns.check.dialects.routeros.interfaces import EVERY, Faces, faces_of
from splitdns.check.model import Support
from tests.check.routeros import USUAL, config, usual


def faces(text: str) -> Faces:
    return faces_of(config(text))


def test_interfaces_are_known_by_whoever_names_them() -> None:
    found = faces(USUAL + "/interface vlan\nadd interface=bridge name=guests vlan-id=20 disabled=yes\n")

    ports = dict.fromkeys(("ether1", "ether2", "ether3"), "ethernet")
    assert found.kinds == {"bridge": "bridge", "guests": "vlan", **ports}
    assert found.bridges == {"ether2": "bridge", "ether3": "bridge"}
    assert (found.route("ether2"), found.route("ether1")) == ("bridge", "ether1")
    assert found.down == {"guests"}


def test_lists_have_members_and_other_lists() -> None:
    found = faces(
        "/interface list\nadd name=A\nadd name=B include=A exclude=C\nadd name=C\nadd name=D include=D\n"
        "/interface list member\nadd interface=x list=A\nadd interface=y list=A\nadd interface=y list=C\n"
    )

    assert found.lists["B"] == {"x"}
    assert found.lists["D"] == frozenset()
    assert found.lists["all"] == EVERY
    assert found.lists["dynamic"] is None


def test_a_list_may_stand_for_the_ports_of_a_bridge() -> None:
    found = faces(
        "/interface bridge\nadd name=br\n/interface list\nadd name=P\n/interface list member\n"
        "add interface=ether4 list=P\n/interface bridge port\nadd bridge=br interface=P\n"
    )

    assert found.bridges == {"ether4": "br"}


def test_a_group_means_the_interfaces_of_its_kinds() -> None:
    found = faces("/interface pppoe-client\nadd interface=ether1 name=dsl\n/interface vlan\nadd name=v10\n")

    assert found.meant("all-ppp") == {"dsl"}
    assert found.meant("all-vlan") == {"v10"}
    assert found.meant("other") == {"other"}


def test_a_rule_for_a_port_of_a_bridge_is_named_unless_frames_meet_rules() -> None:
    rule = ("/ip firewall filter", "add action=drop chain=forward in-interface=ether2")
    used = "/interface bridge settings\nset use-ip-firewall=yes"

    (note,) = usual(*rule).ruleset.notes
    assert (note.support, note.reason) == (Support.IGNORED, "rules see the bridge bridge, and never its port")
    assert usual(used, *rule).ruleset.notes == ()
