"""What UniFi's controller keeps, as the configuration that it gives to a gateway.

The controller's API has a list for each kind of thing (``rest/networkconf``, ``rest/portforward``,
``rest/firewallrule``, ``rest/firewallgroup``, ``rest/routing``, ``rest/user``, ``stat/device``). Gateways get
of them what an EdgeRouter would: rule sets by where packets come from, with rules of the controller's own at
their ends; and forwards that hold for clients inside, too, with the gateway's address towards a server of
their own network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_interface, ip_network

from splitdns.check.dialects.unifi.places import Item
from splitdns.check.dialects.vyos.shown import Shown
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.model import InterfaceAddress

_STATES = ("established", "related", "new", "invalid")
_GROUPS = {
    "address-group": ("address-group", "address"),
    "ipv6-address-group": ("ipv6-network-group", "network"),
    "port-group": ("port-group", "port"),
}
_DIRECTIONS = {"IN": "in", "OUT": "out", "LOCAL": "local"}
_INSIDE = ("corporate", "guest", "remote-user-vpn", "vlan-only")
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# Rules of the controller's own stand between a person's, which have 2000 to 2999, and 4000 to 4999.
_OWN = 3_001
# Of a rule: fields that are read, and those that change no packet's way.
_RULE_READ = frozenset(
    {
        "action", "dst_address", "dst_firewallgroup_ids", "dst_networkconf_id", "dst_networkconf_type",
        "dst_port", "enabled", "icmp_typename", "icmpv6_typename", "name", "protocol",
        "protocol_match_excepted", "protocol_v6", "rule_index", "ruleset", "src_address",
        "src_firewallgroup_ids", "src_mac_address",
        "src_networkconf_id", "src_networkconf_type", "src_port", *(f"state_{state}" for state in _STATES),
    }
)  # fmt: skip
_RULE_IGNORED = frozenset(
    {"_id", "site_id", "logging", "setting_preference", "attr_no_delete", "attr_hidden_id"}
)
_FORWARD_READ = frozenset(
    {
        "destination_ip", "dst_port", "enabled", "fwd", "fwd_port", "name", "pfwd_interface", "proto", "src",
        "src_limiting_enabled", "src_limiting_type", "src_firewall_group_id",
    }
)  # fmt: skip
_FORWARD_IGNORED = frozenset({"_id", "site_id", "log", "logging", "destination_ips", "external_id"})

Widen = Callable[[Item, str], None]


class Controller:
    """All that the controller keeps, by kind; written down as a tree of EdgeOS."""

    def __init__(self, tree: Node, widen: Widen) -> None:
        self._tree = tree
        self._widen = widen  # told of what is not read
        self._networks: dict[str, str] = {}  # interface by the network's id
        self._groups: dict[str, str] = {}  # kind by the group's id
        self._wan: list[str] = []
        self._lan: list[str] = []
        self._guests: list[str] = []
        self.addresses: Shown = {}  # that uplinks were leased

    def write(self, things: Iterable[Item]) -> None:
        """All things, those first that others name."""
        known = [*things]
        for kind, writes in (
            ("device", self._device), ("networkconf", self._network), ("firewallgroup", self._group),
            ("portforward", self._forward), ("firewallrule", self._rule), ("routing", self._route),
            ("user", self._user),
        ):  # fmt: skip
            for one in known:
                if kind_of(one) == kind:
                    writes(one)
        self._bind()

    def _set(self, where: Item, *words: str) -> None:
        self._tree.add(words, where.where)

    # --- Networks ---

    def _device(self, one: Item) -> None:
        """What the gateway says of itself (``stat/device``): the addresses of its uplinks."""
        for field, name in (("wan1", "wan"), ("wan2", "wan2")):
            address, mask = one.get(field).get("ip"), one.get(field).get("netmask").text
            try:
                own = ip_interface(f"{address.text}/{mask or 32}")
            except ValueError:
                continue
            self.addresses[name] = [InterfaceAddress(own.ip, own.network, dynamic=True)]

    def _network(self, one: Item) -> None:
        if one.get("enabled").text == "false":
            return
        purpose, name = one.get("purpose").text, ""
        if purpose == "wan":
            name = one.get("wan_networkgroup").text.lower() or "wan"
            self._wan.append(name)
            self._uplink(one, name)
        elif purpose in _INSIDE:
            vlan = one.get("vlan").text
            name = f"br{vlan}" if vlan and one.get("vlan_enabled").text != "false" else "br0"
            self._inside(one, name, purpose)
        else:
            self._widen(one, f"a network for {purpose or 'nothing that is told'}")
            return
        self._networks[one.get("_id").text] = name

    def _uplink(self, one: Item, name: str) -> None:
        kind = one.get("wan_type").text
        path = ("interfaces", "ethernet", name)
        self._set(one, *path, "description", one.get("name").text or name)
        address, mask = one.get("wan_ip").text, one.get("wan_netmask").text
        if kind == "static" and address and mask:
            length = _length(mask)
            if length is None:
                self._widen(one.get("wan_netmask"), "no mask of a network")
            self._set(one.get("wan_ip"), *path, "address", f"{address}/{length or 32}")
            if gateway := one.get("wan_gateway").text:
                self._set(one.get("wan_gateway"), "system", "gateway-address", gateway)
        else:
            self._set(one, *path, "address", "dhcp")
        nat = ("service", "nat", "rule", str(6_000 + len(self._wan)))
        self._set(one, *nat, "type", "masquerade")
        self._set(one, *nat, "outbound-interface", name)

    def _inside(self, one: Item, name: str, purpose: str) -> None:
        if purpose == "vlan-only":
            return
        self._lan.append(name)
        self._set(one, "interfaces", "ethernet", name, "description", one.get("name").text or name)
        for field in ("ip_subnet", "ipv6_subnet"):
            if subnet := one.get(field).text:
                self._set(one.get(field), "interfaces", "ethernet", name, "address", subnet)
        if purpose == "guest":
            self._guests.append(name)

    # --- Forwards ---

    def _forward(self, one: Item) -> None:
        number = str(len(self._tree.beneath("port-forward", "rule")) + 1)
        path = ("port-forward", "rule", number)
        if one.get("enabled").text == "false":
            self._set(one, *path, "disable")
        self._set(one, *path, "description", one.get("name").text)
        self._set(one.get("proto"), *path, "protocol", one.get("proto").text or "tcp_udp")
        self._set(one.get("dst_port"), *path, "original-port", one.get("dst_port").text)
        self._set(one.get("fwd"), *path, "forward-to", "address", one.get("fwd").text)
        if port := one.get("fwd_port").text:
            self._set(one.get("fwd_port"), *path, "forward-to", "port", port)
        source = one.get("src").text
        if one.get("src_limiting_enabled").text != "false" and source not in ("", "any"):
            self._set(one.get("src"), *path, "source", "address", source)
        if one.get("src_limiting_enabled").is_true and (group := one.get("src_firewall_group_id").text):
            self._set(one, *path, "source", "group", "address-group", group)
        if (to := one.get("destination_ip").text) not in ("", "any"):
            self._set(one.get("destination_ip"), *path, "destination", "address", to)
        if (at := one.get("pfwd_interface").text) not in ("", "both", "all"):
            self._set(one.get("pfwd_interface"), *path, "wan-interface", at.lower())
        self._rest(one, path, _FORWARD_READ, _FORWARD_IGNORED)

    def _rest(self, one: Item, path: tuple[str, ...], read: frozenset[str], ignored: frozenset[str]) -> None:
        """What is told and not known: the rule may hold or not."""
        for name, field in one.fields():
            if name not in read and name not in ignored and field.value not in (None, "", False, []):
                self._set(field, *path, f"field {name}")

    # --- The firewall ---

    def _group(self, one: Item) -> None:
        kind, name = one.get("group_type").text, one.get("_id").text
        if kind not in _GROUPS or not name:
            self._widen(one, f"a group of type {kind or 'that is not told'}")
            return
        self._groups[name] = kind
        group, member = _GROUPS[kind]
        self._set(one, "firewall", "group", group, name, "description", one.get("name").text)
        for each in one.get("group_members").items():
            self._set(each, "firewall", "group", group, name, member, each.text)

    def _rule(self, one: Item) -> None:
        rule_set = one.get("ruleset").text
        where, _, direction = rule_set.rpartition("_")
        if direction not in _DIRECTIONS or not where:
            self._widen(one, f"a rule of {rule_set or 'no rule set'}")
            return
        kind = "ipv6-name" if "v6" in where else "name"
        path = ("firewall", kind, rule_set, "rule", one.get("rule_index").text)
        if one.get("enabled").text == "false":
            self._set(one, *path, "disable")
        self._set(one.get("action"), *path, "action", one.get("action").text)
        self._set(one, *path, "description", one.get("name").text)
        protocol = one.get("protocol_v6" if kind == "ipv6-name" else "protocol")
        if protocol.text not in ("", "all"):
            turned = "!" if one.get("protocol_match_excepted").is_true else ""
            self._set(protocol, *path, "protocol", turned + protocol.text)
        for state in _STATES:
            if one.get(f"state_{state}").is_true:
                self._set(one.get(f"state_{state}"), *path, "state", state, "enable")
        for field, word in (("icmp_typename", "icmp"), ("icmpv6_typename", "icmpv6")):
            if name := one.get(field).text:
                self._set(one.get(field), *path, word, "type-name", name)
        for short, side in (("src", "source"), ("dst", "destination")):
            self._side(one, short, (*path, side))
        self._rest(one, path, _RULE_READ, _RULE_IGNORED)

    def _side(self, one: Item, short: str, path: tuple[str, ...]) -> None:
        for field, word in (("address", "address"), ("port", "port"), ("mac_address", "mac-address")):
            if text := one.get(f"{short}_{field}").text:
                self._set(one.get(f"{short}_{field}"), *path, word, text)
        for each in one.get(f"{short}_firewallgroup_ids").items():
            kind = self._groups.get(each.text, "address-group")
            self._set(each, *path, "group", _GROUPS[kind][0], each.text)
        if (network := one.get(f"{short}_networkconf_id")).text:
            name = self._networks.get(network.text, network.text)
            of_gateway = one.get(f"{short}_networkconf_type").text == "ADDRv4"
            kind = "address-group" if of_gateway else "network-group"
            self._set(network, *path, "group", kind, f"{'ADDRv4' if of_gateway else 'NETv4'}_{name}")

    def _bind(self) -> None:
        """Where each rule set is asked; and the controller's own rules in it."""
        nothing = Item(None, self._tree.where)
        for name in self._wan:
            self._set(nothing, "port-forward", "wan-interface", name)
            for kind, prefix in (("name", "WAN"), ("ipv6-name", "WANv6")):
                for word, direction in (("IN", "in"), ("LOCAL", "local"), ("OUT", "out")):
                    self._bound(nothing, name, kind, f"{prefix}_{word}", direction, word != "OUT")
        for name in self._lan:
            self._set(nothing, "port-forward", "lan-interface", name)
            where = "GUEST" if name in self._guests else "LAN"
            for kind, prefix in (("name", where), ("ipv6-name", f"{where}v6")):
                for word, direction in _DIRECTIONS.items():
                    self._bound(nothing, name, kind, f"{prefix}_{word}", direction, False)
        if self._wan:
            self._set(nothing, "port-forward", "auto-firewall", "enable")
            self._set(nothing, "port-forward", "hairpin-nat", "enable")

    def _bound(
        self, nothing: Item, name: str, kind: str, rule_set: str, direction: str, is_closed: bool
    ) -> None:
        path = ("firewall", kind, rule_set)
        guests = rule_set == "GUEST_IN"
        if not is_closed and not guests and self._tree.at(*path) is None:
            return
        self._set(nothing, *path, "default-action", "drop" if is_closed else "accept")
        if is_closed:
            own = (*path, "rule", str(_OWN))
            self._set(nothing, *own, "action", "accept")
            self._set(nothing, *own, "state", "established", "enable")
            self._set(nothing, *own, "state", "related", "enable")
        for at, private in enumerate(_PRIVATE if guests else ()):
            own = (*path, "rule", str(_OWN + at))
            self._set(nothing, *own, "action", "drop")
            self._set(nothing, *own, "destination", "address", private)
        self._set(nothing, "interfaces", "ethernet", name, "firewall", direction, kind, rule_set)

    # --- The rest ---

    def _route(self, one: Item) -> None:
        if one.get("enabled").text == "false":
            return
        to, kind = one.get("static-route_network").text, one.get("static-route_type").text
        path = ("protocols", "static", "route", to)
        if kind == "blackhole":
            self._set(one, *path, "blackhole")
        elif kind == "nexthop-route":
            self._set(one, *path, "next-hop", one.get("static-route_nexthop").text)
        else:
            self._widen(one, f"a route of type {kind or 'that is not told'}")

    def _user(self, one: Item) -> None:
        address = one.get("fixed_ip").text
        if not one.get("use_fixedip").is_true or not address:
            return
        name = one.get("name").text or one.get("hostname").text or address
        for interface in self._tree.beneath("interfaces", "ethernet"):
            for own in interface.beneath("address"):
                if _holds(own.word, address):
                    path = ("service", "dhcp-server", "shared-network-name", interface.word, "subnet")
                    words = (*path, _network(own.word), "static-mapping", name, "ip-address", address)
                    self._set(one.get("fixed_ip"), *words)


def kind_of(one: Item) -> str:
    """What a thing of the controller is, by its fields; empty for what is not known here."""
    if one.get("wan1").value is not None:
        return "device"
    if one.get("fwd").text and one.get("dst_port").text:
        return "portforward"
    if one.get("purpose").text:
        return "networkconf"
    if one.get("ruleset").text and one.get("rule_index").text:
        return "firewallrule"
    if one.get("group_type").text:
        return "firewallgroup"
    if one.get("static-route_network").text:
        return "routing"
    return "user" if one.get("mac").text else ""


def _length(mask: str) -> int | None:
    try:
        return ip_network(f"0.0.0.0/{mask}").prefixlen
    except ValueError:
        return None


def _network(interface: str) -> str:
    return str(ip_network(interface, strict=False))


def _holds(interface: str, address: str) -> bool:
    try:
        return ip_network(address).subnet_of(ip_network(interface, strict=False))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
