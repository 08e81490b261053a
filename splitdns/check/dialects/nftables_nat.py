"""What nft's address translation does: dnat, snat, masquerade, redirect, and maps as their targets.

A map of targets becomes one action for each of its elements. Where the key is a number by chance, as for a
load balancer, any of the values may come: one action with all of them, or, where address and port belong
together, one after the other, each of which may be the one.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, Misshapen, mapping, shown
from splitdns.check.dialects.nftables_match import Within, mapped, possible_values
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    Chance,
    Terms,
)
from splitdns.check.rules import Action, Masquerade, Netmap, Opaque, Ports, Redirect, Side, Translate, Unknown
from splitdns.check.sets import Numbers, address_of
from splitdns.value import value

_FAMILIES = {"ip": 4, "ip6": 6}
_PORT = values.named({}, 16)
_RANDOM = {"random", "fully-random"}

Acts = list[tuple[Terms, Action]]


@value(frozen=True, slots=True)
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
            terms = target.terms & port.terms
            if target.maybe or port.maybe:
                terms = terms.also(Unknown(f"{what} to one of several, by chance"))
            address, ports_of_it = _apart(target.value, port.value)
            for asked, one in _ports(what, details, ports_of_it):
                its, action = _action(what, details, address, one, within.family)
                acts.append((terms & asked & its, action))
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


def _apart(target: Json, port: Json) -> tuple[Json, Json]:
    """Address and port, which may stand together as a map's value."""
    match target:
        case {"concat": [address, joined]}:
            return address, joined
        case {"elem": {"val": inner}}:
            return inner, port
    return target, port


def _ports(what: str, details: dict[str, Json], port: Json) -> Iterator[tuple[Terms, Json]]:
    """The port to translate to, by what is asked of the packet.

    Of a range, a destination that is in it keeps its port and any other gets the first, if no connection has
    it yet (nf_nat_l4proto_unique_tuple); ``random`` and ``fully-random`` take any, and so do sources.
    """
    match port:
        case {"range": [first, _]} if what in ("dnat", "redirect") and not _flags(details) & _RANDOM:
            some = values.ranges(port, _PORT, 16)
            if some is not None:
                yield ALWAYS.also(Ports(Side.DESTINATION, Numbers.of(*some))), None
                port = first
    yield ALWAYS, port


def _action(
    what: str, details: dict[str, Json], target: Json, port: Json, table: str
) -> tuple[Terms, Action]:
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
    return details.get("type_flags") == "prefix" or "netmap" in _flags(details)


def _flags(details: dict[str, Json]) -> set[str]:
    flags = details.get("flags")
    return {flag for flag in (flags if isinstance(flags, list) else [flags]) if isinstance(flag, str)}


def _is_prefix(addresses: Numbers) -> bool:
    if len(addresses.ranges) != 1:
        return False
    first, last = addresses.ranges[0]
    size = last - first + 1
    return size & (size - 1) == 0 and first % size == 0
