"""Where translations of a pf.conf lead: addresses and ports, as the model's actions."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from splitdns.check.dialects.pf.sifting import Changed
from splitdns.check.dialects.pf.surroundings import Surroundings
from splitdns.check.dialects.pf.values import Filter, HostKind, Target
from splitdns.check.model import Action, Masquerade, Netmap, Opaque, Redirect, Side, Translate
from splitdns.check.sets import Numbers, Prefix, address_of, numbers_of

_LOOPBACK = {4: numbers_of(ip_network("127.0.0.0/8")), 6: numbers_of(ip_network("::1/128"))}


def translation(
    target: Target, side: Side, family: int, when: Iterable[Filter], around: Surroundings
) -> Action | None:
    """What a target does in one family; None: nothing, for it has no address of that family.

    ``when``: the rule's own conditions, from whose ports those of the target count, and on whose interface a
    source without a known address is that interface's.
    """
    filters = list(when)
    if not target.hosts:
        return None
    meant = around.meant(target.hosts, family)
    if meant is None or not (meant.numbers or meant.unknown):
        return None
    ports, base = _ports(target, filters[-1], side)
    if meant.unknown:
        faces = {one.name for one in target.hosts if one.kind is HostKind.INTERFACE}
        own = any(on.name in faces and not on.negated for one in filters for on in one.on)
        if own and side is Side.SOURCE:
            return Masquerade(ports)
        return Redirect(ports, base) if own else Opaque(f"where it leads is not known: {meant.unknown}")
    if side is Side.DESTINATION and meant.numbers <= _LOOPBACK[family]:
        return Redirect(ports, base)
    prefix = _prefix(family, meant.numbers)
    if target.bitmask and prefix is not None and prefix.num_addresses > 1:
        return Netmap(side, prefix)
    return Translate(side, meant.numbers, ports, base)


def changed(action: Action, side: Side) -> Changed:
    """What a later rule sees of that side."""
    match action:
        case Translate(addresses=addresses, ports=ports, base=base):
            unknown = "ports are shifted" if base is not None else ""
            return Changed(side, addresses, ports, unknown)
    return Changed(side, None, None, "the address after an earlier translation is not known")


def _ports(target: Target, when: Filter, side: Side) -> tuple[Numbers | None, int | None]:
    """The ports, and the one that becomes the first of them."""
    if target.ports is None:
        return None, None
    first, last = target.ports
    asked = when.destination_ports if side is Side.DESTINATION else None
    if target.counts and asked is not None and len(asked.ranges) == 1:
        last = min(first + asked.size - 1, 65_535)
    is_shifted = last > first and asked is not None and len(asked.ranges) == 1
    return Numbers.of((first, last)), asked.first if is_shifted and asked is not None else None


def _prefix(family: int, numbers: Numbers) -> Prefix | None:
    if len(numbers.ranges) != 1:
        return None
    low, size = numbers.first, numbers.size
    if size & size - 1 or low % size:
        return None
    return ip_network(f"{address_of(family, low)}/{(32 if family == 4 else 128) - size.bit_length() + 1}")
