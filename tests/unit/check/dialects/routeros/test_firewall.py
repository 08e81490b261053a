"""Chains where RouterOS's packet flow has them, and what packets meet there."""

from __future__ import annotations

import pytest

from splitdns.check.model import Device, Gateway, Hook, Jump
from tests.check.gateways import ended, host
from tests.check.routeros import LAN_CLIENT, OUTSIDE, chain, usual

PUBLIC = {"at": "203.0.113.7"}
WEB = host("web", "192.168.88.20/24")
FORWARD = (
    "/ip firewall nat",
    "add action=dst-nat chain=dstnat dst-port=443 protocol=tcp to-addresses=192.168.88.20"
    " dst-address-type=local",
)


def gateway(found: Device) -> Gateway:
    return Gateway(found.network, found.ruleset, (WEB,))


@pytest.mark.parametrize(
    ("table", "name", "hook", "priority"),
    [
        ("raw", "prerouting", Hook.PREROUTING, -300),
        ("mangle", "postrouting", Hook.POSTROUTING, -150),
        ("filter", "input", Hook.INPUT, 0),
        ("nat", "dstnat", Hook.PREROUTING, -100),
        ("nat", "srcnat", Hook.POSTROUTING, 100),
        ("nat", "mine", None, 0),
    ],
)
def test_a_chain_hangs_where_packets_meet_it(table: str, name: str, hook: Hook | None, priority: int) -> None:
    add = f"add chain={name}"
    found = usual(f"/ip firewall {table}", add, f"/ipv6 firewall {table}", add)

    four = chain(found, name, f"routeros {table}")
    six = chain(found, name, f"routeros ipv6 {table}")
    assert (four.hook, four.priority, four.is_nat) == (hook, priority, table == "nat")
    assert (four.families, six.families) == ({4}, {6})


def test_a_forward_is_reached_from_outside_and_needs_a_hairpin_inside() -> None:
    hairpin = "add action=masquerade chain=srcnat src-address=192.168.88.0/24 dst-address=192.168.88.20"

    assert ended(gateway(usual(*FORWARD)), OUTSIDE, **PUBLIC) == "ok-dnat web"
    assert ended(gateway(usual(*FORWARD)), LAN_CLIENT, **PUBLIC) == "asym-reply"
    assert ended(gateway(usual(*FORWARD, hairpin)), LAN_CLIENT, **PUBLIC) == "ok-hairpin web"


def test_the_filter_sees_what_was_translated() -> None:
    words = "add action=drop chain=forward in-interface=ether1 connection-nat-state=!dstnat"
    drop = ("/ip firewall filter", words)

    assert ended(gateway(usual(*FORWARD, *drop)), OUTSIDE, **PUBLIC) == "ok-dnat web"
    by_port = ("/ip firewall filter", "add action=drop chain=forward dst-address=192.168.88.20")
    assert ended(gateway(usual(*FORWARD, *by_port)), OUTSIDE, **PUBLIC) == "dropped"


def test_chains_of_one_s_own_return_and_may_be_missing() -> None:
    rules = (
        "/ip firewall filter",
        "add action=jump chain=forward jump-target=nowhere",
        "add action=jump chain=forward jump-target=mine",
        "add action=drop chain=forward",
        "add action=return chain=mine protocol=udp",
        "add action=accept chain=mine",
    )

    assert ended(gateway(usual(*FORWARD, *rules)), OUTSIDE, **PUBLIC) == "ok-dnat web"
    assert ended(gateway(usual(*FORWARD, *rules)), LAN_CLIENT, at="198.51.100.1", protocol=17) == "dropped"


def test_a_mark_without_passthrough_is_the_last_rule() -> None:
    rules = (
        "/ip firewall mangle",
        "add action=mark-packet chain=prerouting new-packet-mark=a passthrough=no",
        "add action=mark-packet chain=prerouting new-packet-mark=b",
        "/ip firewall filter",
        "add action=drop chain=forward packet-mark=b",
        "add action=reject chain=forward packet-mark=a",
    )
    found = usual(*FORWARD, *rules)

    assert isinstance(chain(found, "prerouting", "routeros mangle").rules[0].action, Jump)
    assert ended(gateway(found), OUTSIDE, **PUBLIC) == "refused"
    passing = usual(*FORWARD, *(rule.replace(" passthrough=no", "") for rule in rules))
    assert ended(gateway(passing), OUTSIDE, **PUBLIC) == "dropped"


def test_a_port_in_the_range_to_lead_to_is_kept() -> None:
    words = (
        "add action=dst-nat chain=dstnat dst-port=80-90 protocol=tcp to-addresses=192.168.88.20"
        " to-ports=80-90"
    )
    found = usual("/ip firewall nat", words)

    assert len(chain(found, "dstnat").rules) == 2
    assert ended(gateway(found), OUTSIDE, ports=85, **PUBLIC) == "ok-dnat web"
    assert found.ruleset.rules == 1


def test_a_rule_bears_its_place_and_its_own_words() -> None:
    rule = chain(usual(*FORWARD), "dstnat").rules[0]

    assert str(rule.origin).startswith("gateway.rsc:18:1: /ip firewall nat add action=dst-nat chain=dstnat")


def test_a_dynamic_rule_bears_who_made_it() -> None:
    line = (
        "0 D comment=upnp 192.168.88.5: Game chain=dstnat action=dst-nat protocol=tcp dst-port=9"
        " to-addresses=192.168.88.5"
    )
    found = usual("/ip firewall nat", line, "1 D chain=srcnat action=masquerade")

    assert chain(found, "dstnat").rules[0].origin.made_by == "UPnP"
    assert chain(found, "srcnat").rules[0].origin.made_by == "the device"
