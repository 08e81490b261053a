"""The interfaces, by the names that the file gives them (``wan``, ``lan``, ``opt1``), with their addresses.

Which of them has a gateway decides much: it is an uplink, gets source NAT by itself, and is left out where
port forwards are reflected. Tunnels are interfaces too, whether they were assigned a name or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.dialects.pfsense.config import Config, is_on, origin_of
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import Interface, InterfaceAddress, Network, Support
from splitdns.check.sets import NONE, Address, Numbers, Prefix, numbers_of
from splitdns.value import value

_LEASED = {
    4: {"dhcp", "pppoe", "pptp", "l2tp", "ppp"},
    6: {"dhcp6", "slaac", "6rd", "6to4", "track6", "idassoc6", "pppoev6"},
}
_NO_GATEWAY = {"track6", "idassoc6"}  # of the leased: those that are told by another interface
_OWN_MODES = ("ipalias", "carp")  # of virtual addresses: those that the gateway answers for itself


@value(frozen=True, slots=True)
class Face:
    """``leased``: the families of which it is given an address that nothing tells; ``offered``: of which a
    lease brings a default route.

    ``gateways``: whether it has a gateway, by the device's own understanding. ``group``: the group to which
    the device adds it by itself (``openvpn``, ``wireguard``).
    """

    key: str
    device: str = ""
    descr: str = ""
    addresses: tuple[InterfaceAddress, ...] = ()
    leased: frozenset[int] = frozenset()
    offered: frozenset[int] = frozenset()
    gateways: bool = False
    blocks_private: bool = False
    blocks_bogons: bool = False
    is_tunnel: bool = False
    group: str = ""
    members: tuple[str, ...] = ()  # of a bridge

    @property
    def is_assigned(self) -> bool:
        """Whether it has a name and rules of its own; a tunnel may go by its device's name."""
        return self.key != self.device

    def own(self, family: int, *, dynamic: bool | None = None) -> Numbers:
        """Its addresses; those that are leased, or those that stay, where ``dynamic`` says which."""
        mine = (one for one in self.addresses if dynamic is None or one.dynamic is dynamic)
        return numbers_of(*(one.address for one in mine if one.address.version == family))

    def networks(self, family: int) -> Numbers:
        return numbers_of(*(one.prefix for one in self.addresses if one.prefix.version == family))


@value(frozen=True, slots=True)
class GatewayItem:
    """A gateway, as routes and rules name it; ``address`` None: told by a lease."""

    name: str
    interface: str
    address: Address | None
    family: int
    is_default: bool


@value(frozen=True, slots=True)
class Faces:
    """All of them; ``groups``: which interfaces a name for several stands for."""

    all: dict[str, Face] = field(default_factory=dict)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    gateways: dict[str, GatewayItem] = field(default_factory=dict)

    def named(self, name: str) -> frozenset[str] | None:
        """The interfaces that an interface's or a group's name stands for; None: there is none."""
        if name in self.all:
            return frozenset({name})
        return self.groups.get(name)

    def own(self, family: int) -> Numbers:
        found = NONE
        for face in self.all.values():
            found |= face.own(family)
        return found

    def networks(self, family: int) -> Numbers:
        found = NONE
        for face in self.all.values():
            found |= face.networks(family)
        return found

    def uplinks(self) -> frozenset[str]:
        return frozenset(key for key, face in self.all.items() if face.gateways)


def faces_of(config: Config, around: Network) -> Faces:
    """The interfaces that are enabled, tunnels, groups and gateways.

    ``around`` may tell leased addresses, at interfaces by their devices' names.
    """
    faces = dict(_assigned(config))
    for face in _tunnels(config):
        known = next((key for key, one in faces.items() if one.device == face.device), None)
        if known is None:
            faces[face.key] = face
        else:
            addresses = faces[known].addresses or face.addresses
            assigned = faces[known]
            faces[known] = replace(assigned, addresses=addresses, is_tunnel=True, group=face.group)
    for key, face in faces.items():
        faces[key] = _with_leased(face, around.interface(face.device))
    _add_virtual(config, faces)
    groups: dict[str, frozenset[str]] = {}
    for element in config.rows("ifgroups", "ifgroupentry"):
        members = frozenset(element.value("members").replace(",", " ").split())
        groups[element.value("ifname")] = members & faces.keys()
    for key, face in faces.items():
        if face.group:
            groups[face.group] = groups.get(face.group, frozenset()) | {key}
    gateways = {one.name: one for one in _gateways(config, faces)}
    for one in gateways.values():
        if one.is_default and config.is_opnsense:  # which finds an interface's gateway by itself
            faces[one.interface] = replace(faces[one.interface], gateways=True)
    return Faces(faces, groups, gateways)


# --- Interfaces ---------------------------------------------------------------------------------------------


def _assigned(config: Config) -> Iterator[tuple[str, Face]]:
    bridges = {
        element.value("bridgeif"): tuple(element.value("members").replace(",", " ").split())
        for element in config.rows("bridges", "bridged")
    }
    rows = [*config.rows("gateways", "gateway_item"), *config.rows("OPNsense", "Gateways", "gateway_item")]
    dialled = {one.value("interface") for one in rows if one.value("gateway") == "dynamic"}
    interfaces = config.root.child("interfaces")
    if interfaces is None or not interfaces.children:
        config.wrong(interfaces or config.root, "<interfaces>", "nothing")
        return
    for element in interfaces.children:
        if element.tag != "wan" and not is_on(element, "enable"):
            config.note(
                Support.IGNORED, "interface", origin_of(element, element.tag), "it is not enabled"
            )
            continue
        if is_on(element, "virtual") or element.tag == "lo0":
            continue  # OPNsense's own: loopback, and groups of tunnels
        own = (_own(config, element, "ipaddr", "subnet", 4), _own(config, element, "ipaddrv6", "subnetv6", 6))
        kinds = {4: element.value("ipaddr"), 6: element.value("ipaddrv6")}
        leased = frozenset(family for family, kind in kinds.items() if kind in _LEASED[family])
        told = any(element.value(tag) not in ("", "none") for tag in ("gateway", "gatewayv6"))
        device = element.value("if")
        if not kinds[4] and element.tag in dialled:  # a tunnel's client: the other end gives the address
            told, leased = True, leased | {4}
        yield (
            element.tag,
            Face(
                element.tag,
                device,
                element.value("descr"),
                tuple(one for one in own if one is not None),
                leased,
                frozenset(family for family in leased if kinds[family] not in _NO_GATEWAY),
                told or any(kinds[family] not in _NO_GATEWAY for family in leased),
                is_on(element, "blockpriv"),
                is_on(element, "blockbogons"),
                members=bridges.get(device, ()),
            ),
        )


def _own(config: Config, element: Element, tag: str, length: str, family: int) -> InterfaceAddress | None:
    kind = element.value(tag)
    if not kind or kind in _LEASED[family]:
        return None
    try:
        found = ip_interface(f"{kind.partition('%')[0]}/{element.value(length)}")
    except ValueError:
        found = None
    if found is None or found.version != family:
        told = f"{kind}/{element.value(length)}"
        config.wrong(element.child(tag) or element, f"an IPv{family} address and its <{length}>", told)
        return None
    return InterfaceAddress(found.ip, found.network)


def _with_leased(face: Face, told: Interface | None) -> Face:
    """``face`` with those addresses of a device that the file leaves open."""
    found = [
        InterfaceAddress(own.address, own.prefix, dynamic=True)
        for own in (told.addresses if told is not None else ())
        if own.address.version in face.leased and not own.address.is_link_local
    ]
    families = {own.address.version for own in found}
    return replace(face, addresses=(*face.addresses, *found), leased=face.leased - families)


def _add_virtual(config: Config, faces: dict[str, Face]) -> None:
    """Put virtual addresses to their interfaces."""
    rows = list(config.rows("virtualip", "vip"))
    carriers = {f"_vip{one.value('uniqid')}": one.value("interface") for one in rows}
    for element in rows:
        key = element.value("interface")
        key = carriers.get(key, key)
        length = element.value("subnet_bits")
        try:
            found = ip_interface(f"{element.value('subnet')}/{length}" if length else element.value("subnet"))
        except ValueError:
            config.wrong(element, "an address as <subnet>, with <subnet_bits>", element.value("subnet"))
            continue
        if element.value("mode") not in _OWN_MODES:
            reason = "it is answered for, and not the gateway's own: forwards and pairs may lead it inside"
            config.note(Support.IGNORED, "vip", origin_of(element, str(found)), reason)
        elif key in faces:
            own = InterfaceAddress(found.ip, found.network)
            faces[key] = replace(faces[key], addresses=(*faces[key].addresses, own))
        else:
            reason = f"its interface {key} is not there, or not enabled"
            config.note(Support.IGNORED, "vip", origin_of(element, str(found)), reason)


# --- Tunnels ------------------------------------------------------------------------------------------------


def _tunnels(config: Config) -> Iterator[Face]:
    for kind, short in (("openvpn-server", "ovpns"), ("openvpn-client", "ovpnc")):
        for element in config.rows("openvpn", kind):
            if not is_on(element, "disable"):
                networks = [element.value("tunnel_network"), element.value("tunnel_networkv6")]
                yield _openvpn(config, element, f"{short}{element.value('vpnid')}", networks)
    for element in config.rows("OPNsense", "OpenVPN", "Instances", "Instance"):
        if element.value("enabled", usual="1") != "0":
            short = "ovpns" if element.value("role", usual="server") == "server" else "ovpnc"
            networks = [element.value("server"), element.value("server_ipv6")]
            yield _openvpn(config, element, f"{short}{element.value('vpnid')}", networks)
    for element in config.rows("installedpackages", "wireguard", "tunnels", "item"):
        if element.value("enabled") == "yes":
            told = [
                f"{row.value('address')}/{row.value('mask')}"
                for rows in element.each("addresses")
                for row in rows.each("row")
            ]
            yield _wireguard(config, element, element.value("name"), "WireGuard", told)
    for element in config.rows("OPNsense", "wireguard", "server", "servers", "server"):
        if element.value("enabled") == "1":
            told = element.value("tunneladdress").split(",")
            yield _wireguard(config, element, f"wg{element.value('instance')}", "wireguard", told)


def _openvpn(config: Config, element: Element, device: str, networks: list[str]) -> Face:
    """The server has the first address of its network."""
    own = []
    for text in networks:
        if not text:
            continue
        try:
            network = ip_network(text.partition(",")[0].strip(), strict=False)
        except ValueError:
            config.wrong(element, "a network for the tunnel", text)
            continue
        first = network.network_address + (1 if network.num_addresses > 1 else 0)
        own.append(InterfaceAddress(first, network))
    return Face(device, device, element.value("description"), tuple(own), is_tunnel=True, group="openvpn")


def _wireguard(config: Config, element: Element, device: str, group: str, told: list[str]) -> Face:
    own = []
    for text in told:
        try:
            found = ip_interface(text.strip())
        except ValueError:
            config.wrong(element, "the tunnel's address, like 10.8.0.1/24", text)
            continue
        own.append(InterfaceAddress(found.ip, found.network))
    descr = element.value("descr") or element.value("name")
    return Face(device, device, descr, tuple(own), is_tunnel=True, group=group)


# --- Gateways -----------------------------------------------------------------------------------------------


def _gateways(config: Config, faces: dict[str, Face]) -> Iterator[GatewayItem]:
    section = config.root.child("gateways")
    defaults = {section.value("defaultgw4"), section.value("defaultgw6")} if section is not None else set()
    rows = [*config.rows("gateways", "gateway_item"), *config.rows("OPNsense", "Gateways", "gateway_item")]
    for element in rows:
        name = element.value("name")
        family = 6 if element.value("ipprotocol") == "inet6" else 4
        address = _address(element.value("gateway"))
        is_default = name in defaults or is_on(element, "defaultgw")
        if is_on(element, "disabled") or element.value("interface") not in faces:
            reason = "it is disabled, or its interface is not enabled"
            config.note(Support.IGNORED, "gateway", origin_of(element, name), reason)
            continue
        yield GatewayItem(name, element.value("interface"), address, family, is_default)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def prefix_of(text: str) -> Prefix | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
