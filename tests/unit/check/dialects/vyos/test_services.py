from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.dialects.vyos.services import read_hosts, read_listens
from splitdns.check.model import Support
from splitdns.check.sets import Numbers
from tests.check.gateways import own
from tests.check.vyos.configurations import reading

TCP, UDP = 6, 17


def test_services_are_told_with_their_ports() -> None:
    found = read_listens(
        reading(
            "service ssh port 2222\nservice gui http-port 8080\nservice dns forwarding listen-on lan\n"
            "interfaces wireguard wg0 port 51820\nvpn ipsec ipsec-interfaces interface wan\n"
            "interfaces openvpn vtun0 mode server\nprotocols bgp 65001\n"
        )
    )

    assert found == {
        TCP: Numbers.of((53, 53), (179, 179), (443, 443), (2222, 2222), (8080, 8080)),
        UDP: Numbers.of((53, 53), (500, 500), (1194, 1194), (4500, 4500), (51820, 51820)),
    }


def test_a_service_that_is_not_known_may_open_any_port() -> None:
    found = reading("service frobnicate x")

    assert read_listens(found) is None
    assert [note.support for note in found.notes] == [Support.UNKNOWN]


def test_what_programs_asked_for_is_in_no_configuration() -> None:
    found = reading("service upnp2 wan wan", "edgeos")

    assert read_listens(found) is not None
    assert [note.support for note in found.notes] == [Support.REFUSED]


def test_static_mappings_are_hosts() -> None:
    subnet = "service dhcp-server shared-network-name LAN subnet 192.168.1.0/24"
    found = list(
        read_hosts(
            reading(
                f"{subnet} default-router 192.168.1.1\n"
                f"{subnet} static-mapping web ip-address 192.168.1.20\n"
                f"{subnet} static-mapping other ip-address 192.168.9.20\n"
            )
        )
    )

    (host,) = found
    assert (host.name, host.addresses, host.default_via) == ("web", (own("192.168.1.20/24"),), {})


def test_another_router_is_told() -> None:
    subnet = "service dhcp-server shared-network-name LAN subnet 192.168.1.0/24"
    mapping = f"{subnet} static-mapping web ip-address 192.168.1.20\n"

    (host,) = read_hosts(reading(f"{mapping}{subnet} option default-router 192.168.1.254"))

    assert host.default_via == {4: ip_address("192.168.1.254")}


def test_what_is_no_address_is_a_mistake() -> None:
    subnet = "service dhcp-server shared-network-name LAN subnet"
    found = reading(f"{subnet} here static-mapping web ip-address 1\nservice ssh port 99999")

    list(read_hosts(found))
    read_listens(found)

    assert len(found.problems.errors) == 2
