from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.docker_compose import read
from splitdns.check.dialects.docker_published import EPHEMERAL, Published
from splitdns.check.model import Support
from splitdns.check.sets import Numbers


def one(port: str, more: str = "") -> Published:
    """A service with one port, and more lines."""
    return read(f"services:\n  web:\n    ports:\n      - {port}\n{more}", "compose.yaml")


PORTS = [
    ("8080:80", 6, (8080, 8080), (80, 80), None),
    ("'8080:80/udp'", 17, (8080, 8080), (80, 80), None),
    ("22:22", 6, (22, 22), (22, 22), None),
    ("192.0.2.1:8080:80", 6, (8080, 8080), (80, 80), "192.0.2.1"),
    ("0.0.0.0:8080:80", 6, (8080, 8080), (80, 80), None),
    ("8000-8010:9000-9010", 6, (8000, 8010), (9000, 9010), None),
    ("{target: 80, published: 8080}", 6, (8080, 8080), (80, 80), None),
    ("{target: 53, published: '53', protocol: udp, host_ip: 192.0.2.1}", 17, (53, 53), (53, 53), "192.0.2.1"),
    ("{target: 80, published: 80, mode: host, name: web, app_protocol: http}", 6, (80, 80), (80, 80), None),
    ("${PORT:-8080}:80", 6, (8080, 8080), (80, 80), None),
]


@pytest.mark.parametrize(("written", "protocol", "ports", "to", "address"), PORTS)
def test_a_port_is_published_as_it_is_written(
    written: str, protocol: int, ports: tuple[int, int], to: tuple[int, int], address: str | None
) -> None:
    (port,) = one(written).ports

    assert (port.protocol, port.ports, port.to) == (protocol, Numbers.of(ports), Numbers.of(to))
    assert port.address == (ip_address(address) if address else None)
    assert (port.families, port.chosen) == ({4}, False)
    assert str(port.origin.where) == "compose.yaml:4:9"


@pytest.mark.parametrize(
    ("written", "ports"),
    [
        ("80", EPHEMERAL),
        ("80/udp", EPHEMERAL),
        ("{target: 80}", EPHEMERAL),
        ("192.0.2.1::80", EPHEMERAL),
        ("8000-8010:80", Numbers.of((8000, 8010))),
    ],
)
def test_docker_chooses_the_port_of_the_host_where_nobody_says(written: str, ports: Numbers) -> None:
    (port,) = one(written).ports

    assert (port.ports, port.to, port.chosen) == (ports, Numbers.one(80), True)


def test_a_range_of_ports_of_the_container_alone_may_lead_from_anywhere() -> None:
    (port,) = one("80-82").ports

    assert (port.ports, port.to, port.chosen) == (EPHEMERAL, Numbers.of((80, 82)), True)


@pytest.mark.parametrize("written", ["127.0.0.1:8080:80", "localhost:8080:80", "'[::1]:8080:80'"])
def test_what_only_the_host_itself_reaches_is_left_out(written: str) -> None:
    assert one(written).ports == ()


def test_a_service_may_expose_more_ports() -> None:
    (container,) = one("8080:80", "    expose: [9000, '53/udp', '7000-7010']\n").containers

    assert container.exposed == (
        (6, Numbers.one(9000)),
        (17, Numbers.one(53)),
        (6, Numbers.of((7000, 7010))),
    )


def test_services_take_the_next_address_where_the_file_says_none() -> None:
    published = read("services: {a: {}, b: {}}", "compose.yaml")

    assert [str(host.addresses[0].address) for host in published.hosts] == ["172.18.0.2", "172.18.0.3"]
    assert [bridge.interface for bridge in published.bridges] == ["br-172.18.0.0"]
    assert [note.name for note in published.notes] == ["address of a container"] * 2


NETWORKS = """\
networks:
  front: {ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: "2001:db8::/64"}]}}
  back: {internal: true}
"""


def test_networks_have_their_own_addresses() -> None:
    service = "    networks: {front: {ipv4_address: 10.1.0.80}, back: null}\n"

    published = one("8080:80", service + NETWORKS)

    (container,) = published.containers
    assert [str(own.address) for own in container.addresses] == ["172.18.0.2", "10.1.0.80", "2001:db8::2"]
    assert container.publishing == {4: ip_address("10.1.0.80"), 6: ip_address("2001:db8::2")}
    assert container.bridge == "br-10.1.0.0"
    assert published.ports[0].families == {4, 6}
    assert {bridge.name: bridge.publishes for bridge in published.bridges} == {"front": True, "back": False}


def test_a_bridge_is_called_after_its_network_s_address_where_nobody_says() -> None:
    text = """\
services: {a: {networks: [one, two]}}
networks: {one: {}, two: {driver_opts: {com.docker.network.bridge.name: web0}}}
"""
    names = [bridge.interface for bridge in read(text, "compose.yaml").bridges]

    assert names == ["br-172.18.0.0", "web0"]


def test_containers_are_called_as_compose_calls_them() -> None:
    text = "name: shop\nservices: {web: {}, db: {container_name: store}}\n"

    assert [host.name for host in read(text, "compose.yaml").hosts] == ["shop-web", "store"]


def test_networks_without_a_subnet_keep_away_from_others() -> None:
    published = read("services: {a: {}}", "compose.yaml", taken=[ip_network("172.18.0.0/15")])

    assert published.bridges[0].addresses[0].prefix == ip_network("172.20.0.0/16")


def test_what_a_compose_file_does_not_say_itself_is_named() -> None:
    text = """\
include: [other.yaml]
services:
  a: {network_mode: host, ports: ["80:80"]}
  b: {extends: {service: c}}
  c: {network_mode: "service:b"}
  d: {network_mode: none}
  e: {ports: ["${PORT:-80}:80"]}
networks: {default: {driver: macvlan}}
"""
    published = read(text, "compose.yaml")

    noted = [(note.support, note.name) for note in published.notes if note.name != "address of a container"]
    assert noted == [
        (Support.REFUSED, "include"),
        (Support.WIDENED, "driver macvlan"),
        (Support.WIDENED, "network_mode host"),
        (Support.REFUSED, "extends"),
        (Support.WIDENED, "variable"),
    ]
    assert [container.name for container in published.containers] == ["b", "e"]


MANY = ", ".join(f"n{at}: null" for at in range(15))
MISTAKES = [
    ("a: b", "compose.yaml:1:1: expected 'services:' of a compose file"),
    ("services: {a: 7}", "compose.yaml:1:15: expected a service, found 7"),
    ("services: {a: {ports: 80}}", "compose.yaml:1:23: expected a list of ports, found 80"),
    ("services: {a: {ports: [true]}}", "compose.yaml:1:24: expected a port like 8080:80, found True"),
    ("services: {a: {ports: ['web:80']}}", "expected a port like 8080:80, 127.0.0.1:8080:80 or 80/udp"),
    ("services: {a: {ports: ['1.2.3.999:1:1']}}", "expected an address, found '1.2.3.999'"),
    ("services: {a: {ports: ['1-2:1-3']}}", "expected as many ports as 1-2, found 1-3"),
    ("services: {a: {ports: ['0:80']}}", "expected a port, or a range like 8000-8010, found '0'"),
    ("services: {a: {ports: ['80:80/icmp']}}", "expected tcp, udp or sctp, found 'icmp'"),
    ("services: {a: {ports: ['${PORT}:80']}}", "found the variable ${PORT}; `docker compose config` prints"),
    ("services: {a: {ports: [{published: 80}]}}", "expected the container's port as target"),
    ("services: {a: {ports: [{targt: 80}]}}", "compose.yaml:1:25: expected target, published"),
    ("services: {a: {expose: 80}}", "compose.yaml:1:24: expected a list of ports, found 80"),
    ("services: {a: {networks: [b]}}", "expected a network of this file, found 'b'"),
    ("services: {a: {networks: 7}}", "expected the names of networks, found 7"),
    (
        "services: {}\nnetworks: {a: {ipam: {config: [{subnet: 10.0.0.1/8}]}}}",
        "expected a subnet, found '10.0.0.1/8'",
    ),
    (
        "services: {a: {networks: {b: {ipv4_address: 10.0.0.x}}}}\n"
        "networks: {b: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}",
        "expected an address, found '10.0.0.x'",
    ),
    (
        "services: {a: {networks: {b: {ipv4_address: 11.0.0.1}}}}\n"
        "networks: {b: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}",
        "expected an address of 10.0.0.0/8, found '11.0.0.1'",
    ),
    (f"services: {{}}\nnetworks: {{{MANY}}}", "expected at most 14 networks without a subnet, found more"),
]


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    with pytest.raises(ExceptionGroup) as told:
        read(text, "compose.yaml")

    assert mistake in str(told.value.exceptions[0])
