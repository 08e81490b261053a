"""Hosts of which the device knows: those with a lease that never changes."""

from __future__ import annotations

from splitdns.check.dialects.routeros.config import Config
from splitdns.check.dialects.routeros.values import one_address
from splitdns.check.model import Host, InterfaceAddress, Network
from splitdns.errors import ConfigError, Problems


def hosts_of(config: Config, network: Network, problems: Problems) -> tuple[Host, ...]:
    """One for each static lease in a network of the device, named by its comment, or its address."""
    found: dict[str, Host] = {}
    links = [own.prefix for one in network.interfaces for own in one.addresses]
    for item in config.items.get("ip dhcp-server lease", ()):
        if not item.enabled or not item.has("address") or item.dynamic:
            continue
        try:
            address = one_address(item, "address")
        except ConfigError as error:
            if not item.get("address").isidentifier():  # which would be a pool's name
                problems.error(error)
            continue
        prefix = next((prefix for prefix in links if address in prefix), None)
        if prefix is None:
            continue
        name = item.get("comment") or item.get("host-name") or str(address)
        name = str(address) if name in found else name[:60]
        found.setdefault(
            name, Host(name, (InterfaceAddress(address, prefix),), where=item.origin.where)
        )
    return tuple(found.values())
