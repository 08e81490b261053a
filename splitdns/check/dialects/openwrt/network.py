"""/etc/config/network as a router: networks, the devices under them, their addresses and routes.

A *network* is what the firewall speaks of (``lan``), a *device* what the kernel calls it (``br-lan``).
Several networks may share a device (``wan`` and ``wan6``). What a provider gives is not in the file: a
network that is leased has the addresses that another source tells for its device, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from typing import TypeVar

from splitdns.check.dialects.openwrt.status import Status
from splitdns.check.dialects.openwrt.uci import Option, Section
from splitdns.check.model import (
    Interface,
    InterfaceAddress,
    Network,
    Note,
    Origin,
    PolicyRule,
    Route,
    Support,
)
from splitdns.check.sets import Address, Prefix
from splitdns.errors import ConfigError, Problems
from splitdns.value import value

T = TypeVar("T")

NO_STATUS: Mapping[str, Status] = {}

# Protocols whose device netifd names after the network (netifd, proto handlers).
_OWN_DEVICE = {
    "pppoe": "pppoe-{}", "pppoa": "pppoa-{}", "ppp": "ppp-{}", "pptp": "pptp-{}", "l2tp": "l2tp-{}",
    "sstp": "sstp-{}", "3g": "3g-{}", "6in4": "6in4-{}", "6to4": "6to4-{}", "6rd": "6rd-{}",
    "dslite": "ds-{}", "map": "map-{}", "464xlat": "464-{}", "gre": "gre4-{}", "grev6": "gre6-{}",
    "gretap": "gre4t-{}", "grev6tap": "gre6t-{}", "ipip": "ipip-{}", "ipip6": "ip6tnl-{}",
    "vti": "vti-{}", "vtiv6": "vti6-{}", "xfrm": "{}", "vxlan": "{}", "wireguard": "{}",
    "amneziawg": "{}", "openconnect": "vpn-{}", "vpnc": "vpn-{}",
}  # fmt: skip
_TUNNELS = {"wireguard", "amneziawg", "gre", "grev6", "ipip", "ipip6", "vti", "vtiv6", "xfrm", "6in4", "6to4",
            "6rd", "dslite", "map", "464xlat", "openconnect", "vpnc"}  # fmt: skip
_DIALLED = {"pppoe", "pppoa", "ppp", "pptp", "l2tp", "sstp", "3g"}
_MODEMS = {"qmi", "ncm", "mbim", "modemmanager", "wwan", "hnet", "directip"}
# By which a default route of each family comes, and an address that the file does not tell.
_LEASES = {
    4: _DIALLED | _MODEMS | {"dhcp", "dslite", "map", "464xlat", "openconnect", "vpnc"},
    6: _DIALLED | _MODEMS | {"dhcpv6", "6in4", "6to4", "6rd", "openconnect", "vpnc"},
}
_STATIC = {"static", "none"}
_UNMANAGED = {"unmanaged", "external", "batadv", "batadv_hardif"}
_TABLES = {"254": "main", "253": "default", "255": "local"}
_ROUTE_KINDS = {"unicast", "blackhole", "unreachable", "prohibit", "throw"}
MAIN_PRIORITY = 32_766  # of the kernel's own rule, behind all of a person's
# Of policy rules, what is not modelled.
_SELECTORS = ("out", "tos", "invert", "goto", "action", "uidrange", "suppress_prefixlength", "ipproto")
_RPFILTER = {"0": 0, "off": 0, "no": 0, "disabled": 0, "1": 1, "strict": 1, "2": 2, "loose": 2}


@value(frozen=True, slots=True)
class Net:
    """A network; ``leased`` by family: it has, or will have, addresses that nothing here tells."""

    name: str
    device: str
    addresses: tuple[InterfaceAddress, ...]
    leased: frozenset[int]
    lends: frozenset[int]  # families in which a default route leads by it
    tunnel: bool
    routes: tuple[Route, ...]
    where: Origin


class Networks:
    """Everything that /etc/config/network says; mistakes go to ``problems``."""

    def __init__(
        self,
        sections: Sequence[Section],
        around: Network,
        notes: list[Note],
        problems: Problems,
        status: Mapping[str, Status] = NO_STATUS,
    ) -> None:
        self._around = around
        self._status = status
        self._notes = notes
        self._problems = problems
        mine = [one for one in sections if one.package == "network" and not _is_off(one)]
        self._devices = {
            name: one for one in mine if one.type == "device" and (name := _text(one, "name")) is not None
        }
        self._delegated = [
            prefix
            for one in mine
            for key in ("ula_prefix", "ip6prefix")
            for prefix in self._tried(one, key, _prefix6)
        ]
        self._interfaces = {one.name or one.id: one for one in mine if one.type == "interface"}
        self._vlans = [one for one in mine if one.type == "bridge-vlan"]
        self._peers = [one for one in mine if one.type.startswith(("wireguard_", "amneziawg_"))]
        self.nets = {
            name: net for name, one in self._interfaces.items() if (net := self._net(name, one)) is not None
        }
        self.routes = [*self._all_routes(mine)]
        self.policy = [*self._all_policy(mine)]
        for one in mine:
            self._note_others(one)

    # --- One network ----------------------------------------------------------------------------------------

    def _net(self, name: str, section: Section) -> Net | None:
        protocol = _text(section, "proto") or "none"
        device = self._device_of(name, section, protocol)
        now = self._status.get(name)
        if now is not None and now.device is not None:
            device = now.device
        if name == "loopback" or device == "lo":
            return None
        known = self._around.interface(device)
        addresses = self._addresses(section, protocol)
        elsewhere = [own for at in (now, known) if at is not None for own in at.addresses]
        told = {one.address for one in addresses}
        addresses += {one.address: one for one in elsewhere if one.address not in told}.values()
        families = {one.address.version for one in addresses if not one.address.is_link_local}
        wants = {family for family in (4, 6) if protocol in _LEASES[family]}
        if protocol in _DIALLED and _text(section, "ipv6") in ("0", "off", "no"):
            wants.discard(6)
        gateways = {4: "gateway", 6: "ip6gw"}
        off = _text(section, "defaultroute") in ("0", "off", "no", "false")
        lends = {
            family
            for family, option in gateways.items()
            if (option in section.options or family in wants) and not off
        }
        self._note_protocol(section, protocol)
        return Net(
            name,
            device,
            tuple(addresses),
            frozenset(wants - families),
            frozenset(lends),
            protocol in _TUNNELS | _DIALLED,
            tuple(self._default_routes(section, device, gateways, lends)),
            _origin(section),
        )

    def _device_of(self, name: str, section: Section, protocol: str) -> str:
        if protocol in _OWN_DEVICE:
            return _OWN_DEVICE[protocol].format(name)
        if _text(section, "type") == "bridge":
            return f"br-{name}"
        option = section.options.get("device") or section.options.get("ifname")
        words = [word for value in option.values for word in value.split()] if option else []
        seen = {name}
        while words and words[0].startswith("@"):  # the device of another network
            other = words[0][1:]
            under = self._interfaces.get(other)
            if under is None or other in seen:
                return name
            seen.add(other)
            return self._device_of_other(other, under, seen)
        if words:
            return words[0]
        reason = f"radios alone are in {name}: its device is called {name} here"
        self._note(Support.WIDENED, "no device", section, reason)
        return name

    def _device_of_other(self, name: str, section: Section, seen: set[str]) -> str:
        """The device under an alias; a circle of aliases ends with the name."""
        protocol = _text(section, "proto") or "none"
        option = section.options.get("device") or section.options.get("ifname")
        if protocol not in _OWN_DEVICE and option is not None and option.values[0].startswith("@"):
            other = option.values[0][1:]
            under = self._interfaces.get(other)
            if under is None or other in seen:
                return name
            return self._device_of_other(other, under, seen | {other})
        return self._device_of(name, section, protocol)

    def _addresses(self, section: Section, protocol: str) -> list[InterfaceAddress]:
        found: list[InterfaceAddress] = []
        dynamic = protocol not in _STATIC | _TUNNELS
        netmask = _text(section, "netmask")
        for option, mask in (("ipaddr", netmask), ("ip6addr", None), ("addresses", None)):
            for text in _words(section, option):
                with_mask = f"{text}/{mask}" if mask and "/" not in text else text
                try:
                    one = ip_interface(with_mask)
                except ValueError:
                    self._wrong(section, option, "an address, with its netmask or its prefix's length", text)
                    continue
                found.append(InterfaceAddress(one.ip, one.network, dynamic))
        return [*found, *self._assigned(section)]

    def _assigned(self, section: Section) -> Iterator[InterfaceAddress]:
        """What it gets of the prefixes that the file names (netifd, ``ip6assign``)."""
        length = _text(section, "ip6assign")
        if length is None or not length.isdigit() or not 48 <= int(length) <= 64:
            return
        hint = _text(section, "ip6hint")
        others = (
            one for one in self._interfaces.values() if "ip6assign" in one.options and one is not section
        )
        if hint is None and any("ip6hint" not in one.options for one in others):
            self._note(
                Support.WIDENED, "option ip6assign", section, "which part of a prefix it gets is not known"
            )
            return
        try:
            number = int(hint or "0", 16)
        except ValueError:
            self._wrong(section, "ip6hint", "a number in hexadecimal", hint or "")
            return
        suffix = _text(section, "ip6ifaceid")
        try:
            host = int(ip_address(suffix if suffix and suffix.startswith("::") else "::1"))
        except ValueError:
            host = 1
        for prefix in self._delegated:
            if prefix.prefixlen > int(length):
                continue
            room = (1 << (64 - prefix.prefixlen)) - 1
            number_in = number & room & ~((1 << (64 - int(length))) - 1)
            base = int(prefix.network_address) + (number_in << 64)
            network = IPv6Network((base, int(length)))
            yield InterfaceAddress(network[host & ((1 << 64) - 1)], network, dynamic=False)

    def _default_routes(
        self, section: Section, device: str, gateways: dict[int, str], lends: Iterable[int]
    ) -> Iterator[Route]:
        metric = self._number(section, "metric")
        for family in sorted(lends):
            everything: Prefix = ip_network("0.0.0.0/0" if family == 4 else "::/0")
            via = None
            for text in _words(section, gateways[family]):
                via = self._address(section, gateways[family], text, family)
            yield Route(everything, device, via, metric)
        for table in ("ip4table", "ip6table"):
            if table in section.options:
                reason = "its routes are taken to be in the main table"
                self._note(Support.WIDENED, f"option {table}", section, reason)

    # --- Routes ---------------------------------------------------------------------------------------------

    def _all_routes(self, mine: Sequence[Section]) -> Iterator[Route]:
        for net in self.nets.values():
            yield from net.routes
        for section in mine:
            if section.type in ("route", "route6"):
                yield from self._route(section, 4 if section.type == "route" else 6)
        for section in self._peers:
            name = section.type.partition("_")[2]
            tunnel = self.nets.get(name)
            if tunnel is None or _text(section, "route_allowed_ips") not in ("1", "on", "true", "yes"):
                continue
            for text in _words(section, "allowed_ips"):
                try:
                    yield Route(ip_network(text, strict=False), tunnel.device)
                except ValueError:
                    self._wrong(section, "allowed_ips", "a prefix", text)

    def _route(self, section: Section, family: int) -> Iterator[Route]:
        target = _text(section, "target")
        if target is None:
            return
        netmask = _text(section, "netmask")
        text = f"{target}/{netmask}" if netmask and "/" not in target else target
        try:
            prefix = ip_network(text, strict=False)
        except ValueError:
            self._wrong(section, "target", "a network", target)
            return
        if prefix.version != family:
            self._wrong(section, "target", f"a network of IPv{family}", target)
            return
        kind = _text(section, "type") or "unicast"
        if kind not in _ROUTE_KINDS:
            self._note(Support.WIDENED, f"route of type {kind}", section, "it is not followed")
            return
        name = _text(section, "interface")
        net = self.nets.get(name or "")
        if name is not None and net is None and kind == "unicast":
            self._note(Support.IGNORED, "route", section, f"the network {name} is not there")
            return
        via = None
        for word in _words(section, "gateway"):
            via = self._address(section, "gateway", word, family)
        table = _text(section, "table") or "main"
        device = net.device if net is not None else None
        if via is not None and device is None:
            device = self._device_towards(via)
        yield Route(prefix, device, via, self._number(section, "metric"), _TABLES.get(table, table), kind)

    def _device_towards(self, via: Address) -> str | None:
        return next(
            (net.device for net in self.nets.values() for own in net.addresses if via in own.prefix), None
        )

    def _all_policy(self, mine: Sequence[Section]) -> Iterator[PolicyRule]:
        found = [one for one in mine if one.type in ("rule", "rule6")]
        for order, section in enumerate(found, 1):
            unknown = ", ".join(name for name in _SELECTORS if name in section.options)
            incoming = self.nets.get(_text(section, "in") or "")
            table = _text(section, "lookup") or "main"
            mark = self._mark(section)
            yield PolicyRule(
                self._number(section, "priority", order),
                _TABLES.get(table, table),
                self._end(section, "src"),
                self._end(section, "dest"),
                None if incoming is None else incoming.device,
                mark,
                unknown,
            )
        if found:
            yield PolicyRule(MAIN_PRIORITY, "main")

    def _end(self, section: Section, option: str) -> Prefix | None:
        text = _text(section, option)
        if text is None:
            return None
        try:
            return ip_network(text, strict=False)
        except ValueError:
            self._wrong(section, option, "a prefix", text)
            return None

    def _mark(self, section: Section) -> tuple[int, int] | None:
        text = _text(section, "mark")
        if text is None:
            return None
        value, _, mask = text.partition("/")
        try:
            return int(value, 0), int(mask, 0) if mask else 0xFFFF_FFFF
        except ValueError:
            self._wrong(section, "mark", "a mark, like 0x1/0xff", text)
            return None

    # --- The whole ------------------------------------------------------------------------------------------

    def network(self, uplinks: frozenset[str]) -> Network:
        """Everything as the model has it; ``uplinks`` are devices."""
        faces: dict[str, Interface] = {}
        for net in self.nets.values():
            face = faces.get(net.device) or Interface(
                net.device, uplink=net.device in uplinks, rp_filter=self._rp_filter(net.device)
            )
            more = tuple(one for one in net.addresses if one not in face.addresses)
            faces[net.device] = replace(
                face,
                addresses=(*face.addresses, *more),
                point_to_point=face.point_to_point or net.tunnel,
            )
        for port, bridge in self._ports():
            faces.setdefault(port, Interface(port, bridge=bridge, rp_filter=0))
        routes = () if self._around.routes else tuple(self.routes)
        policy = () if self._around.policy else tuple(self.policy)
        # OpenWrt's br_netfilter comes with its switches off (sysctl.d/11-br-netfilter.conf).
        return Network(tuple(faces.values()), routes, policy, {4: False, 6: False})

    def _ports(self) -> Iterator[tuple[str, str]]:
        with_vlans = {_text(one, "device") for one in self._vlans}
        for vlan in self._vlans:
            for port in _words(vlan, "ports"):
                name, _, flags = port.partition(":")
                if "t" not in flags:
                    yield name, f"{_text(vlan, 'device')}.{_text(vlan, 'vlan')}"
        for name, device in self._devices.items():
            if _text(device, "type") == "bridge" and name not in with_vlans:
                for port in (*_words(device, "ports"), *_words(device, "ifname")):
                    yield port, name
        for name, section in self._interfaces.items():
            if _text(section, "type") == "bridge":
                for port in (*_words(section, "ifname"), *_words(section, "device")):
                    yield port, f"br-{name}"

    def _rp_filter(self, device: str) -> int:
        """netifd sets it where a person does; the kernel's own is off."""
        section = self._devices.get(device)
        return _RPFILTER.get((_text(section, "rpfilter") if section is not None else None) or "0", 0)

    # --- Values ---------------------------------------------------------------------------------------------

    def _tried(self, section: Section, option: str, read: Callable[[str], T]) -> Iterator[T]:
        for text in _words(section, option):
            try:
                yield read(text)
            except ValueError:
                self._wrong(section, option, "a prefix of IPv6", text)

    def _address(self, section: Section, option: str, text: str, family: int) -> Address | None:
        try:
            found = ip_address(text)
        except ValueError:
            found = None
        if found is None or found.version != family:
            self._wrong(section, option, f"an address of IPv{family}", text)
            return None
        return found

    def _number(self, section: Section, option: str, usual: int = 0) -> int:
        text = _text(section, option)
        if text is None:
            return usual
        if text.isascii() and text.isdigit() and len(text) < 11:
            return int(text)
        self._wrong(section, option, "a whole number", text)
        return usual

    def _wrong(self, section: Section, option: str, expected: str, found: str) -> None:
        where = section.options[option].where if option in section.options else section.where
        self._problems.error(ConfigError(where, f"expected {expected} as {option}, found {found!r:.60}"))

    def _note(self, support: Support, name: str, section: Section, reason: str) -> None:
        self._notes.append(Note(support, name, _origin(section), reason))

    def _note_protocol(self, section: Section, protocol: str) -> None:
        if protocol not in {*_STATIC, *_OWN_DEVICE, *_LEASES[4], *_LEASES[6], *_UNMANAGED}:
            reason = "its device and addresses are not known"
            self._note(Support.UNKNOWN, f"proto {protocol}", section, reason)

    def _note_others(self, section: Section) -> None:
        if section.type in ("alias", "switch_port") or section.type.startswith("vrf"):
            self._note(Support.UNKNOWN, f"config {section.type}", section, "it is not followed")


# --- Sections ----------------------------------------------------------------------------------------------


def _origin(section: Section) -> Origin:
    return Origin(section.where, section.words())


def _is_off(section: Section) -> bool:
    return _text(section, "disabled") in ("1", "on", "true", "yes")


def _text(section: Section, name: str) -> str | None:
    option: Option | None = section.options.get(name)
    return None if option is None else option.values[0]


def _words(section: Section, name: str) -> list[str]:
    option = section.options.get(name)
    return [] if option is None else [word for value in option.values for word in value.split()]


def _prefix6(text: str) -> IPv6Network:
    if text == "auto":  # the first start draws one
        raise ValueError
    found = ip_network(text, strict=False)
    if isinstance(found, IPv4Network):
        raise ValueError  # noqa: TRY004 — told as a wrong prefix
    return found
