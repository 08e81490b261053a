"""Compose files: what Docker will publish when the services run (compose-spec, "ports" and "networks").

A compose file names no addresses unless it has ``ipam`` and ``ipv4_address``, so networks take the next free
/16 of Docker's own pools here, and services the next address, as they do when Docker starts with nothing else
there. Every such address is noted. What depends on the environment or on other files is resolved by
``docker compose config``, which prints a file that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address, ip_network

from splitdns.check.dialects.docker_published import (
    BRIDGE_NAME,
    EPHEMERAL,
    Bridge,
    Container,
    Published,
    PublishedPort,
    families_of,
    port_range,
    protocol_number,
)
from splitdns.check.model import InterfaceAddress, Note, Origin, Support
from splitdns.check.sets import Address, Numbers, Prefix
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import marked
from splitdns.load.marked import Document, Path, Value
from splitdns.value import value

RESOLVED = "`docker compose config` prints the file with everything resolved"
DEFAULT = "default"
_POOL = tuple(IPv4Network(f"172.{at}.0.0/16") for at in range(18, 32))  # dockerd, default-address-pools
_VARIABLE = re.compile(r"\$(?:\$|\{[A-Za-z_]\w*(?::?-(?P<default>[^${}]*))?\}|[A-Za-z_]\w*)")
_SHORT = re.compile(
    r"(?:(?:\[(?P<six>[^]]*)\]|(?P<four>[0-9]+(?:\.[0-9]+){3}|localhost)):)?(?:(?P<host>[0-9-]*):)?"
    r"(?P<to>[0-9-]+)(?:/(?P<protocol>\w+))?"
)
_MODES_WITHOUT_PORTS = ("none", "host")


@dataclass(slots=True)
class _Net:
    """A network of the file; ``taken`` counts the addresses that were given out."""

    bridge: Bridge
    prefixes: list[Prefix]
    is_assumed: bool
    taken: int = 1


@dataclass(slots=True)
class _Reader:
    document: Document
    taken: list[IPv4Network]
    problems: Problems = field(default_factory=Problems)
    networks: dict[str, _Net] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)
    ports: list[PublishedPort] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def where(self, path: Path) -> Where:
        return self.document.where(path)

    def wrong(self, path: Path, expected: str, found: Value) -> ConfigError:
        return ConfigError(self.where(path), f"expected {expected}, found {found!r:.60}")

    def note(self, support: Support, name: str, path: Path, words: str, reason: str) -> None:
        self.notes.append(Note(support, name, Origin(self.where(path), words, "Docker"), reason))


def read(text: str, file: str, *, taken: Iterable[Prefix] = ()) -> Published:
    """Read a compose file; ``taken`` are prefixes that its networks will not have, being others'.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    reader = _Reader(marked.read(text, file), [one for one in taken if isinstance(one, IPv4Network)])
    data = reader.document.data
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        raise ExceptionGroup(file, [ConfigError(Where(file, 1, 1), "expected 'services:' of a compose file")])
    if "include" in data:
        reader.note(Support.REFUSED, "include", ("include",), "include", f"other files; {RESOLVED}")
    services = data["services"]
    assert isinstance(services, dict)
    _networks(reader, data.get("networks"), services)
    for name, service in services.items():
        try:
            _service(reader, name, service)
        except ConfigError as error:
            reader.problems.error(error)
    reader.problems.raise_errors(file)
    bridges = tuple(net.bridge for net in reader.networks.values() if net.taken > 1)
    return Published(bridges, tuple(reader.containers), tuple(reader.ports), tuple(reader.notes))


# --- Networks -----------------------------------------------------------------------------------------------


def _networks(reader: _Reader, networks: Value, services: dict[str, Value]) -> None:
    """Those of the file, and the default one where a service names none."""
    told = networks if isinstance(networks, dict) else {}
    is_needed = any(not isinstance(one, dict) or not one.get("networks") for one in services.values())
    for name in dict.fromkeys((*told, *((DEFAULT,) if is_needed else ()))):
        try:
            _network(reader, name, told.get(name))
        except ConfigError as error:
            reader.problems.error(error)


def _network(reader: _Reader, name: str, settings: Value) -> None:
    path: Path = ("networks", name)
    options = settings if isinstance(settings, dict) else {}
    driver = options.get("driver", "bridge")
    if driver not in ("bridge", None):
        reader.note(Support.WIDENED, f"driver {driver}", path, name, "only bridges are modelled")
    prefixes = list(_subnets(reader, options, path))
    is_assumed = not prefixes
    if is_assumed:
        free = next((one for one in _POOL if not any(map(one.overlaps, reader.taken))), None)
        if free is None:
            message = f"expected at most {len(_POOL)} networks without a subnet, found more"
            raise ConfigError(reader.where(path), message)
        prefixes = [free]
    reader.taken += [one for one in prefixes if isinstance(one, IPv4Network)]
    addresses = tuple(InterfaceAddress(prefix[1], prefix) for prefix in prefixes)
    origin = Origin(reader.where(path), f"network {name}", "Docker")
    publishes = options.get("internal") is not True
    bridge = Bridge(name, _interface(options, prefixes[0]), addresses, origin, publishes)
    reader.networks[name] = _Net(bridge, prefixes, is_assumed)


def _interface(options: dict[str, Value], prefix: Prefix) -> str:
    """The bridge's name; Docker would make it from a number that nobody knows yet."""
    told = options.get("driver_opts")
    named = told.get(BRIDGE_NAME) if isinstance(told, dict) else None
    return named if isinstance(named, str) else f"br-{prefix.network_address}"


def _subnets(reader: _Reader, options: dict[str, Value], at: Path) -> Iterator[Prefix]:
    ipam = options.get("ipam")
    rows = ipam.get("config") if isinstance(ipam, dict) else None
    for row_at, row in enumerate(rows if isinstance(rows, list) else []):
        path = (*at, "ipam", "config", row_at)
        subnet = row.get("subnet") if isinstance(row, dict) else None
        if subnet is None:
            continue
        try:
            yield ip_network(str(subnet))
        except ValueError:
            raise reader.wrong(path, "a subnet", subnet) from None


# --- Services -----------------------------------------------------------------------------------------------


def _service(reader: _Reader, name: str, service: Value) -> None:
    path: Path = ("services", name)
    if not isinstance(service, dict):
        raise reader.wrong(path, "a service", service)
    if "extends" in service:
        reader.note(Support.REFUSED, "extends", (*path, "extends"), name, f"other services; {RESOLVED}")
    mode = service.get("network_mode")
    if mode == "host":
        reason = f"the ports of the service {name!r} are the host's own"
        reader.note(Support.WIDENED, "network_mode host", (*path, "network_mode"), name, reason)
    if mode in _MODES_WITHOUT_PORTS or (isinstance(mode, str) and ":" in mode):
        return
    origin = Origin(reader.where(path), f"service {name}", "Docker")
    project = reader.document.data.get("name") if isinstance(reader.document.data, dict) else None
    called = service.get("container_name") or (f"{project}-{name}" if project else name)
    container = _container(reader, name, str(called), service, origin)
    reader.containers.append(container)
    ports = service.get("ports")
    if ports is not None and not isinstance(ports, list):
        raise reader.wrong((*path, "ports"), "a list of ports", ports)
    for at, port in enumerate(ports or []):
        place = (*path, "ports", at)
        try:
            reader.ports += _port(reader, container, port, place)
        except ConfigError as error:
            reader.problems.error(error)


def _container(
    reader: _Reader, name: str, called: str, service: dict[str, Value], origin: Origin
) -> Container:
    path: Path = ("services", name, "networks")
    told = service.get("networks") or {}
    if not isinstance(told, dict | list):
        raise reader.wrong(path, "the names of networks", told)
    settings: dict[str, Value] = told if isinstance(told, dict) else dict.fromkeys(map(str, told))
    addresses: list[InterfaceAddress] = []
    publishing: dict[int, Address] = {}
    bridge: str | None = None
    for network in sorted(settings) or [DEFAULT]:
        net = reader.networks.get(network)
        if net is None:
            raise reader.wrong(path, "a network of this file", network)
        own = list(_addresses(reader, net, settings.get(network), (*path, network)))
        if net.is_assumed:
            reason = f"taken for {own[0].address}: the file does not say; `docker inspect` does"
            reader.note(Support.WIDENED, "address of a container", path[:2], f"service {name}", reason)
        addresses += own
        if net.bridge.publishes and not publishing:
            publishing = {one.address.version: one.address for one in own}
            bridge = net.bridge.interface
    exposed = tuple(_exposed(reader, service, ("services", name, "expose")))
    return Container(called, tuple(addresses), publishing, bridge, origin, exposed)


def _exposed(
    reader: _Reader, service: dict[str, Value], at: Path
) -> Iterator[tuple[int, Numbers]]:
    """``expose``: ports for the other services."""
    told = service.get("expose") or []
    if not isinstance(told, list):
        raise reader.wrong(at, "a list of ports", told)
    for number, one in enumerate(told):
        where = reader.where((*at, number))
        ports, _, protocol = _resolved(reader, str(one), (*at, number)).partition("/")
        yield protocol_number(protocol or "tcp", where), port_range(ports, where, str(one))


def _addresses(reader: _Reader, net: _Net, settings: Value, at: Path) -> Iterator[InterfaceAddress]:
    net.taken += 1
    for prefix in net.prefixes:
        key = f"ipv{prefix.version}_address"
        told = settings.get(key) if isinstance(settings, dict) else None
        if told is None:
            yield InterfaceAddress(prefix[net.taken], prefix)
            continue
        try:
            address = ip_address(str(told))
        except ValueError:
            raise reader.wrong((*at, key), "an address", told) from None
        if address not in prefix:
            raise reader.wrong((*at, key), f"an address of {prefix}", told)
        yield InterfaceAddress(address, prefix)


# --- Ports --------------------------------------------------------------------------------------------------


@value(frozen=True, slots=True)
class _Port:
    """A port as it is written."""

    to: str
    host: str
    protocol: str
    address: str


def _port(reader: _Reader, container: Container, port: Value, at: Path) -> Iterator[PublishedPort]:
    where = reader.where(at)
    written = _long(reader, port, at) if isinstance(port, dict) else _short(reader, port, at)
    words = f"{container.name}: {written.address or '*'}:{written.host} → {written.to}/{written.protocol}"
    origin = Origin(where, words, "Docker")
    address: Address | None = None
    if written.address:
        try:
            address = ip_address("127.0.0.1" if written.address == "localhost" else written.address)
        except ValueError:
            raise ConfigError(where, f"expected an address, found {written.address!r}") from None
    if address is not None and address.is_loopback:
        return  # nobody else reaches it
    to = port_range(written.to, where, written.to)
    host = port_range(written.host, where, written.host) if written.host else EPHEMERAL
    chosen = not written.host or (to.size == 1 and host.size > 1)
    if not chosen and host.size != to.size:
        raise ConfigError(where, f"expected as many ports as {written.host}, found {written.to}")
    families = families_of(None if address is None or address.is_unspecified else address, container)
    if address is not None:
        families &= {address.version}
    bound = None if address is None or address.is_unspecified else address
    protocol = protocol_number(written.protocol, where)
    yield PublishedPort(container, protocol, host, to, bound, families, origin, chosen)


def _short(reader: _Reader, port: Value, at: Path) -> _Port:
    """``[HOST:]CONTAINER[/PROTOCOL]``, HOST being ``[ADDRESS:][PORTS]``."""
    if isinstance(port, bool) or not isinstance(port, int | str):
        raise reader.wrong(at, "a port like 8080:80", port)
    text = _resolved(reader, str(port), at)
    found = _SHORT.fullmatch(text)
    if not found:
        raise reader.wrong(at, "a port like 8080:80, 127.0.0.1:8080:80 or 80/udp", port)
    address = found["six"] or found["four"] or ""
    return _Port(found["to"], found["host"] or "", found["protocol"] or "tcp", address)


def _long(reader: _Reader, port: dict[str, Value], at: Path) -> _Port:
    for key in port:
        if key not in ("target", "published", "protocol", "host_ip", "mode", "name", "app_protocol"):
            found = reader.document.where_key((*at, key))
            raise ConfigError(found, f"expected target, published, protocol or host_ip, found {key!r:.40}")
    if "target" not in port:
        raise reader.wrong(at, "the container's port as target", port)

    def text(key: str, usual: str) -> str:
        value = port.get(key, usual)
        return _resolved(reader, usual if value is None else str(value), (*at, key))

    address = text("host_ip", "").strip("[]")
    return _Port(text("target", ""), text("published", ""), text("protocol", "tcp"), address)


def _resolved(reader: _Reader, text: str, at: Path) -> str:
    """The text with each ``${NAME:-default}`` replaced by what it is without an environment."""
    if "$" not in text:
        return text

    def default(found: re.Match[str]) -> str:
        if found["default"] is None:
            raise ConfigError(reader.where(at), f"expected a port, found the variable {found[0]}; {RESOLVED}")
        reason = f"taken for its default {found['default']!r}; {RESOLVED}"
        reader.note(Support.WIDENED, "variable", at, found[0], reason)
        return found["default"]

    return _VARIABLE.sub(default, text)
