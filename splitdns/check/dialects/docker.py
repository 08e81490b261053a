"""``docker inspect``: running containers, and networks where they are asked for too.

What it prints of a container has the ports that are published and the addresses in each network, but of a
network only its number, from which the bridge's name follows. Where networks are inspected as well, it is
known what their bridges are called, and which are internal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.dialects.docker_published import (
    BRIDGE_NAME,
    Bridge,
    Container,
    Published,
    PublishedPort,
    families_of,
    port_range,
    protocol_number,
)
from splitdns.check.model import InterfaceAddress, Note, Origin, Support
from splitdns.check.sets import Address, Numbers
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import marked
from splitdns.load.marked import Document, Path, Value

DEFAULT_NETWORK, DEFAULT_BRIDGE = "bridge", "docker0"

Mapping = dict[str, Value]


@dataclass(slots=True)
class _Network:
    """What is known of one of Docker's networks."""

    name: str
    interface: str
    addresses: list[InterfaceAddress]
    origin: Origin
    driver: str = "bridge"
    internal: bool = False


@dataclass(slots=True)
class _Reader:
    document: Document
    problems: Problems = field(default_factory=Problems)
    networks: dict[str, _Network] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)
    ports: list[PublishedPort] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def where(self, path: Path) -> Where:
        return self.document.where(path)

    def text(self, value: Value, path: Path, what: str) -> str:
        if not isinstance(value, str):
            raise ConfigError(self.where(path), f"expected {what}, found {value!r:.40}")
        return value

    def address(self, value: Value, path: Path) -> Address | None:
        """An address; None where Docker has left it empty."""
        if value in (None, "", "invalid IP"):
            return None
        try:
            return ip_address(self.text(value, path, "an address").partition("/")[0])
        except ValueError:
            raise ConfigError(self.where(path), f"expected an address, found {value!r:.60}") from None


def read(text: str, file: str) -> Published:
    """Read the JSON of ``docker inspect``, and of ``docker network inspect`` after it.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    reader = _Reader(marked.read(_joined(text), file))
    things = reader.document.data
    if not isinstance(things, list):
        wrong = ConfigError(Where(file, 1, 1), "expected the list that docker inspect prints")
        raise ExceptionGroup(file, [wrong])
    for at, thing in enumerate(things):
        try:
            _network(reader, thing, (at,))
        except ConfigError as error:
            reader.problems.error(error)
    for at, thing in enumerate(things):
        try:
            _container(reader, thing, (at,))
        except ConfigError as error:
            reader.problems.error(error)
    reader.problems.raise_errors(file)
    bridges = tuple(
        Bridge(one.name, one.interface, tuple(dict.fromkeys(one.addresses)), one.origin, not one.internal)
        for one in reader.networks.values()
        if one.driver == "bridge"
    )
    return Published(bridges, tuple(reader.containers), tuple(reader.ports), tuple(reader.notes))


def _joined(text: str) -> str:
    """Several lists, one after the other, as one; each place stays where it is."""
    return text.replace("\n]\n[\n", "\n,\n\n")


# --- Networks -----------------------------------------------------------------------------------------------


def _network(reader: _Reader, thing: Value, at: Path) -> None:
    """What ``docker network inspect`` says; anything else is left alone."""
    if not isinstance(thing, dict) or "IPAM" not in thing:
        return
    name = reader.text(thing.get("Name"), (*at, "Name"), "the network's name")
    number = reader.text(thing.get("Id"), (*at, "Id"), "the network's number")
    options = thing.get("Options")
    named = options.get(BRIDGE_NAME) if isinstance(options, dict) else None
    ipam = thing.get("IPAM")
    rows = ipam.get("Config") if isinstance(ipam, dict) else None
    addresses = []
    for row_at, row in enumerate(rows if isinstance(rows, list) else []):
        path = (*at, "IPAM", "Config", row_at)
        if isinstance(row, dict) and row.get("Subnet"):
            try:
                prefix = ip_network(reader.text(row["Subnet"], path, "a subnet"), strict=False)
            except ValueError:
                found = f"{row['Subnet']!r:.60}"
                raise ConfigError(reader.where(path), f"expected a subnet, found {found}") from None
            gateway = reader.address(row.get("Gateway"), path) or prefix[1]
            addresses.append(InterfaceAddress(gateway, prefix))
    reader.networks[number] = _Network(
        name,
        named if isinstance(named, str) else _bridge_name(name, number),
        addresses,
        Origin(reader.where(at), f"network {name}", "Docker"),
        str(thing.get("Driver")),
        thing.get("Internal") is True,
    )


def _bridge_name(name: str, number: str) -> str:
    return DEFAULT_BRIDGE if name == DEFAULT_NETWORK else f"br-{number[:12]}"


# --- Containers ---------------------------------------------------------------------------------------------


def _container(reader: _Reader, thing: Value, at: Path) -> None:
    if isinstance(thing, dict) and "IPAM" in thing:
        return
    if not isinstance(thing, dict) or "NetworkSettings" not in thing:
        raise ConfigError(reader.where(at), "expected a container or a network, as docker inspect prints it")
    state = thing.get("State")
    if isinstance(state, dict) and state.get("Running") is False:
        return
    name = reader.text(thing.get("Name"), (*at, "Name"), "the container's name").lstrip("/")
    origin = Origin(reader.where(at), f"container {name}", "Docker")
    host = thing.get("HostConfig")
    mode = host.get("NetworkMode") if isinstance(host, dict) else None
    if mode == "host":
        reason = f"the ports of the container {name!r} are the host's own"
        reader.notes.append(Note(Support.WIDENED, "network_mode host", origin, reason))
        return
    settings = thing["NetworkSettings"]
    if not isinstance(settings, dict):
        raise ConfigError(reader.where((*at, "NetworkSettings")), "expected a mapping")
    addresses: list[InterfaceAddress] = []
    publishing: dict[int, Address] = {}
    bridge: str | None = None
    for network, endpoint, path in _endpoints(settings, (*at, "NetworkSettings", "Networks")):
        found, own = _endpoint(reader, network, endpoint, path)
        addresses += own
        if found.driver == "bridge" and not found.internal and own and not publishing:
            publishing = {one.address.version: one.address for one in own}
            bridge = found.interface
    ports, place = settings.get("Ports"), (*at, "NetworkSettings", "Ports")
    exposed = tuple(_exposed(reader, ports, place))
    container = Container(name, tuple(addresses), publishing, bridge, origin, exposed)
    reader.containers.append(container)
    _ports(reader, container, ports, place)


def _endpoints(settings: Mapping, at: Path) -> Iterator[tuple[str, Mapping, Path]]:
    """Its networks; the one whose router is the container's default comes first."""
    networks = settings.get("Networks")
    if not isinstance(networks, dict):
        return

    def order(name: str) -> tuple[int, str]:
        endpoint = networks[name]
        priority = endpoint.get("GwPriority") if isinstance(endpoint, dict) else 0
        return -(priority if isinstance(priority, int) else 0), name

    for name in sorted(networks, key=order):
        endpoint = networks[name]
        if isinstance(endpoint, dict):
            yield name, endpoint, (*at, name)


def _endpoint(
    reader: _Reader, name: str, endpoint: Mapping, at: Path
) -> tuple[_Network, list[InterfaceAddress]]:
    """The network, and the container's addresses in it."""
    number = reader.text(endpoint.get("NetworkID", ""), at, "the network's number")
    network = reader.networks.get(number)
    is_told = network is not None and bool(network.addresses)
    if network is None:
        origin = Origin(reader.where(at), f"network {name}", "Docker")
        network = reader.networks[number] = _Network(name, _bridge_name(name, number), [], origin)
    own = []
    for key, length_key, router_key in (
        ("IPAddress", "IPPrefixLen", "Gateway"),
        ("GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway"),
    ):
        address = reader.address(endpoint.get(key), (*at, key))
        length = endpoint.get(length_key)
        if address is None:
            continue
        if not isinstance(length, int) or not 0 < length <= address.max_prefixlen:
            where = reader.where((*at, length_key))
            raise ConfigError(where, f"expected a prefix length, found {length!r:.40}")
        prefix = ip_interface(f"{address}/{length}").network
        own.append(InterfaceAddress(address, prefix))
        router = reader.address(endpoint.get(router_key), (*at, router_key))
        if router is not None and not is_told:
            network.addresses.append(InterfaceAddress(router, prefix))
    return network, own


# --- Ports --------------------------------------------------------------------------------------------------


def _exposed(reader: _Reader, ports: Value, at: Path) -> Iterator[tuple[int, Numbers]]:
    for key in ports if isinstance(ports, dict) else ():
        number, _, protocol = key.partition("/")
        where = reader.where((*at, key))
        yield protocol_number(protocol or "tcp", where), port_range(number, where, key)


def _ports(reader: _Reader, container: Container, ports: Value, at: Path) -> None:
    """``{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, …], "9000/tcp": null}``"""
    if not isinstance(ports, dict):
        return
    for key, bindings in ports.items():
        if not isinstance(bindings, list):
            continue  # exposed, and not published
        path = (*at, key)
        number, _, protocol = key.partition("/")
        to = port_range(number, reader.where(path), key)
        for row_at, row in enumerate(bindings):
            place = (*path, row_at)
            if not isinstance(row, dict):
                raise ConfigError(reader.where(place), "expected a mapping with HostIp and HostPort")
            text = reader.text(row.get("HostPort"), place, "the host's port")
            address = reader.address(row.get("HostIp"), place)
            words = f"{row.get('HostIp') or '*'}:{text} → {container.name}:{key}"
            origin = Origin(reader.where(place), words, "Docker")
            if address is not None and address.is_loopback:
                continue  # nobody else reaches it
            version = None if address is None else address.version
            bound = None if address is None or address.is_unspecified else address
            families = families_of(bound, container) & ({4, 6} if version is None else {version})
            if not families:
                reader.notes.append(_by_proxy(origin, container))
                continue
            reader.ports.append(
                PublishedPort(
                    container,
                    protocol_number(protocol or "tcp", reader.where(path)),
                    port_range(text, reader.where(place), text),
                    to,
                    bound,
                    frozenset(families),
                    origin,
                )
            )


def _by_proxy(origin: Origin, container: Container) -> Note:
    reason = (
        f"the container {container.name!r} has no address of this family: the host's own port is open, and"
        " Docker's proxy passes connections on"
    )
    return Note(Support.WIDENED, "userland proxy", origin, reason)
