"""What the device itself listens on, and whom each of its services answers.

An export names what differs from the factory: SSH, Winbox, the web page, Telnet, FTP and the API are on until
somebody switches them off. A service with ``address`` answers nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.dialects.routeros.values import address_range, number_ranges, wrong
from splitdns.check.model import (
    TCP,
    UDP,
    Addresses,
    Chain,
    Hook,
    Ports,
    Priority,
    Protocols,
    Reject,
    Rule,
    Side,
)
from splitdns.check.sets import NONE, Numbers, all_addresses
from splitdns.errors import ConfigError, Problems

# help.mikrotik.com, "Services": name to port, and whether it is on from the factory.
_SERVICES = {
    "telnet": (23, True), "ftp": (21, True), "www": (80, True), "ssh": (22, True), "www-ssl": (443, False),
    "api": (8728, True), "winbox": (8291, True), "api-ssl": (8729, True),
}  # fmt: skip
# Menus that switch something on, by a property: its ports.
_SWITCHED = (
    ("ip dns", "allow-remote-requests", "no", "53/tcp 53/udp"),
    ("ip proxy", "enabled", "no", "8080/tcp"),
    ("ip socks", "enabled", "no", "1080/tcp"),
    ("ip smb", "enabled", "no", "139/tcp 445/tcp"),
    ("ip upnp", "enabled", "no", "2828/tcp 1900/udp"),
    ("snmp", "enabled", "no", "161/udp"),
    ("system ntp server", "enabled", "no", "123/udp"),
    ("tool bandwidth-server", "enabled", "yes", "2000/tcp"),
    ("interface l2tp-server server", "enabled", "no", "1701/udp"),
    ("interface pptp-server server", "enabled", "no", "1723/tcp"),
    ("interface sstp-server server", "enabled", "no", "443/tcp"),
    ("interface ovpn-server server", "enabled", "no", "1194/tcp 1194/udp"),
    ("caps-man manager", "enabled", "no", "5246-5247/udp"),
    ("interface wifi capsman", "enabled", "no", "5246-5247/udp"),
)
_PORTS = {"ip proxy": "port", "ip socks": "port", "interface sstp-server server": "port",
          "interface ovpn-server server": "port"}  # fmt: skip
_PROTOCOLS = {"tcp": TCP, "udp": UDP}


def listens(config: Config) -> dict[int, Numbers]:
    """Ports by protocol; those of a menu that the export does not name are as the factory left them."""
    found = {TCP: NONE, UDP: NONE}
    for _, port, _ in _services(config):
        found[TCP] |= Numbers.one(port)
    for menu, key, usual, ports in _SWITCHED:
        if config.setting(menu, key, usual) in ("yes", "true"):
            own = config.setting(menu, _PORTS.get(menu, ""))
            for one in ports.split():
                span, _, protocol = one.partition("/")
                if own.isdecimal() and own.isascii() and len(own) < 6:
                    span = own
                low, _, high = span.partition("-")
                found[_PROTOCOLS[protocol]] |= Numbers.of((int(low), int(high or low)))
    for item in config.of("interface wireguard"):
        if item.get("listen-port").isdecimal() and len(item.get("listen-port")) < 6:
            found[UDP] |= Numbers.one(int(item.get("listen-port")))
    for menu, numbers in (("ip dhcp-server", ((67, 67),)), ("ip ipsec peer", ((500, 500), (4500, 4500)))):
        if config.of(menu):
            found[UDP] |= Numbers.of(*numbers)
    return found


def _services(config: Config) -> Iterator[tuple[str, int, Item | None]]:
    """Each that is on: its name, its port, and what the export says of it."""
    told = {item.get("name"): item for item in config.items.get("ip service", ())}
    for name, (port, is_on) in _SERVICES.items():
        item = told.get(name)
        if item is None:
            if is_on:
                yield name, port, None
            continue
        switched = item.get("disabled", "no" if is_on else "yes")
        if switched != "yes":
            text = item.get("port", str(port))
            yield name, int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else port, item


def limits(config: Config, problems: Problems) -> Chain:
    """Whom services refuse by themselves, behind the filter."""
    rules: list[Rule] = []
    for _, port, item in _services(config):
        if item is None or not item.has("address"):
            continue
        try:
            number_ranges(item, "port", 65_535) if item.has("port") else None
            rules += _refusing(item, port)
        except ConfigError as error:
            problems.error(error)
    return Chain("routeros service", "input", tuple(rules), Hook.INPUT, Priority.SECURITY)


def _refusing(item: Item, port: int) -> Iterator[Rule]:
    """Rules for each family: one without any address of a service answers nobody of it."""
    parts = item.get("address").split(",")
    for family in (4, 6):
        allowed = NONE
        for part in parts:
            if (found := address_range(part, family)) is not None:
                allowed |= found
            elif address_range(part, 10 - family) is None:
                raise wrong(item, "address", "prefixes with commas between")
        conditions = (
            Addresses(Side.SOURCE, all_addresses(family) - allowed),
            Protocols(Numbers.one(TCP)),
            Ports(Side.DESTINATION, Numbers.one(port)),
        )
        yield Rule(conditions, Reject(reset=True), item.origin, frozenset({family}))

