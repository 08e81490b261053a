"""Where a client of the LAN meets a container: each way of Docker to publish one."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from splitdns.load.declared import Port
from splitdns.sources.docker.container import containers_in, reachable_networks
from splitdns.sources.docker.meeting import Met, where_met
from tests import engine

HOST = (ip_address("192.168.1.10"), ip_address("fd00::10"))
LAN = reachable_networks([engine.network(engine.LAN_NET, "lan", "macvlan")])


def met(*wanted: Port, host: tuple[Any, ...] = HOST, **more: Any) -> Met:
    (container,) = containers_in([engine.container("web", **more)])
    return where_met(container, host, LAN, wanted)


def at(*wanted: Port, **more: Any) -> list[str]:
    return [str(one) for one in met(*wanted, **more).addresses]


def test_a_port_at_every_address_is_met_at_the_host_s() -> None:
    assert at(ports=[engine.port(443)]) == ["192.168.1.10"]
    assert at(ports=[engine.port(443), engine.port(443, ip="::")]) == ["192.168.1.10", "fd00::10"]


def test_a_port_at_one_address_of_the_host_is_met_there() -> None:
    assert at(ports=[engine.port(443, ip="192.168.1.5")]) == ["192.168.1.5"]
    assert at(ports=[engine.port(443, ip="192.168.1.5"), engine.port(443, ip="fd00::5")]) == [
        "192.168.1.5",
        "fd00::5",
    ]


def test_the_loopback_address_is_no_place_to_meet() -> None:
    assert at(ports=[engine.port(443), engine.port(9000, ip="127.0.0.1")]) == ["192.168.1.10"]
    with pytest.raises(ValueError, match="found ports at the loopback address only"):
        at(ports=[engine.port(9000, ip="127.0.0.1"), engine.port(9000, ip="::1")])


def test_ports_at_two_addresses_leave_open_where_to_go_unless_one_is_wanted() -> None:
    ports = [engine.port(443, ip="192.168.1.5"), engine.port(22, ip="192.168.1.6")]

    with pytest.raises(ValueError, match=r"at one address of the host, found 192\.168\.1\.5, 192\.168\.1\.6"):
        at(ports=ports)
    assert at(Port("tcp", 443, 443), ports=ports) == ["192.168.1.5"]
    assert at(Port("tcp", 20, 30), ports=ports) == ["192.168.1.6"]
    with pytest.raises(ValueError, match="at one address of the host"):
        at(Port("udp", 443, 443), ports=ports)


def test_a_host_without_an_address_in_the_configuration_cannot_be_told() -> None:
    for more in ({"ports": [engine.port(443)]}, {"mode": "host", "networks": {}}):
        with pytest.raises(ValueError, match="expected `inside` of the source"):
            at(host=(), **more)


def test_host_networking_is_the_host_with_whatever_it_listens_on() -> None:
    found = met(mode="host", networks={"host": engine.endpoint("h")})

    assert found == Met(HOST, is_own=False, ports=None)


def test_a_container_with_an_address_on_the_lan_is_met_there__semantics_32() -> None:
    networks = {
        "backend": engine.endpoint(engine.BRIDGE, "172.18.0.2"),
        "lan": engine.endpoint(engine.LAN_NET, "192.168.1.50", "fd00::50"),
    }

    found = met(networks=networks, ports=[engine.port(443)])

    assert found == Met((ip_address("192.168.1.50"), ip_address("fd00::50")), is_own=True)


def test_a_container_on_a_bridge_that_publishes_nothing_is_met_nowhere() -> None:
    with pytest.raises(ValueError, match="expected a port published at the host, host networking"):
        at()


def test_the_published_ports_are_told() -> None:
    ports = [engine.port(8443, 443), engine.port(53, protocol="udp"), engine.port(9, ip="127.0.0.1")]

    assert met(ports=ports).ports == {("tcp", 8443), ("udp", 53)}
