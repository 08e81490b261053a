"""Address lists: what is known to be in them, and who could tell the rest."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros.lists import AddressList, is_in
from splitdns.check.model import Addresses, AnyOf, Device, Gateway, Side, Support, Unknown
from splitdns.check.sets import NONE, Numbers
from tests.check.gateways import addresses, ended, host
from tests.check.routeros import LAN_CLIENT, OUTSIDE, chain, usual, wrong

RULE = "/ip firewall filter\nadd action=drop chain=forward dst-address-list=block"
LIST = "/ip firewall address-list\n"
FILLED = "/ip firewall raw\nadd action=add-src-to-address-list address-list=block chain=prerouting\n"


def condition(found: Device) -> object:
    return chain(found, "forward", "routeros filter").rules[0].conditions[0]


def test_a_list_holds_addresses_prefixes_and_ranges() -> None:
    entries = (
        "add address=10.0.0.0/8 list=block\nadd address=192.0.2.1-192.0.2.9 list=block\n"
        "add address=1.1.1.1 list=x"
    )

    found = condition(usual(LIST + entries, RULE))

    assert found == Addresses(Side.DESTINATION, addresses("10.0.0.0/8", "192.0.2.1-192.0.2.9"))


def test_a_list_of_which_nothing_is_told_is_not_known() -> None:
    found = usual(RULE)

    assert isinstance(condition(found), Unknown)
    assert [(note.support, note.name) for note in found.ruleset.notes] == [
        (Support.WIDENED, "dst-address-list=block")
    ]


@pytest.mark.parametrize(
    ("more", "is_known"),
    [
        (LIST + "add address=wan.example.net list=block", False),
        (LIST + "add address=wan.example.net list=block\n0 D address=203.0.113.7 list=block", True),
        (FILLED, False),
        (FILLED + LIST + "0 D address=203.0.113.7 list=block", True),
    ],
)
def test_what_is_dynamic_is_known_if_it_was_printed(more: str, is_known: bool) -> None:
    found = condition(usual(more, RULE))

    assert isinstance(found, AnyOf)
    known = [(Addresses(Side.DESTINATION, addresses("203.0.113.7")),)]
    assert ([*found.alternatives] == known) is is_known


def test_its_own_cloud_name_is_the_uplink_s_address_whatever_that_is() -> None:
    forward = (
        LIST + "add address=a1.sn.mynetname.net list=block",
        "/ip firewall nat",
        "add action=dst-nat chain=dstnat dst-address-list=block to-addresses=192.168.88.20",
    )
    found = usual(*forward)
    gateway = Gateway(found.network, found.ruleset, (host("web", "192.168.88.20/24"),))

    assert ended(gateway, OUTSIDE, at="203.0.113.7") == "ok-dnat web"
    assert ended(gateway, LAN_CLIENT, at="192.168.88.1") == "router-self"
    assert ended(gateway, LAN_CLIENT, at="198.51.100.1") == "ok-routed"


@pytest.mark.parametrize("searched", ["list=block", "comment=kept"])
def test_a_list_that_a_script_keeps_is_taken_as_it_was_and_named(searched: str) -> None:
    keeps = f"/ip firewall address-list set [find {searched}] address=x"
    script = f'/ip dhcp-client\nadd interface=ether1 script="{keeps}"'

    found = usual(LIST + "add address=203.0.113.7 comment=kept list=block", script, RULE)

    assert condition(found) == AnyOf(((Addresses(Side.DESTINATION, addresses("203.0.113.7")),),))
    assert [note.name for note in found.ruleset.notes] == ["address-list block"]


def test_a_negated_list_holds_for_all_others() -> None:
    lists = {"a": AddressList(addresses("10.0.0.0/8")), "b": AddressList(NONE, "who knows")}

    known, sure = is_in(lists, "a", Side.SOURCE, 4, negated=True)
    unsure, why = is_in(lists, "b", Side.SOURCE, 4, negated=True)

    assert (known, sure) == (Addresses(Side.SOURCE, addresses("0.0.0.0/0") - addresses("10.0.0.0/8")), "")
    assert (unsure, why) == (
        AnyOf(((Addresses(Side.SOURCE, Numbers()),), (Unknown("who knows"),)), negated=True), "who knows",
    )  # fmt: skip


def test_what_can_be_in_no_list_is_told() -> None:
    (message,) = wrong("/ip firewall address-list\nadd address=1.2.3.4.5/8 list=a")

    assert message.startswith("gateway.rsc:2:5: expected an IPv4 address, range, prefix or name as address")
