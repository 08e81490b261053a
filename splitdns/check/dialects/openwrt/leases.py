"""/etc/config/dhcp: the hosts that have fixed addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, ip_address

from splitdns.check.dialects.openwrt.network import Net
from splitdns.check.dialects.openwrt.uci import Section
from splitdns.check.model import Host, InterfaceAddress
from splitdns.errors import ConfigError, Problems


def hosts_of(sections: Sequence[Section], nets: Iterable[Net], problems: Problems) -> Iterator[Host]:
    """A host for each static lease with an address in one of the networks."""
    known = list(nets)
    taken: set[str] = set()
    for section in sections:
        option = section.options.get("ip")
        if section.package != "dhcp" or section.type != "host" or option is None:
            continue
        text = option.values[0]
        if text == "ignore":
            continue
        try:
            address = ip_address(text)
        except ValueError:
            problems.error(ConfigError(option.where, f"expected an address as ip, found {text!r:.60}"))
            continue
        own = _own(address, known) if isinstance(address, IPv4Address) else None
        if own is None:
            continue
        said = section.options.get("name")
        name = said.values[0] if said is not None and said.values[0] not in taken else str(address)
        taken.add(name)
        yield Host(name, (own,), where=section.where)


def _own(address: IPv4Address, nets: Iterable[Net]) -> InterfaceAddress | None:
    for net in nets:
        for own in net.addresses:
            if address in own.prefix and address != own.address:
                return InterfaceAddress(address, own.prefix)
    return None


def filled_sets(sections: Sequence[Section]) -> frozenset[str]:
    """The sets into which dnsmasq puts the addresses that it resolves."""
    return frozenset(
        name
        for section in sections
        if section.package == "dhcp" and section.type == "ipset" and "name" in section.options
        for value in section.options["name"].values
        for name in value.split()
    )
