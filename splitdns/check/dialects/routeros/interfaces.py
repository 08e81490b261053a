"""Interfaces by name: what kind each is, which bridge it is a port of, and which lists it is in.

An export names only what differs from the factory: an Ethernet port that was never touched appears where an
address, a bridge or a list names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.model import Support
from splitdns.value import value

TUNNELS = frozenset({
    "wireguard", "pppoe-client", "pptp-client", "l2tp-client", "sstp-client", "ovpn-client", "ppp-client",
    "gre", "ipip", "eoip-none", "6to4", "gre6", "ipipv6", "lte", "l2tp-server", "pptp-server", "sstp-server",
    "ovpn-server", "pppoe-server", "zerotier",
})  # fmt: skip
_PPP = TUNNELS - {"wireguard", "gre", "ipip", "6to4", "gre6", "ipipv6", "lte", "zerotier"}
_KINDS = {  # menus whose items are interfaces of a kind with another name
    "ethernet": "ethernet", "bridge": "bridge", "vlan": "vlan", "bonding": "bonding", "vrrp": "vrrp",
    "vxlan": "vxlan", "eoip": "eoip", "eoipv6": "eoip", "wireless": "wlan", "wifi": "wlan",
    "wifiwave2": "wlan", "veth": "veth", "macvlan": "macvlan", "lte": "lte",
}  # fmt: skip
_GROUPS = {"all-ethernet": "ethernet", "all-vlan": "vlan", "all-wireless": "wlan"}
EVERY = frozenset({"*"})
_UNKNOWN_LISTS = frozenset({"dynamic"})


@value(frozen=True, slots=True)
class Faces:
    """``kinds`` by name; ``bridges`` by port; ``lists`` by name, None for one whose members are not known."""

    kinds: Mapping[str, str]
    bridges: Mapping[str, str]
    down: frozenset[str]
    lists: Mapping[str, frozenset[str] | None]

    def meant(self, name: str) -> frozenset[str]:
        """The interfaces that a rule's ``in-interface`` means, which may be a group of them."""
        if name in self.kinds:
            return frozenset({name})
        if name == "all-ppp":
            return frozenset(one for one, kind in self.kinds.items() if kind in _PPP)
        if name in _GROUPS:
            return frozenset(one for one, kind in self.kinds.items() if kind == _GROUPS[name])
        return frozenset({name})

    def route(self, name: str) -> str:
        """The interface that addresses of ``name`` are met at: a port's bridge, for a port."""
        return self.bridges.get(name, name)


def faces_of(config: Config) -> Faces:
    kinds: dict[str, str] = {}
    down = set()
    for menu, items in config.items.items():
        kind = _kind(menu)
        for item in items if kind else ():
            name = item.get("name") or item.get("default-name")
            if name:
                kinds[name] = kind
                if not item.enabled:
                    down.add(name)
    for name, kind in _named(config):
        kinds.setdefault(name, kind)
    lists = _lists(config, kinds)
    bridges = {}
    for item in config.of("interface bridge port"):
        name, bridge = item.get("interface"), item.get("bridge")
        for port in lists.get(name) or {name}:
            if port and bridge and port != bridge:
                bridges[port] = bridge
                kinds.setdefault(port, "ethernet")
                kinds.setdefault(bridge, "bridge")
    return Faces(kinds, bridges, frozenset(down), lists)


def _kind(menu: str) -> str:
    if not menu.startswith("interface "):
        return ""
    name = menu.removeprefix("interface ")
    return name if name in TUNNELS else _KINDS.get(name, "")


def _named(config: Config) -> Iterator[tuple[str, str]]:
    """Interfaces that only others name."""
    for menu in ("ip address", "ipv6 address", "ip dhcp-client", "ipv6 dhcp-client", "ip dhcp-server"):
        for item in config.items.get(menu, ()):
            if item.has("interface"):
                yield item.get("interface"), "ethernet"
    for item in config.items.get("interface list member", ()):
        if item.has("interface"):
            yield item.get("interface"), "ethernet"


def _lists(config: Config, kinds: Mapping[str, str]) -> dict[str, frozenset[str] | None]:
    own: dict[str, set[str]] = {}
    made: dict[str, Item] = {}
    for item in config.of("interface list"):
        made[item.get("name")] = item
        own.setdefault(item.get("name"), set())
    for item in config.of("interface list member"):
        own.setdefault(item.get("list"), set()).add(item.get("interface"))
    lists: dict[str, frozenset[str] | None] = {
        "all": EVERY, "none": frozenset(), "static": frozenset(kinds) or EVERY,
        **dict.fromkeys(_UNKNOWN_LISTS),
    }  # fmt: skip

    def members(name: str, above: frozenset[str]) -> frozenset[str] | None:
        if name in lists:
            return lists[name]
        if name in above or len(above) > 50:
            return frozenset()
        found = frozenset(own.get(name, ()))
        item = made.get(name)
        for key in ("include", "exclude") if item is not None else ():
            assert item is not None
            for other in filter(None, item.get(key).split(",")):
                more = members(other, above | {name})
                if more is None:
                    return None
                found = found | more if key == "include" else found - more
        lists[name] = found
        return found

    for name in list(own):
        members(name, frozenset())
    return lists


def note_ports(config: Config, faces: Faces, item: Item, names: frozenset[str]) -> None:
    """A rule that names a port of a bridge: the firewall sees the bridge."""
    ports = sorted(names & set(faces.bridges))
    if ports and config.setting("interface bridge settings", "use-ip-firewall") != "yes":
        reason = f"rules see the bridge {faces.bridges[ports[0]]}, and never its port"
        config.note(Support.IGNORED, f"interface {ports[0]}", item.origin, reason)
