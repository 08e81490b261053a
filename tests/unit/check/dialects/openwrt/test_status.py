"""Networks as they are now."""

from __future__ import annotations

import json

import pytest

from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.openwrt.status import Status, read_status
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Addresses, Network, Side
from splitdns.errors import ConfigError
from tests.check.gateways import addresses, own
from tests.check.openwrt.routers import DEFAULTS, ZONES, chain, redirect, section

WAN = {
    "interface": "wan",
    "up": True,
    "proto": "pppoe",
    "l3_device": "pppoe-wan",
    "device": "eth0",
    "ipv4-address": [{"address": "203.0.113.7", "mask": 32, "ptpaddress": "203.0.113.1"}],
}
LAN = {
    "interface": "lan",
    "proto": "static",
    "device": "br-lan",
    "ipv4-address": [{"address": "192.168.1.1", "mask": 24}],
    "ipv6-prefix-assignment": [
        {"address": "2001:db8:1::", "mask": 60, "local-address": {"address": "2001:db8:1::1", "mask": 60}},
        {"address": "fd00::", "mask": 64},
    ],
}


def dump(*networks: object) -> str:
    return json.dumps({"interface": networks})


def test_each_network_has_its_device_and_addresses() -> None:
    found = read_status(Printed(dump(WAN, LAN, {"interface": "wan6"}), "status"))

    assert found == {
        "wan": Status("pppoe-wan", (own("203.0.113.7/32", dynamic=True),)),
        "lan": Status("br-lan", (own("192.168.1.1/24"), own("2001:db8:1::1/60", dynamic=True))),
        "wan6": Status(None, ()),
    }


def test_a_leased_address_is_that_of_reflections() -> None:
    network = section("interface", "lan", proto="static", device="br-lan", ipaddr="192.168.1.1/24") + section(
        "interface", "wan", proto="pppoe", device="eth0"
    )
    texts = [
        Printed(dump(WAN, LAN), "status.json"),
        Printed(network, "network"),
        Printed(DEFAULTS + ZONES + redirect(), "firewall"),
    ]

    found = read(texts, Network())
    (rule,) = chain(found, "dstnat_lan").rules
    assert Addresses(Side.DESTINATION, addresses("203.0.113.7")) in rule.conditions
    (wan,) = (one for one in found.network.interfaces if one.uplink)
    assert (wan.name, wan.addresses) == ("pppoe-wan", (own("203.0.113.7/32", dynamic=True),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "status:1:2: expected JSON"),
        ("[" * 100_000, "status:1:1: expected JSON that is not nested so deeply"),
        ("{}", "expected what ubus call network.interface dump prints"),
        (dump(5), "expected a network with its name, found 5"),
        (dump({"interface": "x", "device": 5}), "expected the device of 'x', found 5"),
        (dump({"interface": "x", "ipv4-address": 5}), "expected a list of addresses of 'x', found 5"),
        (dump({"interface": "x", "ipv4-address": [5]}), "expected an address and its mask, of 'x', found 5"),
    ],
)
def test_what_ubus_does_not_print_is_told(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_status(Printed(text, "status"))

    assert message in str(caught.value)


def test_it_may_stand_behind_an_export() -> None:
    network = section("interface", "wan", proto="pppoe", device="eth0")
    export = f"package network\n{network}package firewall\n{DEFAULTS}{ZONES}\n"

    found = read([Printed(f"{export}{json.dumps({'interface': [WAN]}, indent=1)}\n", "all")], Network())
    assert [one.name for one in found.network.interfaces] == ["pppoe-wan"]
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed(export + "{\n5", "all")], Network())
    assert str(caught.value.exceptions[0]).startswith(f"all:{export.count(chr(10)) + 2}:1: expected JSON")


def test_its_mistakes_are_told_with_those_of_the_files() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed("{", "status"), Printed(DEFAULTS, "firewall")], Network())

    assert "status:1:2" in str(caught.value.exceptions[0])
