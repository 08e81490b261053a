from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.changes import Admit, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.edgeos import written
from tests.check.gateways import addresses
from tests.check.vyos.configurations import gateway

WEB, PUBLIC = ip_address("192.168.1.20"), ip_address("203.0.113.2")
LAN = addresses("192.168.1.0/24")
FORWARD = Forward(PUBLIC, "tcp", (443, 443), WEB, (443, 443))
FORWARDED = """
port-forward wan-interface wan
port-forward rule 1 original-port 443
port-forward rule 1 protocol tcp
port-forward rule 1 forward-to address 192.168.1.99
"""


def words(changes: list[Change], text: str = "") -> list[str]:
    do, undo = written(changes, gateway(text, "edgeos"))
    assert all(line.startswith(("delete ", "rename ", "#")) for line in undo)
    return [line for line in do if "description" not in line]


def test_a_forward_has_a_rule_for_each_interface() -> None:
    found = words([FORWARD])

    assert found[:6] == [
        "set service nat rule 10 type destination",
        "set service nat rule 10 inbound-interface wan",
        "set service nat rule 10 destination address 203.0.113.2",
        "set service nat rule 10 destination port 443",
        "set service nat rule 10 protocol tcp",
        "set service nat rule 10 inside-address address 192.168.1.20",
    ]
    assert [line.split()[-1] for line in found if "inbound-interface" in line] == ["wan", "lan", "dmz"]


def test_a_port_forward_in_the_way_is_preceded_by_another() -> None:
    found = words([FORWARD], FORWARDED)

    assert found[:5] == [
        "rename port-forward rule 1 to rule 2",
        "set port-forward rule 1 original-port 443",
        "set port-forward rule 1 protocol tcp",
        "set port-forward rule 1 forward-to address 192.168.1.20",
        "set port-forward rule 1 forward-to port 443",
    ]


def test_a_hairpin_leaves_by_the_server_s_interface() -> None:
    found = words([Hairpin(LAN, 4, WEB, "tcp", (443, 443))])

    assert found[:2] == [
        "set service nat rule 5000 type masquerade",
        "set service nat rule 5000 outbound-interface lan",
    ]


def test_dns_is_led_to_the_resolver_and_its_own_is_spared() -> None:
    resolver = ip_address("192.168.1.53")
    redirect = RedirectDns(addresses("192.168.1.54-192.168.1.55"), "lan", resolver, "udp")
    spare = SpareDns("edgeos nat", "service nat destination", resolver, "udp")

    found = words([redirect, spare])

    assert "set service nat rule 10 destination address !192.168.1.53" in found
    assert [line for line in found if line.endswith("exclude")] == [
        f"set service nat rule {number} exclude" for number in (20, 30, 40)
    ]


def test_an_acceptance_goes_into_the_rule_set() -> None:
    text = "firewall name WAN_IN default-action drop\ninterfaces ethernet wan firewall in name WAN_IN\n"

    found = words([Admit("edgeos filter", "name WAN_IN", WEB, "tcp", (443, 443))], text)

    assert found[0] == "set firewall name WAN_IN rule 10 action accept"


def test_ipv6_is_not_translated() -> None:
    forward = Forward(ip_address("2001:db8::1"), "tcp", (443, 443), ip_address("fd00::1"), (443, 443))

    assert words([forward])[0].startswith("# EdgeOS translates no IPv6")
