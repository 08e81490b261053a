from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.changes import Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.vyos import written
from tests.check.gateways import addresses
from tests.check.vyos.configurations import gateway

WEB, PUBLIC = ip_address("192.168.1.20"), ip_address("203.0.113.2")
LAN = addresses("192.168.1.0/24")
FORWARD = Forward(PUBLIC, "tcp", (443, 443), WEB, (8443, 8443))
HAIRPIN = Hairpin(LAN, 4, WEB, "tcp", (443, 443))


def words(changes: list[Change], text: str = "") -> list[str]:
    do, undo = written(changes, gateway(text))
    assert all(line.startswith(("delete ", "rename ", "#")) for line in undo)
    return [line for line in do if "description" not in line]


def test_a_forward() -> None:
    assert words([FORWARD]) == [
        "set nat destination rule 10 destination address 203.0.113.2",
        "set nat destination rule 10 destination port 443",
        "set nat destination rule 10 protocol tcp",
        "set nat destination rule 10 translation address 192.168.1.20",
        "set nat destination rule 10 translation port 8443",
    ]


def test_a_hairpin_comes_before_the_rule_for_the_internet() -> None:
    rule = "nat source rule 100"
    text = f"{rule} outbound-interface name wan\n{rule} translation address masquerade\n"

    assert words([HAIRPIN], text)[0] == "set nat source rule 99 source address 192.168.1.0/24"


def test_before_1_4_every_rule_has_an_interface() -> None:
    rule = "nat source rule 100"
    text = f"{rule} outbound-interface wan\n{rule} translation address masquerade\n"

    assert words([FORWARD], text)[0] == "set nat destination rule 10 inbound-interface any"
    assert words([FORWARD], "firewall name X default-action drop")[0].endswith("inbound-interface any")
    both = f"{text}firewall ipv4 name X default-action drop"
    assert words([FORWARD], both)[0].endswith("destination address 203.0.113.2")


def test_dns_is_led_to_the_resolver_and_its_own_is_spared() -> None:
    resolver = ip_address("192.168.1.53")
    redirect = RedirectDns(addresses("192.168.1.53-192.168.1.63"), "lan", resolver, "udp")
    spare = SpareDns("vyos nat", "nat destination", resolver, "udp")

    found = words([redirect, spare])

    assert found[:3] == [
        "set nat destination rule 10 inbound-interface name lan",
        "set nat destination rule 10 source address 192.168.1.54-192.168.1.63",
        "set nat destination rule 10 destination address !192.168.1.53",
    ]
    assert found[-1] == "set nat destination rule 20 exclude"


def test_ipv6_has_a_place_of_its_own() -> None:
    forward = Forward(ip_address("2001:db8::1"), "tcp", (443, 443), ip_address("fd00::1"), (443, 443))

    assert words([forward])[0].startswith("set nat66 destination rule 10 ")


@pytest.mark.parametrize("change", [FORWARD, HAIRPIN])
def test_numbers_given_earlier_are_not_given_again(change: Change) -> None:
    do, _ = written([change], gateway(""), [change])

    assert all(" rule 20 " in line for line in do)
