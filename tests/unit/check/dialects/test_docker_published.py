from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.docker_published import (
    Bridge,
    Container,
    Published,
    PublishedPort,
    families_of,
    port_range,
    protocol_number,
)
from splitdns.check.model import Interface, InterfaceAddress, Origin
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Where

WHERE = Where("compose.yaml", 3, 5)
ORIGIN = Origin(WHERE)
OWN = InterfaceAddress(ip_address("172.18.0.2"), ip_network("172.18.0.0/16"))


def container(*addresses: str) -> Container:
    publishing = {ip_address(one).version: ip_address(one) for one in addresses}
    return Container("web", (OWN,) if addresses else (), publishing, "br-a", ORIGIN)


def test_containers_are_hosts_and_bridges_interfaces() -> None:
    bridge = Bridge("a", "br-a", (OWN,), ORIGIN)
    published = Published((bridge,), (container("172.18.0.2"), container()))

    (host,) = published.hosts
    assert (host.name, host.addresses, host.where) == ("web", (OWN,), WHERE)
    assert host.listens == dict.fromkeys((6, 17, 132), Numbers())
    assert published.interfaces == (Interface("br-a", (OWN,)),)


def test_containers_serve_what_they_expose_or_publish() -> None:
    one = replace(container("172.18.0.2"), exposed=((17, Numbers.one(53)),))
    port = PublishedPort(
        one, 6, Numbers.one(8080), Numbers.one(80), None, frozenset({4}), ORIGIN
    )

    (host,) = Published((), (one,), (port,)).hosts

    assert host.listens == {6: Numbers.one(80), 17: Numbers.one(53), 132: Numbers()}


def test_ports_are_one_or_a_range() -> None:
    assert port_range("80", WHERE, "80") == Numbers.one(80)
    assert port_range("8000-8010", WHERE, "") == Numbers.of((8000, 8010))


@pytest.mark.parametrize("text", ["", "0", "65536", "9-8", "-", "1-", "http", "1-2-3"])
def test_what_is_no_port_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"compose\.yaml:3:5: expected a port, or a range"):
        port_range(text, WHERE, text)


def test_protocols_are_three() -> None:
    assert [protocol_number(name, WHERE) for name in ("tcp", "UDP", "sctp")] == [6, 17, 132]
    with pytest.raises(ConfigError, match="expected tcp, udp or sctp, found 'icmp'"):
        protocol_number("icmp", WHERE)


def test_a_port_has_the_families_of_its_container() -> None:
    both = container("172.18.0.2", "2001:db8::2")

    assert families_of(None, both) == {4, 6}
    assert families_of(ip_address("192.0.2.1"), both) == {4}
    assert families_of(None, container("172.18.0.2")) == {4}
    assert families_of(ip_address("2001:db8::1"), container("172.18.0.2")) == frozenset()
