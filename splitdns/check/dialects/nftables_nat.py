"""What nft's address translation does: dnat, snat, masquerade, redirect, and maps as their targets.

A map of targets becomes one action for each of its elements. Where the key is a number by chance, as for a
load balancer, any of the values may come: one action with all of them, or, where address and port belong
together, one after the other, each of which may be the one.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, Misshapen, mapping, shown
from splitdns.check.dialects.nftables_match import Within, mapped, possible_values
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    Chance,
    Terms,
)
from splitdns.check.rules import Action, Masquerade, Netmap, Opaque, Redirect, Side, Translate, Unknown
from splitdns.check.sets import Numbers, address_of

_FAMILIES = {"ip": 4, "ip6": 6}
_PORT = values.named({}, 16)

Acts = list[tuple[Terms, Action]]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One possible value of an expression; ``maybe``: others may come as well."""

    terms: Terms
    value: Json
    maybe: bool = False


def translations(what: str, body: Json, within: Within) -> Acts:
    """The actions of a ``dnat``, ``snat``, ``masquerade`` or ``redirect`` statement, of which one is done.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    details = {} if body is None else mapping(body, what)
    acts: Acts = []
    ports = _choices(details.get("port"), within)
    targets = _choices(details.get("addr"), within)
    unclear = Opaque(f"{what} to what is not known here")
    if isinstance(targets, Terms):
        return [(targets, unclear)]
    if isinstance(ports, Terms):
        return [(ports, unclear)]
    for port in ports:
        for target in targets:
            terms, action = _action(what, details, target.value, port.value, within.family)
            maybe = Unknown(f"{what} to one of several, by chance") if target.maybe or port.maybe else None
            terms = target.terms & port.terms & terms
            acts.append((terms.also(maybe) if maybe else terms, action))
    return acts


def _choices(expression: Json, within: Within) -> list[_Choice] | Terms:
    """What ``expression`` may come to; ``Terms``: not known, if these hold."""
    match expression:
        case {"map": {"key": key, "data": data}}:
            found = mapped(key, data, within)
            if isinstance(found, Terms):
                return found
            if isinstance(found, Chance):
                some = possible_values(found, data, within)
                if all(isinstance(value, str | int) for value in some):
                    return [_Choice(ALWAYS, {"set": list(some)})]
                return [_Choice(ALWAYS, value, maybe=value is not some[-1]) for value in some]
            return [_Choice(terms, value) for several, value in found for terms in several]
        case {"map": _}:
            raise Misshapen(f"expected a key and data of a map, found {shown(expression)}")
    return [_Choice(ALWAYS, expression)]


def _action(
    what: str, details: dict[str, Json], target: Json, port: Json, table: str
) -> tuple[Terms, Action]:
    match target:
        case {"concat": [address, joined]}:
            target, port = address, joined
        case {"elem": {"val": inner}}:
            target = inner
    ports = None
    if port is not None:
        some = values.ranges(port, _PORT, 16)
        if some is None:
            return ALWAYS, Opaque(f"{what} to port {shown(port)}")
        ports = Numbers.of(*some)
    if what == "masquerade":
        return ALWAYS, Masquerade(ports)
    if what == "redirect":
        return ALWAYS, Redirect(ports)
    side = Side.DESTINATION if what == "dnat" else Side.SOURCE
    family = _family(details.get("family"), table)
    if target is None:
        return (ALWAYS if family is None else Terms(frozenset({family}))), Translate(side, None, ports)
    for number, scalar, bits in ((4, values.address4, 32), (6, values.address6, 128)):
        some = values.ranges(target, scalar, bits) if family in (number, None) else None
        if some is not None:
            terms = Terms(frozenset({number}))
            addresses = Numbers.of(*some)
            if _is_netmap(details) and _is_prefix(addresses):
                first, last = addresses.ranges[0]
                length = bits - (last - first).bit_length()
                return terms, Netmap(side, ip_network((address_of(number, first), length)))
            return terms, Translate(side, addresses, ports)
    return ALWAYS, Opaque(f"{what} to {shown(target)}")


def _family(given: Json, table: str) -> int | None:
    if isinstance(given, str) and given in _FAMILIES:
        return _FAMILIES[given]
    return _FAMILIES.get(table)


def _is_netmap(details: dict[str, Json]) -> bool:
    flags, kind = details.get("flags"), details.get("type_flags")
    return kind == "prefix" or "netmap" in (flags if isinstance(flags, list) else [flags])


def _is_prefix(addresses: Numbers) -> bool:
    if len(addresses.ranges) != 1:
        return False
    first, last = addresses.ranges[0]
    size = last - first + 1
    return size & (size - 1) == 0 and first % size == 0
