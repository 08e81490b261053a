"""Menus and items: what add, set, find, remove, move and print leave behind."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros.config import scripts
from splitdns.check.model import Support
from tests.check.routeros import config, wrong

NAT = "/ip firewall nat\nadd comment=a\nadd comment=b disabled=yes\nadd comment=c\n"


def comments(text: str, menu: str = "ip firewall nat") -> list[str]:
    return [item.get("comment") for item in config(text).items.get(menu, ())]


@pytest.mark.parametrize(
    "text",
    [
        "/ip firewall nat\nadd comment=a\n",
        "/ip firewall nat add comment=a\n",
        "/ip/firewall/nat/add comment=a\n",
        "/ip address\n/ip firewall filter\n.. nat\nadd comment=a",
        "[admin@MikroTik] > /ip firewall nat add comment=a",
    ],
)
def test_a_menu_is_named_in_each_form(text: str) -> None:
    if ".." in text:
        assert wrong(text) == ["gateway.rsc:3:4: expected a command like add or set, found 'nat'"]
    else:
        assert comments(text) == ["a"]


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ("remove [find comment=b]", ["a", "c"]),
        ("remove [ find where comment=a ]; remove numbers=0", ["c"]),
        ("remove [find]", []),
        ("move 2 destination=0", ["c", "a", "b"]),
        ("move [find comment=a] [find comment=c]", ["b", "a", "c"]),
        ("add comment=d place-before=1", ["a", "d", "b", "c"]),
        ("add comment=d place-before=[find comment=c]", ["a", "b", "d", "c"]),
        ("add comment=d place-before=[:pick [find !dynamic comment=c] 0]", ["a", "b", "d", "c"]),
        ("set [find comment~\"b\"] comment=x", ["a", "x", "c"]),
        ("set 0,2 comment=x", ["x", "b", "x"]),
        ("comment 1 \"in words\"", ["a", "in words", "c"]),
        ("unset 0 comment", ["", "b", "c"]),
        ("remove [find disabled=yes]", ["a", "c"]),
        ("print", ["a", "b", "c"]),
        ("remove [/ip firewall nat find comment=c]", ["a", "b"]),
    ],
)  # fmt: skip
def test_items_are_found_changed_and_moved(more: str, left: list[str]) -> None:
    assert comments(NAT + more) == left


def test_what_is_disabled_is_not_among_the_items_that_act() -> None:
    found = config(NAT + "disable [find comment=a]\nenable [find comment=b]")

    assert [item.get("comment") for item in found.of("ip firewall nat")] == ["b", "c"]


def test_setting_what_is_there_by_itself_makes_it() -> None:
    found = config(
        "/interface ethernet\nset [ find default-name=ether1 ] name=WAN\n/ip service\nset www port=8080\n"
        "/ip dns\nset allow-remote-requests=yes\n"
    )

    (ether,) = found.items["interface ethernet"]
    assert (ether.get("default-name"), ether.get("name")) == ("ether1", "WAN")
    assert found.items["ip service"][0].get("port") == "8080"
    assert found.setting("ip dns", "allow-remote-requests") == "yes"


def test_an_exclamation_mark_unsets_and_a_word_alone_is_yes() -> None:
    (item,) = config('/ip route\nadd blackhole !gateway comment="" distance=1').items["ip route"]

    assert (item.get("blackhole"), item.has("gateway"), item.has("comment")) == ("yes", False, False)


def test_print_terse_adds_what_is_dynamic_and_only_that() -> None:
    text = (
        "/ip address\nadd address=10.0.0.1/8 interface=a\n/ip address\n"
        " 0   address=10.0.0.1/8 interface=a\n 1 D address=192.0.2.1/24 interface=b\n"
        " 2 DI address=1.1.1.1/8\n"
    )

    found = config(text)

    assert [item.get("address") for item in found.of("ip address")] == ["10.0.0.1/8", "192.0.2.1/24"]
    assert found.items["ip address"][1].dynamic
    assert found.printed == {"ip address"}


def test_what_only_a_running_device_could_follow_is_named() -> None:
    found = config(":global x 1\n/ip firewall nat\nremove [find comment=$x]\nremove [find comment~\"^a\"]\n")

    assert {note.support for note in found.notes} == {Support.UNKNOWN}
    assert [note.name for note in found.notes] == ["global", "ip firewall nat", "ip firewall nat"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gateway.rsc:1:1: expected what /export prints, found no command of it"),
        ("hello world", "gateway.rsc:1:1: expected a menu like /ip address, found 'hello'"),
        ("add a=b", "gateway.rsc:1:1: expected a menu like /ip address, found 'add'"),
        ("/ip address\nwalk x", "gateway.rsc:2:1: expected a command like add or set, found 'walk'"),
        ("/ip address\na=b", "gateway.rsc:2:1: expected a command like add or set, found 'a'"),
    ],
)
def test_what_is_no_export_is_told(text: str, message: str) -> None:
    assert wrong(text) == [message]


def test_scripts_are_found_wherever_they_stand() -> None:
    found = config('/system script\nadd name=a source="one"\n/ip dhcp-client\nadd interface=b script="two"')

    assert sorted(text for _, text in scripts(found)) == ["one", "two"]
