from __future__ import annotations

import json
from dataclasses import replace

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.unifi.read import read
from splitdns.check.model import Device, Gateway, Network, Support
from tests.check.gateways import INTERNET, LAN_CLIENT, ended, host

NETWORKS = [
    {"_id": "w", "purpose": "wan", "wan_type": "static", "wan_ip": "203.0.113.2",
     "wan_netmask": "255.255.255.0", "wan_gateway": "203.0.113.1"},
    {"_id": "l", "purpose": "corporate", "ip_subnet": "192.168.1.1/24"},
]  # fmt: skip
FORWARDS = [{"name": "web", "dst_port": "443", "fwd": "192.168.1.20", "proto": "tcp"}]


def device(*texts: object) -> Device:
    return read([Printed(json.dumps(text), f"{at}.json") for at, text in enumerate(texts)], Network())


def test_answers_of_the_api_are_parts_of_one_gateway() -> None:
    found = device({"meta": {"rc": "ok"}, "data": NETWORKS}, FORWARDS)
    gateway = Gateway(found.network, found.ruleset, (host("web", "192.168.1.20/24"),))

    assert ended(gateway, INTERNET) == "ok-dnat web"
    assert ended(gateway, INTERNET, ports=22) == "dropped"
    assert ended(gateway, replace(LAN_CLIENT, interface="br0")) == "ok-hairpin web"
    assert found.listens is None
    assert {chain.table for chain in found.ruleset.chains} == {"unifi nat", "unifi filter"}


def test_lists_may_stand_in_one_file_by_name() -> None:
    found = device({"networkconf": NETWORKS, "portforward": FORWARDS})

    assert {one.name for one in found.network.interfaces} == {"wan", "br0"}


def test_a_usg_s_own_configuration_is_whole() -> None:
    interfaces = {"ethernet": {"eth1": {"address": "10.0.0.1/24"}}}
    found = device({"interfaces": interfaces, "service": {"ssh": "''"}})

    assert [one.name for one in found.network.interfaces] == ["eth1"]
    assert found.listens is not None


def test_policies_between_zones_are_refused_with_what_to_do_instead() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device([{"action": "ALLOW", "source": {"zone_id": "x"}}])

    assert "iptables-save and ipset save" in str(caught.value.exceptions[0])


def test_what_is_not_known_is_noted() -> None:
    found = device([{"wlan": "x"}, {"purpose": "site-vpn"}])

    assert [note.support for note in found.ruleset.notes] == [Support.UNKNOWN, Support.WIDENED]


@pytest.mark.parametrize("text", ["", "3", '{"a": 1}', "[1"])
def test_what_is_neither_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        read([Printed(text, "f")], Network())
