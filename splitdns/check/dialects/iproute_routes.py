"""Routes and policy rules, from ``ip -j route show table all`` and ``ip -j rule``.

The model's policy rules choose a table by source, destination, incoming interface or mark. What else a rule
of ip-rule(8) says becomes a table of its own, where that says the same: a verdict (``blackhole``) is a table
with that one route, ``suppress_prefixlength`` a table without the routes that it suppresses, a route of some
sources one that only they look into. What remains is named as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from splitdns.check.dialects.json_places import Json, Misshapen, listed, mapping, placed, shown, word
from splitdns.check.network import PolicyRule, Route
from splitdns.check.sets import Address, Prefix
from splitdns.errors import Where

EVERYTHING: dict[int, Prefix] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
_VERDICTS = frozenset({"blackhole", "unreachable", "prohibit"})
_PRINTED = frozenset(
    {
        "priority", "src", "srclen", "dst", "dstlen", "iif", "iif_detached", "fwmark", "fwmask", "table",
        "action", "protocol", "suppress_prefixlen", "not", "flags",
    }
)  # fmt: skip
_ALL_BITS = 0xFFFF_FFFF


@dataclass(slots=True)
class Tables:
    """All routes, those of some sources only, and the rules that choose."""

    routes: list[Route] = field(default_factory=list)
    of_sources: list[tuple[Prefix, Route]] = field(default_factory=list)
    policy: list[PolicyRule] = field(default_factory=list)
    made: dict[str, list[Route]] = field(default_factory=dict)

    def uplinks(self) -> frozenset[str]:
        """The interfaces of default routes: of the main table, else of any."""
        routes = [*self.routes, *(route for _, route in self.of_sources)]
        default = [one for one in routes if one.prefix.prefixlen == 0 and one.kind == "unicast"]
        main = [one for one in default if one.table == "main"] or default
        return frozenset(one.interface for one in main if one.interface is not None)

    def all_routes(self) -> Iterator[Route]:
        yield from self.routes
        for routes in self.made.values():
            yield from routes


def read_routes(one: dict[str, Json], tables: Tables) -> None:
    """Take one route; several next hops are several routes alike.

    Raises:
        Misshapen: it is not of the shape that ip prints.
    """
    hops = one.get("nexthops")
    route = _route(one)
    if hops is None:
        several = [] if _is_dead(one) else [route]
    else:
        alive = [hop for hop in listed(hops, "next hops") if not _is_dead(hop)]
        several = [_hop(route, mapping(hop, "a next hop")) for hop in alive]
    if route.kind == "multicast" or route.prefix.is_link_local:
        return  # not forwarded, and the same at every interface
    source = one.get("from")
    if source is None or source == "default":
        tables.routes += several
    else:
        prefix = _prefix(source, None, "the source of a route")
        tables.of_sources += [(prefix, each) for each in several]


def read_rules(rules: Iterable[tuple[dict[str, Json], Where]], family: int, tables: Tables) -> None:
    """Take the rules of one family: ``family``, unless their addresses say otherwise."""
    several = list(rules)
    family = _family_of([rule for rule, _ in several], family)
    for rule, where in several:
        with placed(where):
            for made in _policy(rule, family, tables):
                tables.policy += _with_sources(made, family, tables)


# --- Routes -------------------------------------------------------------------------------------------------


def _route(one: dict[str, Json]) -> Route:
    via = _via(one)
    family = 6 if "pref" in one or (via is not None and via.version == 6 and "via" not in one) else 4
    destination = one.get("dst", "default")
    prefix = EVERYTHING[family] if destination == "default" else _prefix(destination, None, "a destination")
    metric = one.get("metric", 0)
    device = one.get("dev")
    return Route(
        prefix,
        None if device is None else word(device, "the interface of a route"),
        via,
        metric if isinstance(metric, int) else 0,
        str(one.get("table", "main")),
        word(one.get("type", "unicast"), "the type of a route"),
    )


def _hop(route: Route, hop: dict[str, Json]) -> Route:
    device = hop.get("dev")
    return replace(route, interface=None if device is None else word(device, "an interface"), via=_via(hop))


def _via(one: dict[str, Json]) -> Address | None:
    """The next router; an IPv4 route may have one of IPv6 (RFC 5549)."""
    given = one.get("gateway")
    if given is None and isinstance(one.get("via"), dict):
        given = mapping(one["via"], "via").get("host")
    if given is None:
        return None
    try:
        return ip_address(word(given, "a router"))
    except ValueError:
        raise Misshapen(f"expected the address of a router, found {shown(given)}") from None


def _is_dead(one: Json) -> bool:
    flags = one.get("flags") if isinstance(one, dict) else None
    return isinstance(flags, list) and "dead" in flags


def _prefix(value: Json, length: Json, what: str) -> Prefix:
    text = word(value, what)
    try:
        return ip_network(text if length is None else f"{text}/{length}")
    except ValueError:
        raise Misshapen(f"expected {what} as an address or a prefix, found {shown(value)}") from None


# --- Rules --------------------------------------------------------------------------------------------------


def _family_of(rules: list[dict[str, Json]], otherwise: int) -> int:
    """IPv6 has no table "default", and an address tells its family."""
    for rule in rules:
        for key in ("src", "dst"):
            value = rule.get(key)
            if isinstance(value, str) and value != "all":
                return 6 if ":" in value else 4
    return 4 if any(rule.get("table") == "default" for rule in rules) else otherwise


def _policy(rule: dict[str, Json], family: int, tables: Tables) -> Iterator[PolicyRule]:
    priority = rule.get("priority")
    if not isinstance(priority, int):
        raise Misshapen(f"expected the priority of a rule, found {shown(priority)}")
    if rule.get("action") == "nop" or "oif" in rule:
        return  # nothing; or of sockets that are bound to an interface, which no packet from outside is
    source, destination = (_selected(rule, key) for key in ("src", "dst"))
    incoming = rule.get("iif")
    mark = _mark(rule)
    one = PolicyRule(
        priority,
        _table(rule, family, tables),
        source or (None if destination else EVERYTHING[family]),
        destination,
        None if incoming is None else word(incoming, "the interface of a rule"),
        mark,
        _unknown(rule),
    )
    if "not" not in rule:
        yield one
        return
    # Not all of several: at least one of them is not.
    anything = replace(one, source=EVERYTHING[family], destination=None, incoming=None, mark=None)
    if one.incoming is not None or one.unknown or not (source or destination or mark):
        yield replace(anything, unknown="ip rule: not")
    value, mask = mark or (0, 0)
    for bit in (1 << at for at in range(32) if mask >> at & 1):
        yield replace(anything, mark=(~value & bit, bit))
    for prefix in _all_but(source):
        yield replace(anything, source=prefix)
    for prefix in _all_but(destination):
        yield replace(anything, source=None, destination=prefix)


def _all_but(prefix: Prefix | None) -> Iterator[Prefix]:
    """All other addresses of its family, as prefixes."""
    if isinstance(prefix, IPv4Network):
        yield from IPv4Network("0.0.0.0/0").address_exclude(prefix)
    elif isinstance(prefix, IPv6Network):
        yield from IPv6Network("::/0").address_exclude(prefix)


def _selected(rule: dict[str, Json], key: str) -> Prefix | None:
    value = rule.get(key)
    if value is None or value == "all":
        return None
    return _prefix(value, rule.get(f"{key}len"), f"the {key} of a rule")


def _mark(rule: dict[str, Json]) -> tuple[int, int] | None:
    if "fwmark" not in rule:
        return None
    try:
        value, mask = (int(str(rule.get(key, _ALL_BITS)), 0) & _ALL_BITS for key in ("fwmark", "fwmask"))
    except ValueError:
        raise Misshapen(f"expected a mark, found {shown(rule['fwmark'])}") from None
    return value & mask, mask


def _unknown(rule: dict[str, Json]) -> str:
    strange = sorted(set(rule) - _PRINTED)
    return f"ip rule: {', '.join(strange)}" if strange else ""


def _table(rule: dict[str, Json], family: int, tables: Tables) -> str:
    """The name of the table that says what the rule says, made if need be."""
    action = rule.get("action")
    if action is None or action in ("lookup", "to_tbl"):
        name = str(rule.get("table", "main"))
        least = rule.get("suppress_prefixlen")
        if not isinstance(least, int) or least < 0:
            return name
        made = f"{name} beyond /{least}"
        longer = [one for one in tables.routes if one.table == name and one.prefix.prefixlen > least]
        tables.made[made] = [replace(one, table=made) for one in longer]
        return made
    if isinstance(action, str) and action in _VERDICTS:
        made = f"{action} {family}"
        tables.made[made] = [Route(EVERYTHING[family], table=made, kind=action)]
        return made
    return ""  # no such table; ``_unknown`` has named the action


def _with_sources(rule: PolicyRule, family: int, tables: Tables) -> Iterator[PolicyRule]:
    """``rule``, after those that look into the routes of some sources in its table."""
    its = [(source, route) for source, route in tables.of_sources if route.table == rule.table]
    sources = {source for source, _ in its if source.version == family}
    for source in sorted(sources, key=lambda one: (-one.prefixlen, int(one.network_address))):
        if rule.source is not None and not _within(source, rule.source):
            continue
        made = f"{rule.table} from {source}"
        routes = [route for one, route in its if one == source]
        tables.made[made] = [replace(route, table=made) for route in routes]
        yield replace(rule, table=made, source=source)
    yield rule


def _within(inner: Prefix, outer: Prefix) -> bool:
    return inner.version == outer.version and int(outer.network_address) <= int(inner.network_address) <= int(
        outer.broadcast_address
    )
