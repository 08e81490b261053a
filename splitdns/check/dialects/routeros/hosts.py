"""Hosts of which the device knows: those with a lease that never changes, and those whose lease may.

A forward to an address that the device leases to anybody leads to whoever has it today.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from splitdns.check.dialects.routeros.config import Config
from splitdns.check.dialects.routeros.values import address_range, one_address
from splitdns.check.model import Host, InterfaceAddress, Network
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Problems


def hosts_of(config: Config, network: Network, problems: Problems) -> tuple[Host, ...]:
    """One for each static lease in a network of the device, named by its comment, or its address.

    And one for each address that a forward leads to and that is leased to anybody.
    """
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
    known = {own.address for host in found.values() for own in host.addresses}
    leased = (host for host in _leased(config, network) if host.addresses[0].address not in known)
    return (*found.values(), *leased)


def _leased(config: Config, network: Network) -> Iterator[Host]:
    """The targets of forwards that are in a pool of leases."""
    served = {item.get("address-pool") for item in config.of("ip dhcp-server")}
    pools = Numbers()
    for item in config.of("ip pool"):
        for part in item.get("ranges").split(",") if item.get("name") in served else ():
            pools |= address_range(part, 4) or Numbers()
    links = [own.prefix for one in network.interfaces for own in one.addresses]
    targets = [address_range(item.get("to-addresses"), 4) for item in config.of("ip firewall nat")]
    for number in dict.fromkeys(one.single for one in targets if one is not None):
        address = IPv4Address(number) if number is not None and number in pools else None
        prefix = next((prefix for prefix in links if address in prefix), None) if address else None
        if address is not None and prefix is not None:
            yield Host(str(address), (InterfaceAddress(address, prefix, dynamic=True),))
