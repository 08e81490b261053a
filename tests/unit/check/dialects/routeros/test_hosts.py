"""Hosts with leases that never change."""

from __future__ import annotations

from tests.check.gateways import own
from tests.check.routeros import usual, wrong

LEASES = "/ip dhcp-server lease"


def test_static_leases_are_hosts_by_their_comments() -> None:
    found = usual(
        LEASES,
        "add address=192.168.88.20 comment=web mac-address=00:00:5E:00:53:01",
        "add address=192.168.88.21 comment=web mac-address=00:00:5E:00:53:02",
        "add address=192.168.88.22 mac-address=00:00:5E:00:53:03",
        "add address=192.168.88.23 mac-address=00:00:5E:00:53:04 disabled=yes",
        "add address=10.0.0.1 mac-address=00:00:5E:00:53:05",
        "add address=some_pool mac-address=00:00:5E:00:53:06",
        "5 D address=192.168.88.99 mac-address=00:00:5E:00:53:07",
    )

    assert [(one.name, one.addresses) for one in found.hosts] == [
        ("web", (own("192.168.88.20/24"),)),
        ("192.168.88.21", (own("192.168.88.21/24"),)),
        ("192.168.88.22", (own("192.168.88.22/24"),)),
    ]


def test_what_is_no_address_is_told() -> None:
    assert wrong(f"{LEASES}\nadd address=1.2.3") == [
        "gateway.rsc:2:5: expected an address as address, found '1.2.3'"
    ]


def test_a_forward_to_an_address_of_a_pool_leads_to_whoever_has_it() -> None:
    forward = "add chain=dstnat action=dst-nat to-addresses=192.168.88."
    found = usual(
        "/ip pool\nadd name=dhcp ranges=192.168.88.10,192.168.88.100-192.168.88.254",
        "add name=other ranges=192.168.88.50-192.168.88.60",
        "/ip dhcp-server\nadd address-pool=dhcp interface=bridge name=defconf",
        LEASES,
        "add address=192.168.88.101 comment=kept",
        "/ip firewall nat",
        *(f"{forward}{last}" for last in (10, 55, 100, 101, 100)),
        "add chain=dstnat action=dst-nat to-addresses=192.168.88.110-192.168.88.111",
    )

    assert [(one.name, one.addresses[0].dynamic) for one in found.hosts] == [
        ("kept", False), ("192.168.88.10", True), ("192.168.88.100", True),
    ]  # fmt: skip
