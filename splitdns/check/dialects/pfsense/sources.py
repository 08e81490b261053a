"""Source NAT: rules that a person made, those that every uplink gets by itself, and reflection's.

pf tries them in this order where a packet goes out, after one-to-one NAT. The automatic ones hide the
networks of interfaces without a gateway, of OpenVPN's tunnels and of routes inside, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.addresses import is_inside
from splitdns.check.dialects.pfsense.config import is_on, origin_of
from splitdns.check.dialects.pfsense.endpoints import PROXIED, Endpoints, Missing
from splitdns.check.dialects.pfsense.forwards import Forward, Reflection, to_target
from splitdns.check.dialects.pfsense.pairs import Pair
from splitdns.check.dialects.pfsense.protocols import families
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    TCP,
    Accept,
    Action,
    Addresses,
    Condition,
    Interfaces,
    Mark,
    Masquerade,
    Of,
    Opaque,
    Origin,
    Protocols,
    Route,
    Rule,
    Side,
    Support,
    Translate,
)
from splitdns.check.sets import NONE, Numbers, all_addresses, numbers_of

_MODES = ("automatic", "hybrid", "advanced", "disabled")


def mode_of(ends: Endpoints) -> str:
    """How outbound NAT is done; automatic where nothing is said."""
    element = ends.config.root.child("nat", "outbound", "mode")
    if element is None or not element.text:
        return "automatic"
    if element.text not in _MODES:
        ends.config.wrong(element, f"one of {', '.join(_MODES)}", element.text)
    return element.text


def rules_of(
    ends: Endpoints, forwards: list[Forward], pairs: list[Pair], routes: tuple[Route, ...]
) -> Iterator[Rule]:
    """Of postrouting, behind those of pairs."""
    mode = mode_of(ends)
    for element in ends.config.rows("nat", "source-rule"):  # of OPNsense's newer pages
        yield from _by_hand(ends, element, asked=True, why="")
    for element in ends.config.rows("nat", "outbound", "rule"):
        asked = mode in ("advanced", "hybrid")
        yield from _by_hand(ends, element, asked=asked, why=f"outbound NAT is {mode}, and does not ask it")
    if mode in ("automatic", "hybrid"):
        yield from _automatic(ends, routes)
    yield from _for_reflection(ends, forwards, pairs, routes)


# --- By hand ------------------------------------------------------------------------------------------------


def _by_hand(ends: Endpoints, element: Element, *, asked: bool, why: str) -> Iterator[Rule]:
    origin = origin_of(element, f"outbound NAT on {element.value('interface')}")
    if is_on(element, "disabled") or not asked:
        reason = "it is disabled" if is_on(element, "disabled") else why
        ends.config.note(Support.IGNORED, "outbound rule", origin, reason)
    else:
        yield from _manual(ends, element, origin)


def _manual(ends: Endpoints, element: Element, origin: Origin) -> Iterator[Rule]:
    told = element.value("ipprotocol")
    for family in families(told) if told else (4, 6):
        found = _conditions(ends, element, family)
        action: Action | Missing = Missing("")
        if not isinstance(found, Missing):
            action = Accept() if is_on(element, "nonat") else _as(ends, element, family)
        if isinstance(found, Missing) or isinstance(action, Missing):
            reason = found.reason if isinstance(found, Missing) else getattr(action, "reason", "")
            if told or family == 4:
                ends.config.note(Support.IGNORED, "outbound rule", origin, f"left out: {reason}")
            continue
        yield Rule(found, action, origin, frozenset({family}))


def _conditions(ends: Endpoints, element: Element, family: int) -> tuple[Condition, ...] | Missing:
    key = element.value("interface")
    keys = ends.faces.named(key)
    if not keys:
        return Missing(f"its interface {key} is not enabled")
    numbers, unsure = ends.protocols(element.value("protocol"), family, origin_of(element, "outbound NAT"))
    conditions: list[Condition] = [Interfaces(Side.DESTINATION, keys), *unsure]
    if numbers.size < 256:
        conditions.append(Protocols(numbers))
    for tag, side, port in (
        ("source", Side.SOURCE, element.value("sourceport")),
        ("destination", Side.DESTINATION, element.value("dstport")),
    ):
        where = ends.addresses(element.child(tag), side, family)
        if isinstance(where, Missing):
            return where
        of_side = where.conditions(side, family)
        if of_side is None:
            return Missing(f"its {tag} is not of IPv{family}")
        of_port = ends.port_conditions(port, side)
        if isinstance(of_port, Missing):
            return of_port
        conditions += (*of_side, *of_port)
    return tuple(conditions)


def _as(ends: Endpoints, element: Element, family: int) -> Action | Missing:
    """The address that sources become: the interface's own where nothing is said."""
    ports = None
    if text := element.value("natport"):
        told = ends.ports(text)
        if isinstance(told, Missing):
            return told
        ports = told[0]
    text = element.value("target")
    if text == "other-subnet":
        text = f"{element.value('targetip')}/{element.value('targetip_subnet', usual='32')}"
    keys = ends.faces.named(element.value("interface")) or frozenset()
    if not text or text == f"{element.value('interface')}ip":
        has = any(ends.faces.all[key].own(family) or family in ends.faces.all[key].leased for key in keys)
        return Masquerade(ports) if has else Missing(f"its interface has no address of IPv{family}")
    found = ends.named(text, Side.SOURCE, family)
    if isinstance(found, Missing):
        return found
    if found.maybe:
        reason = f"what it translates to, {text}, is not known here"
        ends.config.note(Support.WIDENED, "target", origin_of(element, "outbound NAT"), reason)
        return Opaque(reason)
    if not found.numbers:
        return Missing(f"what it translates to is not of IPv{family}")
    return Translate(Side.SOURCE, found.numbers, ports)


# --- By themselves ------------------------------------------------------------------------------------------


def _automatic(ends: Endpoints, routes: tuple[Route, ...]) -> Iterator[Rule]:
    hidden = Numbers.of((127 << 24, (128 << 24) - 1))
    for face in ends.faces.all.values():
        if not face.gateways and (face.is_assigned or face.group == "openvpn"):
            hidden |= face.networks(4)
    hidden |= _inside_routes(ends, routes)
    place = ends.config.root.child("nat", "outbound") or ends.config.root
    origin = Origin(place.where, "automatic outbound NAT", "outbound NAT")
    for key, face in ends.faces.all.items():
        if face.gateways and not face.is_tunnel:
            conditions = (Interfaces(Side.DESTINATION, frozenset({key})), Addresses(Side.SOURCE, hidden))
            yield Rule(conditions, Masquerade(), origin, frozenset({4}))


def _inside_routes(ends: Endpoints, routes: tuple[Route, ...]) -> Numbers:
    uplinks = ends.faces.uplinks()
    found = NONE
    for route in routes:
        is_default = not route.prefix.prefixlen
        if route.prefix.version == 6 or route.interface in uplinks or is_default:
            continue
        if is_inside(route.prefix.network_address.packed):
            found |= numbers_of(route.prefix)
    return found


# --- For reflection -----------------------------------------------------------------------------------------


def _for_reflection(
    ends: Endpoints, forwards: list[Forward], pairs: list[Pair], routes: tuple[Route, ...]
) -> Iterator[Rule]:
    helps = ends.config.is_on("system", "enablenatreflectionhelper")
    for forward in forwards:
        if not forward.target or forward.is_looped:
            continue
        if forward.reflection is Reflection.PROXY:
            origin = Origin(forward.origin.where, forward.origin.text, "NAT + proxy reflection")
            proxied = Mark(Of.PACKET, Numbers.one(PROXIED), PROXIED)
            yield Rule((proxied, *to_target(forward)), Masquerade(), origin, frozenset({4}))
        within = forward.keys | (frozenset() if forward.reflection is Reflection.PROXY else forward.reflected)
        if helps:
            yield from _helper(
                ends, within, to_target(forward), forward.target, forward.family, forward.origin, routes
            )
        elif forward.destination.is_any and not forward.keys & ends.faces.uplinks():
            yield from _back_to_its_own(ends, forward)
    for pair in pairs:
        if pair.is_helped and not pair.excepted:
            target = numbers_of(pair.inside)
            to = (Addresses(Side.DESTINATION, target),)
            yield from _helper(ends, pair.keys | pair.reflected, to, target, 4, pair.origin, routes)


def _helper(
    ends: Endpoints,
    within: frozenset[str],
    to: tuple[Condition, ...],
    target: Numbers,
    family: int,
    origin: Origin,
    routes: tuple[Route, ...],
) -> Iterator[Rule]:
    """Clients in the server's own network, and behind routers in it, seem to be the gateway."""
    if family == 6 and not ends.config.is_opnsense:
        return
    made = Origin(origin.where, origin.text, "outbound NAT for reflection")
    for key in sorted(within):
        networks = ends.faces.all[key].networks(family)
        if not networks & target:
            continue
        for route in routes:
            if route.interface == key and route.via is not None and route.prefix.version == family:
                networks |= numbers_of(route.prefix)
        if networks != all_addresses(family):
            conditions = (
                Interfaces(Side.DESTINATION, frozenset({key})),
                Addresses(Side.SOURCE, networks),
                *to,
            )
            yield Rule(conditions, Masquerade(), made, frozenset({family}))


def _back_to_its_own(ends: Endpoints, forward: Forward) -> Iterator[Rule]:
    """A forward for any destination on an inside interface, to a server in the same network (TCP)."""
    if TCP not in forward.protocols:
        return
    origin = Origin(forward.origin.where, forward.origin.text, "redirect to an internal host")
    for key in sorted(forward.keys):
        networks = ends.faces.all[key].networks(4)
        if networks and forward.family == 4:
            conditions = (
                Interfaces(Side.DESTINATION, frozenset({key})),
                Addresses(Side.SOURCE, networks),
                *to_target(forward),
                Protocols(Numbers.one(TCP)),
            )
            yield Rule(conditions, Masquerade(), origin, frozenset({4}))
