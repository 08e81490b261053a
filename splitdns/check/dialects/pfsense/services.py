"""What the gateway serves itself, as far as its configuration tells, and the hosts that it leases to."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from splitdns.check.dialects.pfsense.config import Config, is_on
from splitdns.check.dialects.pfsense.faces import Faces
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import TCP, UDP, Host, InterfaceAddress
from splitdns.check.sets import NONE, Numbers

DNS = Numbers.one(53)
_OPENVPN, _NTP = 1194, Numbers.one(123)


def admin_ports(config: Config) -> Numbers:
    """Of the web interface, of what leads to it, and of ssh: what the anti-lockout rule admits."""
    return _web_ports(config) | _ssh_ports(config)


def _web_ports(config: Config) -> Numbers:
    gui = config.root.child("system", "webgui")
    is_plain = gui is not None and gui.value("protocol") == "http"
    found = _port(gui.value("port") if gui is not None else "", 80 if is_plain else 443)
    return found if is_plain or is_on(gui, "disablehttpredirect") else found | Numbers.one(80)


def _ssh_ports(config: Config) -> Numbers:
    ssh = config.root.child("system", "ssh")
    old = config.root.child("system", "enablesshd")
    if old is None and (ssh is None or not ("enable" in ssh.value("enable") or is_on(ssh, "enable"))):
        return NONE
    return _port(ssh.value("port") if ssh is not None else "", 22)


def _port(text: str, usual: int) -> Numbers:
    return Numbers.one(int(text) if text.isdecimal() and 0 < int(text) < 65_536 else usual)


def listens_of(config: Config) -> dict[int, Numbers] | None:
    """The ports on which it answers, by protocol; None: packages are installed that may answer anywhere."""
    packages = [one for one in config.rows("installedpackages", "package") if one.value("name")]
    plugins = config.root.value("system", "firmware", "plugins")
    if packages or plugins:
        return None
    tcp, udp = admin_ports(config), _NTP
    if _has_dns(config):
        tcp, udp = tcp | DNS, udp | DNS
    for element in _tunnel_servers(config):
        port = element.value("local_port") or element.value("port") or element.value("listenport")
        protocol = element.value("protocol") or element.value("proto")
        number = _port(port, _OPENVPN)
        tcp, udp = (tcp | number, udp) if protocol.lower().startswith("tcp") else (tcp, udp | number)
    return {TCP: tcp, UDP: udp}


def _has_dns(config: Config) -> bool:
    switches = (
        ("unbound", "enable"),
        ("dnsmasq", "enable"),
        ("OPNsense", "unboundplus", "general", "enabled"),
    )
    return any(config.is_on(*path) for path in switches)


def _tunnel_servers(config: Config) -> Iterator[Element]:
    yield from (one for one in config.rows("openvpn", "openvpn-server") if not is_on(one, "disable"))
    for path in (
        ("OPNsense", "OpenVPN", "Instances", "Instance"),
        ("OPNsense", "wireguard", "server", "servers", "server"),
        ("installedpackages", "wireguard", "tunnels", "item"),
    ):
        yield from (one for one in config.rows(*path) if one.value("enabled") in ("1", "yes"))


def hosts_of(config: Config, faces: Faces) -> Iterator[Host]:
    """Those with an address of their own in the DHCP server."""
    seen: set[str] = set()
    for element in _leases(config):
        text = element.value("ipaddr") or element.value("ipaddrv6") or element.value("ip_address")
        try:
            address = ip_address(text)
        except ValueError:
            continue  # a lease that only names the host, and gives it any address
        near = [own.prefix for face in faces.all.values() for own in face.addresses if address in own.prefix]
        name = element.value("hostname") or str(address)
        if near:
            own = InterfaceAddress(address, max(near, key=lambda prefix: prefix.prefixlen))
            yield Host(f"{name} {address}" if name in seen else name, (own,), where=element.where)
            seen.add(name)


def _leases(config: Config) -> Iterator[Element]:
    for server in ("dhcpd", "dhcpdv6"):
        section = config.root.child(server)
        for interface in section.children if section is not None else ():
            yield from interface.each("staticmap")
    kea = ("OPNsense", "Kea", "dhcp4", "reservations", "reservation")
    yield from config.rows(*kea)
