"""The device as a router: its interfaces with their addresses, its routes, and which way the internet is.

An address that is leased does not stand in an export. `/ip address print terse where dynamic` prints it, or
another source tells it; without both, an uplink has none, and what is sent to it is not known to be ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.dialects.routeros.interfaces import TUNNELS, Faces
from splitdns.check.dialects.routeros.values import interface_address, prefix, wrong
from splitdns.check.model import Interface, InterfaceAddress, Network, PolicyRule, Route, Support
from splitdns.check.sets import Address, Prefix
from splitdns.errors import ConfigError, Problems

MAIN = "main"
_DEFAULT_DISTANCE = 1
_EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}
_PPP_CLIENTS = ("pppoe", "pptp", "l2tp", "sstp", "ovpn", "ppp")
_RP_FILTER = {"no": 0, "strict": 1, "loose": 2}
_LEARNING = ("routing ospf instance", "routing bgp connection", "routing bgp peer", "routing rip instance")
_NOWHERE = {"blackhole": "blackhole", "unreachable": "unreachable", "prohibit": "prohibit"}


def network_of(
    config: Config, faces: Faces, around: Network, marks: Mapping[str, tuple[int, int]], problems: Problems
) -> Network:
    """``marks``: routing marks by name, as (value, mask) of a packet's mark."""
    addresses = _addresses(config, faces, around, problems)
    routes = _routes(config, faces, addresses, problems)
    uplinks = {route.interface for route in routes if route.prefix.prefixlen == 0} - {None}
    if not uplinks:
        uplinks = {*(faces.lists.get("WAN") or ())}
    interfaces = tuple(_interfaces(config, faces, addresses, uplinks))
    _note_unknown(config, [one for one in interfaces if one.uplink])
    return Network(
        interfaces,
        tuple(routes),
        tuple(_policy(config, marks, problems)),
        _bridge_nf(config),
        _forwards(config),
    )


# --- Interfaces ---------------------------------------------------------------------------------------------


def _addresses(
    config: Config, faces: Faces, around: Network, problems: Problems
) -> dict[str, list[InterfaceAddress]]:
    found: dict[str, list[InterfaceAddress]] = {}
    for family, menu in ((4, "ip address"), (6, "ipv6 address")):
        for item in config.of(menu):
            name = item.get("interface") or item.get("actual-interface")
            if family == 6 and item.has("from-pool") and not item.dynamic:
                reason = "the prefix is delegated: add what '/ipv6 address print terse where dynamic' prints"
                if menu not in config.printed:
                    config.note(Support.WIDENED, "from-pool", item.origin, reason)
                continue
            try:
                address, network = interface_address(item, family)
            except ConfigError as error:
                problems.error(error)
                continue
            mine = found.setdefault(faces.route(name), [])
            mine.append(InterfaceAddress(address, network, item.dynamic))
    for name in dict.fromkeys(_leasing(config, faces)):
        known = around.interface(name)
        if not found.get(name) and known is not None:
            found[name] = list(known.addresses)
    return found


def _note_unknown(config: Config, uplinks: Sequence[Interface]) -> None:
    """An uplink whose leased address nobody told."""
    for one in uplinks:
        if not any(own.address.version == 4 for own in one.addresses) and "ip address" not in config.printed:
            menus = (f"interface {kind}-client" for kind in _PPP_CLIENTS)
            items = config.of("ip dhcp-client", *menus)
            leasing = [item for item in items if one.name in (item.get("interface"), item.get("name"))]
            reason = (
                f"the address that {one.name} leases is not here, and taken from `wan:`: add what "
                "'/ip address print terse where dynamic' prints"
            )
            for item in leasing[:1]:
                config.note(Support.WIDENED, f"the address of {one.name}", item.origin, reason)


def _leasing(config: Config, faces: Faces) -> Iterator[str]:
    """Interfaces whose addresses somebody else gives."""
    for item in config.of("ip dhcp-client", "ipv6 dhcp-client"):
        yield faces.route(item.get("interface"))
    for kind in _PPP_CLIENTS:
        yield from (item.get("name") for item in config.of(f"interface {kind}-client"))
    yield from (name for name, kind in faces.kinds.items() if kind == "lte")


def _interfaces(
    config: Config,
    faces: Faces,
    addresses: Mapping[str, Sequence[InterfaceAddress]],
    uplinks: set[str | None],
) -> Iterator[Interface]:
    checks = config.setting("ip settings", "rp-filter", "no")
    for name in dict.fromkeys((*faces.kinds, *addresses)):
        yield Interface(
            name,
            tuple(addresses.get(name, ())),
            faces.bridges.get(name),
            name in uplinks,
            name not in faces.down,
            faces.kinds.get(name) in TUNNELS,
            rp_filter=_RP_FILTER.get(checks),
        )


def _bridge_nf(config: Config) -> dict[int, bool | None]:
    uses = config.setting("interface bridge settings", "use-ip-firewall", "no") == "yes"
    return {4: uses, 6: uses}


def _forwards(config: Config) -> dict[int, bool | None]:
    four = config.setting("ip settings", "ip-forward", "yes") != "no"
    six = config.setting("ipv6 settings", "forward", "yes") != "no"
    return {4: four, 6: six and config.setting("ipv6 settings", "disable-ipv6", "no") != "yes"}


# --- Routes -------------------------------------------------------------------------------------------------


def _routes(
    config: Config, faces: Faces, addresses: Mapping[str, Sequence[InterfaceAddress]], problems: Problems
) -> list[Route]:
    found: list[Route] = []
    for family, menu in ((4, "ip route"), (6, "ipv6 route")):
        for item in config.of(menu):
            try:
                found += _route(config, faces, addresses, item, family)
            except ConfigError as error:
                problems.error(error)
    known = {route.prefix.version for route in found if route.prefix.prefixlen == 0 and route.table == MAIN}
    for name, family in _leased_routes(config, faces):
        if family not in known:
            found.append(Route(ip_network(_EVERYTHING[family]), name, metric=_DEFAULT_DISTANCE))
    for menu in _LEARNING:
        for item in config.of(menu):
            config.note(Support.WIDENED, menu, item.origin, "routes that are learnt are not in an export")
    return found


def _leased_routes(config: Config, faces: Faces) -> Iterator[tuple[str, int]]:
    """Interfaces by which a default route is learnt, and its family; the defaults differ by kind."""
    for menu, family, usual in (("ip dhcp-client", 4, "yes"), ("ipv6 dhcp-client", 6, "no")):
        for item in config.of(menu):
            if item.get("add-default-route", usual) != "no":
                yield faces.route(item.get("interface")), family
    for kind in _PPP_CLIENTS:
        for item in config.of(f"interface {kind}-client"):
            if item.get("add-default-route", "no") == "yes":
                yield item.get("name"), 4
    for name, kind in faces.kinds.items():
        if kind == "lte":
            yield name, 4


def _route(
    config: Config,
    faces: Faces,
    addresses: Mapping[str, Sequence[InterfaceAddress]],
    item: Item,
    family: int,
) -> Iterator[Route]:
    to = prefix(item, "dst-address", family) if item.has("dst-address") else ip_network(_EVERYTHING[family])
    table = item.get("routing-table") or item.get("routing-mark") or MAIN
    distance = item.get("distance", str(_DEFAULT_DISTANCE))
    if not (distance.isdecimal() and distance.isascii() and len(distance) < 4):
        raise wrong(item, "distance", "a number up to 255")
    metric = int(distance)
    kind = _NOWHERE.get(item.get("type"))
    if item.get("blackhole") == "yes":
        kind = "blackhole"
    if kind is not None:
        yield Route(to, metric=metric, table=table, kind=kind)
        return
    for gateway in filter(None, item.get("gateway").split(",")):
        address, _, named = gateway.partition("@")[0].partition("%")
        via = _address(address)
        if via is None:
            yield Route(to, faces.route(address), metric=metric, table=table)
            continue
        name = faces.route(named) if named else _towards(via, addresses, config, faces)
        if name is None:
            reason = f"no interface has a network with {via}"
            config.note(Support.WIDENED, "gateway", item.origin, reason)
            continue
        yield Route(to, name, via if via.version == family else None, metric, table)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _towards(
    via: Address, addresses: Mapping[str, Sequence[InterfaceAddress]], config: Config, faces: Faces
) -> str | None:
    """The interface with ``via`` in its network; where only one leases its address, it may be that."""
    for name, mine in addresses.items():
        if any(via in own.prefix for own in mine):
            return name
    leasing = {name for name in _leasing(config, faces) if not addresses.get(name)}
    return leasing.pop() if len(leasing) == 1 else None


def _policy(
    config: Config, marks: Mapping[str, tuple[int, int]], problems: Problems
) -> Iterator[PolicyRule]:
    """Rules for tables, then marks, which name tables themselves; then the main table."""
    rules = []
    for at, item in enumerate(config.of("routing rule", "ip route rule", "ipv6 route rule")):
        try:
            rules.append(_policy_rule(config, item, marks, at + 1))
        except ConfigError as error:
            problems.error(error)
    for at, (name, mark) in enumerate(marks.items()):
        rules.append(PolicyRule(20_000 + at, name, mark=mark))
    if rules:
        yield from rules
        yield PolicyRule(32_766, MAIN)


def _policy_rule(
    config: Config, item: Item, marks: Mapping[str, tuple[int, int]], priority: int
) -> PolicyRule:
    prefixes: dict[str, Prefix | None] = {}
    for key in ("src-address", "dst-address"):
        if item.has(key):
            prefixes[key] = prefix(item, key, 6 if ":" in item.get(key) else 4)
    mark = item.get("routing-mark")
    unknown = ""
    if mark and mark not in marks:
        unknown = f"no rule sets routing-mark {mark}"
    action = item.get("action", "lookup")
    if action not in ("lookup", "lookup-only-in-table") or item.has("min-prefix"):
        unknown = f"action {action} of a routing rule is not modelled"
    if unknown:
        config.note(Support.WIDENED, "routing rule", item.origin, unknown)
    return PolicyRule(
        priority,
        item.get("table", MAIN),
        prefixes.get("src-address"),
        prefixes.get("dst-address"),
        item.get("interface") or None,
        marks.get(mark),
        unknown,
    )
