from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.network import Interface, InterfaceAddress, Network


def test_a_network_knows_its_own_addresses_by_family() -> None:
    four = InterfaceAddress(ip_address("192.0.2.1"), ip_network("192.0.2.0/24"))
    six = InterfaceAddress(ip_address("2001:db8::1"), ip_network("2001:db8::/64"))
    network = Network((Interface("eth0", (four, six)), Interface("eth1")))

    assert network.addresses(4) == (four.address,)
    assert network.addresses(6) == (six.address,)
    assert network.interface("eth1") == Interface("eth1")
    assert network.interface("eth2") is None
