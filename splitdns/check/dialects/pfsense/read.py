"""A whole gateway from its ``config.xml``: interfaces, routes, translation, filter, services, hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address, ip_network, summarize_address_range

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.pfsense import chains, filters, forwards, pairs, services, sources
from splitdns.check.dialects.pfsense.aliases import Aliases
from splitdns.check.dialects.pfsense.config import Config, Flavour, is_on, origin_of
from splitdns.check.dialects.pfsense.endpoints import Endpoints
from splitdns.check.dialects.pfsense.faces import Faces, faces_of, prefix_of
from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    Chain,
    Device,
    Goto,
    Hook,
    Interface,
    Interfaces,
    Network,
    Origin,
    Priority,
    Route,
    Rule,
    Ruleset,
    Side,
    Support,
)
from splitdns.check.sets import Address, Prefix
from splitdns.errors import ConfigError, Problems, Where

NULL_ROUTES = ("Null4", "Null6")
_EVERYWHERE = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


def read(texts: Sequence[Printed], around: Network) -> Device:
    """Read pfSense's ``config.xml``.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order; or that it is somebody else's XML.
    """
    return read_as(Flavour.PFSENSE, texts, around, lambda _: None)


def read_as(
    flavour: Flavour,
    texts: Sequence[Printed],
    around: Network,
    prepare: Callable[[Element], None],
) -> Device:
    """Read the one ``config.xml`` of a device of ``flavour``; ``prepare`` may change it before."""
    problems = Problems()
    if len(texts) > 1:
        message = "expected one config.xml of the gateway, found another"
        problems.error(ConfigError(Where(texts[1].file, 1, 1), message))
    try:
        root = xml_places.read(texts[0].text, texts[0].file)
        if root.tag != flavour.value:
            raise ConfigError(root.where, f"expected <{flavour.value}>, found <{root.tag[:60]}>")
    except ConfigError as error:
        problems.error(error)
        problems.raise_errors(texts[0].file)
        raise
    prepare(root)
    device = _device(Config(root, flavour, problems, []), around)
    problems.raise_errors(texts[0].file)
    return device


def _device(config: Config, around: Network) -> Device:
    faces = faces_of(config, around)
    ends = Endpoints(config, faces, Aliases(config))
    routes = tuple(_routes(ends, around))
    found = forwards.forwards_of(ends)
    ends.loops = any(one.is_looped or one.reflection is forwards.Reflection.PROXY for one in found)
    made: tuple[Chain, ...] = (
        *_nat_chains(ends, found, routes),
        *chains.filter_chains(ends, filters.filters_of(ends, config.rows("filter", "rule")), routes),
    )
    if config.is_on("system", "disablefilter"):
        made = ()
        reason = "pf is off: nothing is filtered or translated"
        config.note(Support.IGNORED, "disablefilter", Origin(config.root.where), reason)
    _note_the_rest(config)
    ruleset = Ruleset(made, tuple(config.notes), sum(len(chain.rules) for chain in made))
    network = Network(tuple(_interfaces(faces)), routes)
    devices = frozenset(face.device for face in faces.all.values())
    hosts = tuple(services.hosts_of(config, faces))
    return Device(ruleset, network, hosts, services.listens_of(config), devices)


def _nat_chains(
    ends: Endpoints, found: list[forwards.Forward], routes: tuple[Route, ...]
) -> Iterator[Chain]:
    table = f"{ends.config.flavour.value} nat"
    both = pairs.pairs_of(ends)
    inwards = (*forwards.rules_of(ends, found), *pairs.inwards(both))
    outwards = (*pairs.outwards(both), *sources.rules_of(ends, found, both, routes))
    made = Origin((ends.config.root.child("nat") or ends.config.root).where, made_by="default")
    ways = []
    for key in ends.faces.all:
        own = tuple(rule for rule in inwards if key in came_by(rule))
        if own:
            ways.append(Rule((Interfaces(Side.SOURCE, frozenset({key})),), Goto(f"rdr {key}"), made))
            yield Chain(table, f"rdr {key}", own, is_nat=True)
    yield Chain(table, "rdr", tuple(ways), Hook.PREROUTING, Priority.DSTNAT, is_nat=True)
    yield Chain(table, "nat", outwards, Hook.POSTROUTING, Priority.SRCNAT, is_nat=True)


def came_by(rule: Rule) -> frozenset[str]:
    """The interfaces on which a translation of destinations is met."""
    first = rule.conditions[0]
    return first.names if isinstance(first, Interfaces) else frozenset()


# --- The network --------------------------------------------------------------------------------------------


def _interfaces(faces: Faces) -> Iterator[Interface]:
    """All; an uplink is what has a gateway, or the default one; without any, ``wan`` is taken for it."""
    default = {one.interface for one in faces.gateways.values() if one.is_default}
    uplinks = {key for key in default | faces.uplinks() if not faces.all[key].is_tunnel} or {"wan"}
    bridges = {member: key for key, face in faces.all.items() for member in face.members}
    for key, face in faces.all.items():
        yield Interface(
            key,
            face.addresses,
            bridge=bridges.get(key),
            uplink=key in uplinks,
            point_to_point=face.is_tunnel,
            rp_filter=0,
        )


def _routes(ends: Endpoints, around: Network) -> Iterator[Route]:
    """Static routes, and default ones: those that the file tells, and one for each lease of an uplink."""
    config, faces = ends.config, ends.faces
    for element in config.rows("staticroutes", "route"):
        origin = origin_of(element, f"route to {element.value('network')}")
        name = element.value("gateway")
        gateway = faces.gateways.get(name)
        if is_on(element, "disabled"):
            config.note(Support.IGNORED, "route", origin, "it is disabled")
        elif gateway is None and name not in NULL_ROUTES:
            config.note(Support.IGNORED, "route", origin, f"left out: there is no gateway {name}")
        else:
            for prefix in _prefixes(ends, element, origin):
                if gateway is None:
                    yield Route(prefix, kind="blackhole")
                elif gateway.family == prefix.version:
                    yield Route(prefix, gateway.interface, gateway.address)
    chosen: set[int] = set()
    for gateway in faces.gateways.values():
        if gateway.is_default and gateway.address is not None and gateway.family not in chosen:
            chosen.add(gateway.family)
            yield Route(_EVERYWHERE[gateway.family], gateway.interface, gateway.address)
    for key, face in faces.all.items():
        if face.gateways and not face.is_tunnel:
            for family in sorted(face.offered - chosen):
                yield Route(_EVERYWHERE[family], key, _next_router(around, face.device, family))


def _next_router(around: Network, device: str, family: int) -> Address | None:
    default = _EVERYWHERE[family]
    found = (one.via for one in around.routes if one.interface == device and one.prefix == default)
    return next(found, None)


def _prefixes(ends: Endpoints, element: Element, origin: Origin) -> Iterator[Prefix]:
    text = element.value("network")
    if (prefix := prefix_of(text)) is not None:
        yield prefix
        return
    alias = ends.aliases.get(text)
    if alias is None or alias.unknown:
        reason = f"where {text} is, is not known here"
        ends.config.note(Support.WIDENED, "route", origin, reason)
    if alias is not None:
        for family in (4, 6):
            for low, high in alias.of(family).ranges:
                yield from summarize_address_range(ip_address(low), ip_address(high))


# --- What is left over --------------------------------------------------------------------------------------

_UNREAD = {
    ("ipsec", "phase2"): (Support.WIDENED, "what goes through IPsec is not followed"),
    ("captiveportal",): (Support.WIDENED, "who has logged in is not known"),
    ("load_balancer", "virtual_server"): (Support.WIDENED, "what it leads where is not followed"),
    ("installedpackages", "miniupnpd", "config"): (
        Support.WIDENED,
        "what UPnP opens is in the device, not in the file: give its list of leases as well",
    ),
    ("l2tp",): (Support.WIDENED, "its tunnels are not followed"),
    ("pppoes", "pppoe"): (Support.WIDENED, "its tunnels are not followed"),
}


def _note_the_rest(config: Config) -> None:
    for path, (support, reason) in _UNREAD.items():
        for element in config.rows(*path):
            if element.children and not is_on(element, "disabled"):
                config.note(support, path[0], origin_of(element, "/".join(path)), reason)
    for interface in config.rows("interfaces"):
        for element in interface.children:
            if is_on(element, "blockbogons"):
                reason = "its list is fetched; nobody on the internet has such an address"
                config.note(Support.IGNORED, "blockbogons", origin_of(element, element.tag), reason)
    if not config.is_on("system", "disablereplyto"):
        place = Origin(config.root.where, "reply-to")
        reason = "replies take the routes; with one uplink, the same way"
        config.note(Support.IGNORED, "reply-to", place, reason)
