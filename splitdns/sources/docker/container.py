"""A container as the engine's list shows it: its labels, its ports at the host, its networks.

What is read is what `GET /containers/json` and `GET /networks` answer (Docker Engine API 1.24 and later;
Podman answers the same). The engine is a peer: what it sends wrongly or not at all is left out, and nothing
raises.

>>> shown = {"Id": "8dfafdbc3a40", "Names": ["/web"], "Ports": [{"PrivatePort": 80, "PublicPort": 8080}]}
>>> container = containers_in([shown])[0]
>>> container.name, container.ports
('web', (Published(protocol='tcp', port=8080, at=IPv4Address('0.0.0.0')),))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from splitdns.value import value

Address = IPv4Address | IPv6Address

HOST = "host"
MAX_INSPECTED = 200  # containers that are asked for one by one; beyond: they are met nowhere

_LAN_DRIVERS = ("macvlan", "ipvlan")  # their containers are hosts on the LAN
_GATEWAY_MODE = "com.docker.network.bridge.gateway_mode_ipv"  # Engine 27: "routed" is without NAT
_COMPOSE = ("com.docker.compose.project", "com.docker.compose.service")


@value(frozen=True, slots=True)
class Published:
    """A port of the host that leads into a container; ``at`` 0.0.0.0 or ::, at all its addresses."""

    protocol: str
    port: int
    at: Address


@value(frozen=True, slots=True)
class Container:
    """``name`` without its slash. ``addresses`` by the network's id.

    ``mode`` is `host`, `container:ID` or a network. ``service``: replicas of one have it in common.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    mode: str = "default"
    ports: tuple[Published, ...] = ()
    addresses: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    created_s: int = 0
    service: str = ""


def containers_in(listed: object) -> list[Container]:
    """The containers of a list, the oldest first: who came first keeps what it has."""
    found = [one for one in map(_container, _items(listed)) if one is not None]
    found.sort(key=lambda one: (one.created_s, one.id))
    by_id = {one.id: one for one in found}
    return [_at_home(one, by_id) for one in found]


def without_mode(listed: object) -> list[dict[str, Any]]:
    """Those of a list that it says too little of: Podman leaves the network mode out."""
    return [
        one
        for one in _items(listed)
        if "HostConfig" not in one and _text(one, "Id") and not _addresses(one) and not one.get("Ports")
    ][:MAX_INSPECTED]


def reachable_networks(listed: object) -> frozenset[tuple[str, int]]:
    """The networks (id or name, family) of a list whose containers can be reached from the LAN as they are.

    A name is what Podman's containers call the id of theirs.
    """
    found: set[tuple[str, int]] = set()
    for network in _items(listed):
        options = _mapping(network, "Options")
        for family in (4, 6):
            is_routed = options.get(f"{_GATEWAY_MODE}{family}") == "routed"
            if network.get("Driver") in _LAN_DRIVERS or is_routed:
                found.update((_text(network, key), family) for key in ("Id", "Name"))
    return frozenset(found)


def _container(shown: Mapping[str, Any]) -> Container | None:
    identity = _text(shown, "Id")
    if not identity:
        return None
    labels = {
        _printed(key): _printed(value)
        for key, value in _mapping(shown, "Labels").items()
        if isinstance(value, str)
    }
    names = [_printed(one) for one in shown.get("Names") or () if isinstance(one, str)]
    own = [one for one in names if one.count("/") == 1]  # others are links to it: /other/alias
    created = shown.get("Created")
    service = "/".join(labels.get(one, "") for one in _COMPOSE)
    return Container(
        identity,
        (own or names or [identity[:12]])[0].lstrip("/"),
        labels,
        _text(_mapping(shown, "HostConfig"), "NetworkMode") or "default",
        tuple(_published(shown)),
        _addresses(shown),
        created if isinstance(created, int) else 0,
        service if service != "/" else "",
    )


def _published(shown: Mapping[str, Any]) -> Iterator[Published]:
    for one in _items(shown.get("Ports")):
        port, protocol = one.get("PublicPort"), one.get("Type", "tcp")
        if type(port) is not int or not 0 < port <= 65_535 or protocol not in ("tcp", "udp"):
            continue
        at = _address(_text(one, "IP") or "0.0.0.0")  # Podman leaves it out  # noqa: S104
        if at is not None:
            yield Published(protocol, port, at)


def _addresses(shown: Mapping[str, Any]) -> dict[str, tuple[Address, ...]]:
    found: dict[str, tuple[Address, ...]] = {}
    for network in _mapping(_mapping(shown, "NetworkSettings"), "Networks").values():
        if isinstance(network, dict):
            both = (_address(_text(network, key)) for key in ("IPAddress", "GlobalIPv6Address"))
            found[_text(network, "NetworkID")] = tuple(one for one in both if one is not None)
    return found


def _at_home(one: Container, by_id: Mapping[str, Container]) -> Container:
    """A container in another one's network, as its VPN's, is met where that one is."""
    kind, _, other = one.mode.partition(":")
    home = by_id.get(other) if kind == "container" else None
    if home is None or home is one:
        return one
    return replace(one, mode=home.mode, ports=home.ports, addresses=home.addresses)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _printed(text: str) -> str:
    """JSON has halves of characters, which no output takes."""
    return text.encode(errors="replace").decode()


def _items(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
