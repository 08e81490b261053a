"""Groups that rules name: of addresses, networks, ports and interfaces.

EdgeOS keeps some by itself: ``ADDRv4_eth0`` are the addresses of an interface, ``NETv4_eth0`` its networks.
An address that is leased stands in no configuration; of it is known that it is no other interface's.
"""

from __future__ import annotations

from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, addresses, ports
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Interface,
    Interfaces,
    Ports,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import NONE, PORTS, Numbers, all_addresses, numbers_of

MAX_INCLUDES = 20  # of groups in each other; more is a loop
_ADDRESS_GROUPS = {
    "address-group": (4, "address"),
    "network-group": (4, "network"),
    "ipv6-address-group": (6, "address"),
    "ipv6-network-group": (6, "network"),
}
_OF_IPV6 = {"address-group": "ipv6-address-group", "network-group": "ipv6-network-group"}


def of_group(reading: Reading, kind: Node, side: Side, family: int) -> list[Condition]:
    """What ``group KIND NAME`` beneath a rule's source or destination asks."""
    name = kind.leaf()
    if name is None:
        reading.wrong(kind, f"the name of a group after {kind.word}")
        return []
    is_negated, text = name.word.startswith("!"), name.word.removeprefix("!")
    word = _OF_IPV6.get(kind.word, kind.word) if family == 6 else kind.word
    if word in _ADDRESS_GROUPS:
        of_interface = _of_interface(reading, text, side)
        if of_interface is not None:
            return [AnyOf((tuple(of_interface),), negated=True)] if is_negated else of_interface
        family, member = _ADDRESS_GROUPS[word]
        numbers = _numbers(reading, word, member, text, family)
        if numbers is None:
            return [reading.unknown(name, "the group is not in this file")]
        return [Addresses(side, all_addresses(family) - numbers if is_negated else numbers)]
    if word == "port-group":
        numbers = _ports(reading, text)
        if numbers is None:
            return [reading.unknown(name, "the group is not in this file, or has names of services")]
        return [Ports(side, PORTS - numbers if is_negated else numbers)]
    known = word in ("domain-group", "mac-group", "dynamic-address-group", "remote-group", "geoip-group")
    reason = "what is in it changes, or is not of the packet's addresses"
    return [reading.unknown(name, reason, Support.WIDENED if known else Support.UNKNOWN)]


def of_interfaces(reading: Reading, name: Node, side: Side) -> Condition:
    """What ``inbound-interface group NAME`` asks."""
    is_negated, text = name.word.startswith("!"), name.word.removeprefix("!")
    members: set[str] = set()
    names = [text]
    for _ in range(MAX_INCLUDES):
        groups = [reading.tree.at("firewall", "group", "interface-group", one) for one in names]
        if not all(groups):
            return reading.unknown(name, "the group is not in this file")
        members |= {one.word for group in groups if group for one in group.beneath("interface")}
        names = [one.word for group in groups if group for one in group.beneath("include")]
        if not names:
            return Interfaces(side, frozenset(members), is_negated)
    return reading.unknown(name, "groups that include each other")


def _group(reading: Reading, kind: str, name: str) -> Node | None:
    return reading.tree.at("firewall", "group", kind, name)


def _numbers(
    reading: Reading, kind: str, member: str, name: str, family: int, depth: int = 0
) -> Numbers | None:
    group = _group(reading, kind, name)
    if group is None or depth > MAX_INCLUDES:
        return None
    found = NONE
    for one in group.beneath(member):
        try:
            found |= addresses(one.word, family)
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
    for one in group.beneath("include"):
        included = _numbers(reading, kind, member, one.word, family, depth + 1)
        if included is None:
            return None
        found |= included
    return found


def _ports(reading: Reading, name: str, depth: int = 0) -> Numbers | None:
    group = _group(reading, "port-group", name)
    if group is None or depth > MAX_INCLUDES:
        return None
    found = NONE
    for one in group.beneath("port"):
        try:
            numbers = ports(one.word)
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
            continue
        if numbers is None:
            return None
        found |= numbers
    for one in group.beneath("include"):
        included = _ports(reading, one.word, depth + 1)
        if included is None:
            return None
        found |= included
    return found


# --- Those that the device keeps ----------------------------------------------------------------------------


def _of_interface(reading: Reading, text: str, side: Side) -> list[Condition] | None:
    kind, _, name = text.partition("_")
    match kind:
        case "ADDRv4":
            return addresses_of(reading, name, side, 4)
        case "ADDRv6":
            return addresses_of(reading, name, side, 6)
        case "NETv4" | "NETv6":
            interface = reading.network.interface(name) or Interface(name)
            version = int(kind[-1])
            networks = [one.prefix for one in interface.addresses if one.prefix.version == version]
            return [Addresses(side, numbers_of(*networks))]
    return None


def addresses_of(reading: Reading, name: str, side: Side, family: int) -> list[Condition]:
    """The interface's own addresses; a leased one is the gateway's and no other interface's.

    Where nobody told it, only what it is not is known.
    """
    interface = reading.network.interface(name) or Interface(name)
    mine = [one for one in interface.addresses if one.address.version == family]
    numbers = numbers_of(*(one.address for one in mine))
    if mine and not any(one.dynamic for one in mine):
        return [Addresses(side, numbers)]
    others = numbers_of(*reading.network.addresses(family)) - numbers
    not_theirs = Addresses(side, all_addresses(family) - others)
    if mine:  # the device follows where its address goes
        return [AddressTypes(side, frozenset({"local"})), not_theirs]
    told = "stat/device" if reading.dialect == "unifi" else "show interfaces"
    return [not_theirs, Unknown(f"the address of {name} is leased: add what {told} says to the sources")]
