from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from splitdns.check.dialects.docker import read
from splitdns.check.model import InterfaceAddress, Support
from splitdns.check.sets import Numbers

NUMBER = "0123456789abcdef" * 4


def container(name: str = "web", **changes: Any) -> dict[str, Any]:
    """A container as ``docker inspect`` prints it, as far as anybody reads it."""
    endpoint = {
        "NetworkID": NUMBER,
        "Gateway": "172.18.0.1",
        "IPAddress": "172.18.0.2",
        "IPPrefixLen": 16,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
    }
    ports = {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
        "9000/tcp": None,
    }
    whole: dict[str, Any] = {
        "Id": NUMBER,
        "Name": f"/{name}",
        "State": {"Running": True},
        "HostConfig": {"NetworkMode": "front"},
        "NetworkSettings": {"Ports": ports, "Networks": {"front": endpoint}},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = whole
        for parent in parents:
            place = place[parent]
        place[last] = value
    return whole


def network(**changes: Any) -> dict[str, Any]:
    return {
        "Name": "front",
        "Id": NUMBER,
        "Driver": "bridge",
        "Internal": False,
        "IPAM": {"Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]},
        "Options": {},
        **changes,
    }


def text(*things: object) -> str:
    return json.dumps(things, indent=4)


def test_a_published_port_leads_to_the_container() -> None:
    published = read(text(container()), "docker.json")

    (port,) = published.ports
    assert (port.protocol, port.ports, port.to) == (6, Numbers.one(8080), Numbers.one(80))
    assert (port.address, port.families, port.chosen) == (None, {4}, False)
    assert str(port.origin) == "docker.json:14:21: 0.0.0.0:8080 → web:80/tcp (Docker)"
    assert port.container.publishing == {4: ip_address("172.18.0.2")}
    assert port.container.exposed == ((6, Numbers.one(80)), (6, Numbers.one(9000)))


def test_the_bridge_is_named_after_its_network() -> None:
    published = read(text(container()), "docker.json")

    (bridge,) = published.bridges
    own = InterfaceAddress(ip_address("172.18.0.1"), ip_network("172.18.0.0/16"))
    assert (bridge.interface, bridge.addresses) == ("br-0123456789ab", (own,))
    assert published.containers[0].bridge == "br-0123456789ab"


def test_the_default_bridge_is_docker0() -> None:
    endpoint = container()["NetworkSettings"]["Networks"]["front"]

    published = read(text(container(NetworkSettings__Networks={"bridge": endpoint})), "docker.json")

    assert published.bridges[0].interface == "docker0"


def test_a_network_that_is_inspected_too_says_what_its_bridge_is_called() -> None:
    named = network(Options={"com.docker.network.bridge.name": "web0"})

    published = read(text(container(), named), "docker.json")

    assert [bridge.interface for bridge in published.bridges] == ["web0"]
    assert len(published.bridges[0].addresses) == 1


def test_two_lists_may_stand_one_after_the_other() -> None:
    named = network(Options={"com.docker.network.bridge.name": "web0"})

    published = read(text(container()) + "\n" + text(named) + "\n", "docker.json")

    assert published.containers[0].bridge == "web0"


def test_ports_of_an_internal_network_lead_nowhere() -> None:
    published = read(text(container(), network(Internal=True)), "docker.json")

    assert published.ports == ()
    assert not published.bridges[0].publishes
    assert len(published.containers[0].addresses) == 1


def test_the_network_of_the_highest_priority_is_the_one_that_publishes() -> None:
    front = container()["NetworkSettings"]["Networks"]["front"]
    back = {**front, "NetworkID": "f" * 64, "IPAddress": "172.19.0.9", "Gateway": "172.19.0.1"}

    by_name = read(text(container(NetworkSettings__Networks={"front": front, "back": back})), "docker.json")
    front = {**front, "GwPriority": 1}
    told = read(text(container(NetworkSettings__Networks={"front": front, "back": back})), "docker.json")

    assert by_name.containers[0].publishing == {4: ip_address("172.19.0.9")}
    assert told.containers[0].publishing == {4: ip_address("172.18.0.2")}
    assert len(told.hosts[0].addresses) == 2


def test_a_container_with_an_address_of_ipv6_publishes_in_both() -> None:
    endpoint = container()["NetworkSettings"]["Networks"]["front"]
    endpoint |= {"GlobalIPv6Address": "2001:db8::2", "GlobalIPv6PrefixLen": 64, "IPv6Gateway": "2001:db8::1"}

    published = read(text(container(NetworkSettings__Networks={"front": endpoint})), "docker.json")

    assert [port.families for port in published.ports] == [{4}, {6}]
    assert [own.address.version for own in published.bridges[0].addresses] == [4, 6]


def test_a_port_that_only_the_proxy_serves_is_named() -> None:
    (note,) = read(text(container()), "docker.json").notes

    assert (note.support, note.name) == (Support.WIDENED, "userland proxy")


def test_what_only_the_host_itself_reaches_is_left_out() -> None:
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}

    assert read(text(container(NetworkSettings__Ports=ports)), "docker.json").ports == ()


def test_a_port_may_be_of_one_address() -> None:
    ports = {"53/udp": [{"HostIp": "192.0.2.1", "HostPort": "53"}]}

    (port,) = read(text(container(NetworkSettings__Ports=ports)), "docker.json").ports

    assert (port.address, port.protocol) == (ip_address("192.0.2.1"), 17)


def test_containers_that_do_not_run_are_left_out_and_those_on_the_host_s_network_named() -> None:
    stopped = container(State={"Running": False})
    on_host = container(HostConfig__NetworkMode="host")

    published = read(text(stopped, on_host), "docker.json")

    assert published.containers == ()
    assert [note.name for note in published.notes] == ["network_mode host"]


MISTAKES = [
    ("{}", "docker.json:1:1: expected the list that docker inspect prints"),
    ("[7]", "docker.json:1:2: expected a container or a network, as docker inspect prints it"),
    ("[{}]", "docker.json:1:2: expected a container or a network, as docker inspect prints it"),
    (text(container(Name=7)), "docker.json:4:17: expected the container's name, found 7"),
    (text(network(IPAM={"Config": [{"Subnet": "x"}]})), "expected a subnet, found 'x'"),
    (text(container(NetworkSettings__Ports={"http": [{}]})), "expected a port, or a range"),
    (text(container(NetworkSettings__Ports={"80/tcp": [7]})), "expected a mapping with HostIp and HostPort"),
    (text(container(NetworkSettings__Networks__front__IPPrefixLen=99)), "expected a prefix length, found 99"),
    (text(container(NetworkSettings__Networks__front__IPAddress="x")), "expected an address, found 'x'"),
    (text(container(NetworkSettings=7)), "expected a mapping"),
]


@pytest.mark.parametrize(("words", "mistake"), MISTAKES)
def test_a_mistake_is_told_with_its_place(words: str, mistake: str) -> None:
    with pytest.raises(ExceptionGroup) as told:
        read(words, "docker.json")

    assert mistake in str(told.value.exceptions[0])
