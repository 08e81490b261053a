"""The plain table: any other gateway's rules, written by hand in a few words of YAML.

For gateways that have no dialect here: consumer routers, cloud gateways, firewalls with virtual addresses. It
says what such devices say in their own pages: which port leads where, whether inside clients may use it too,
what is allowed. The format is described, key by key, in docs/dialects/table.md.

>>> table = read("uplinks: wan\\nforwards:\\n  - {port: 443/tcp, to: 192.168.1.20}\\n", "gateway.yaml")
>>> [chain.name for chain in table.ruleset.chains]
['prerouting', 'postrouting', 'forward', 'input']
"""

from __future__ import annotations

from collections.abc import Iterable

from splitdns.check.dialects.table_fields import Fields
from splitdns.check.dialects.table_rules import rules_of
from splitdns.check.dialects.table_values import (
    Decision,
    Filter,
    FilterRule,
    Forward,
    Hairpin,
    OneToOne,
    SourceNat,
    Traffic,
    Written,
)
from splitdns.check.model import Device, Interface, InterfaceAddress, Network, Origin, Route
from splitdns.check.sets import Address
from splitdns.errors import ConfigError, Where
from splitdns.load import marked
from splitdns.load.marked import Path, Value

_KEYS = (
    "uplinks", "interfaces", "dynamic", "routes", "forwards", "one_to_one", "masquerade", "hairpin",
    "hairpin_keeps_source", "filter",
)  # fmt: skip
_FORWARD_KEYS = ("name", "on", "address", "port", "to", "to_port", "from", "hairpin")
_ONE_TO_ONE_KEYS = ("name", "on", "to", "hairpin")
_MASQUERADE_KEYS = ("name", "on", "from", "as")
_FILTER_KEYS = ("rules", "forward", "gateway", "forwards")
_RULE_KEYS = ("name", "allow", "deny", "reject", "in", "out", "from", "to")
GATEWAY = "gateway"


def read(text: str, file: str) -> Device:
    """Read a table.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    fields = Fields(marked.read(text, file))
    written = _written(fields)
    fields.problems.raise_errors(file)
    return Device(rules_of(written), Network(written.interfaces, written.routes))


def _written(fields: Fields) -> Written:
    data = fields.mapping(fields.document.data, (), _KEYS)
    uplinks = fields.names(data.get("uplinks"), ("uplinks",))
    if not uplinks:
        found = "nothing" if "uplinks" not in data else "none"
        message = f"expected uplinks: the interfaces towards the internet, found {found}"
        fields.problems.error(ConfigError(Where(fields.document.file, 1, 1), message))
    interfaces = _interfaces(fields, data, uplinks)
    usual = _hairpin(fields, data.get("hairpin"), ("hairpin",), Hairpin())
    return Written(
        uplinks,
        interfaces,
        tuple(_routes(fields, data, interfaces)),
        tuple(_forwards(fields, data, uplinks, interfaces, usual)),
        tuple(_one_to_one(fields, data, uplinks, usual)),
        tuple(_source_nat(fields, data, uplinks)),
        fields.truth(data.get("hairpin_keeps_source"), ("hairpin_keeps_source",), usual=False),
        _filter(fields, data),
    )


# --- The network --------------------------------------------------------------------------------------------


def _interfaces(
    fields: Fields, data: dict[str, Value], uplinks: frozenset[str]
) -> tuple[Interface, ...]:
    dynamic = fields.names(data.get("dynamic"), ("dynamic",))
    what = "names of interfaces, each with its addresses"
    told = fields.named(data.get("interfaces"), ("interfaces",), what)
    found = []
    for name, value in told.items():
        path: Path = ("interfaces", name)
        each = (
            fields.interface_address(one, place, name in dynamic)
            for one, place in fields.several(value, path)
        )
        addresses = tuple(one for one in each if one is not None)
        found.append(Interface(name, addresses, uplink=name in uplinks))
    for key, names in (("uplinks", uplinks), ("dynamic", dynamic)):
        for name in sorted(names - set(told)) if told else ():
            fields.wrong((key,), f"an interface of this file: {', '.join(told)}", name)
    return tuple(found)


def _routes(
    fields: Fields, data: dict[str, Value], interfaces: tuple[Interface, ...]
) -> Iterable[Route]:
    told = fields.named(data.get("routes"), ("routes",), "prefixes, each with its router")
    names = {one.name for one in interfaces}
    for text, value in told.items():
        path: Path = ("routes", text)
        prefix = fields.prefix(text, path)
        if prefix is None:
            continue
        if isinstance(value, str) and value in names:
            yield Route(prefix, value)
            continue
        via = fields.address(value, path)
        if via is None:
            continue
        way = next((one.name for one in interfaces for own in one.addresses if via in own.prefix), None)
        if way is None:
            fields.wrong(path, "a router in the network of an interface", value)
            continue
        yield Route(prefix, way, via)


# --- Translation --------------------------------------------------------------------------------------------


def _origin(fields: Fields, path: Path, row: dict[str, Value], words: str) -> Origin:
    name = row.get("name")
    return Origin(fields.where(path), f"{name}: {words}" if isinstance(name, str) else words)


def _hairpin(fields: Fields, value: Value, path: Path, usual: Hairpin) -> Hairpin:
    """``true``, ``false``, or the networks whose clients are translated too."""
    if value is None:
        return usual
    if isinstance(value, bool):
        return Hairpin(value)
    networks = fields.prefixes(value, path)
    return Hairpin(bool(networks), networks)


def _forwards(
    fields: Fields,
    data: dict[str, Value],
    uplinks: frozenset[str],
    interfaces: tuple[Interface, ...],
    usual: Hairpin,
) -> Iterable[Forward]:
    for value, path in fields.rows(data.get("forwards"), ("forwards",), "a list of port forwards"):
        row = fields.mapping(value, path, _FORWARD_KEYS)
        to = _target(fields, row, path)
        traffic = _needed_traffic(fields, row, "port", path)
        to_port = fields.port_number(row.get("to_port"), (*path, "to_port"))
        hairpin = _hairpin(fields, row.get("hairpin"), (*path, "hairpin"), usual)
        on = fields.names(row.get("on"), (*path, "on")) or uplinks
        if to is None:
            continue
        told = fields.addresses(row.get("address"), (*path, "address"))
        address = told or tuple(_own(interfaces, on, to.version))
        if any(one.version != to.version for one in address):
            fields.wrong((*path, "to"), f"an address of IPv{address[0].version}", str(to))
        if hairpin.is_on and not address:
            expected = "the public address as address, which hairpins need"
            fields.wrong((*path, "hairpin") if "hairpin" in row else path, expected, None)
        if to_port is not None:
            _check_ports(fields, traffic, to_port, path)
        sources = fields.prefixes(row.get("from"), (*path, "from"))
        words = f"forward {_shown(traffic)} to {to}" + (f" port {to_port}" if to_port else "")
        origin = _origin(fields, path, row, words)
        yield Forward(on, address, traffic, to, to_port, sources, hairpin, origin)


def _target(fields: Fields, row: dict[str, Value], path: Path) -> Address | None:
    if "to" in row:
        return fields.address(row["to"], (*path, "to"))
    fields.wrong(path, "the server's address as to", None)
    return None


def _needed_traffic(fields: Fields, row: dict[str, Value], key: str, path: Path) -> tuple[Traffic, ...]:
    if row.get(key) is None:
        fields.wrong(path, f"ports like 443/tcp, or all, as {key}", None)
    return fields.traffic(row.get(key), (*path, key))


def _check_ports(fields: Fields, traffic: tuple[Traffic, ...], to_port: int, path: Path) -> None:
    for one in traffic:
        if one.port is None:
            fields.wrong((*path, "to_port"), "ports as port, beside to_port", _shown(traffic))
        elif to_port + one.port.last - one.port.first > 65_535:
            fields.wrong((*path, "to_port"), f"room for as many ports as {one.port} has", to_port)


def _own(interfaces: tuple[Interface, ...], on: frozenset[str], version: int) -> Iterable[Address]:
    """The gateway's addresses on the interfaces, where the table knows them and they stay."""
    mine: list[InterfaceAddress] = [own for one in interfaces if one.name in on for own in one.addresses]
    if not any(own.dynamic for own in mine):
        yield from (own.address for own in mine if own.address.version == version)


def _one_to_one(
    fields: Fields, data: dict[str, Value], uplinks: frozenset[str], usual: Hairpin
) -> Iterable[OneToOne]:
    told = fields.named(data.get("one_to_one"), ("one_to_one",), "public addresses, each with the inside one")
    for text, value in told.items():
        path: Path = ("one_to_one", text)
        row = fields.mapping({"to": value} if isinstance(value, str) else value, path, _ONE_TO_ONE_KEYS)
        public = fields.address(text, path)
        inside = _target(fields, row, path)
        if public is None or inside is None:
            continue
        if public.version != inside.version:
            fields.wrong(path, f"an address of IPv{public.version}", str(inside))
        hairpin = _hairpin(fields, row.get("hairpin"), (*path, "hairpin"), usual)
        on = fields.names(row.get("on"), (*path, "on")) or uplinks
        yield OneToOne(on, public, inside, hairpin, _origin(fields, path, row, f"{public} is {inside}"))


def _source_nat(fields: Fields, data: dict[str, Value], uplinks: frozenset[str]) -> Iterable[SourceNat]:
    """``false``: none; left out or ``true``: of all that leaves by an uplink."""
    told = data.get("masquerade", True)
    path: Path = ("masquerade",)
    if isinstance(told, bool) or told is None:
        if told is not False:
            yield SourceNat(uplinks, (), None, Origin(fields.where(path), "masquerade"))
        return
    for value, place in fields.several(told, path):
        if isinstance(value, str):
            value = {"on": value}
        row = fields.mapping(value, place, _MASQUERADE_KEYS)
        on = fields.names(row.get("on"), (*place, "on")) or uplinks
        sources = fields.prefixes(row.get("from"), (*place, "from"))
        address = fields.address(row["as"], (*place, "as")) if "as" in row else None
        words = "masquerade" + (f" as {address}" if address else "")
        yield SourceNat(on, sources, address, _origin(fields, place, row, words))


# --- The filter ---------------------------------------------------------------------------------------------


def _filter(fields: Fields, data: dict[str, Value]) -> Filter:
    path: Path = ("filter",)
    told = fields.mapping(data.get("filter"), path, _FILTER_KEYS)
    rules = []
    for value, place in fields.rows(told.get("rules"), (*path, "rules"), "a list of rules"):
        rule = _rule(fields, fields.mapping(value, place, _RULE_KEYS), place)
        if rule is not None:
            rules.append(rule)
    admits = told.get("forwards", "admitted")
    if admits not in ("admitted", "by rules"):
        fields.wrong((*path, "forwards"), "admitted, or by rules", admits)
    return Filter(
        tuple(rules),
        _decision(fields, told.get("forward"), (*path, "forward")),
        _decision(fields, told.get("gateway"), (*path, "gateway")),
        admits != "by rules",
        Origin(fields.where(path), "filter"),
    )


def _decision(fields: Fields, value: Value, path: Path) -> Decision | None:
    if value is None or value in [*Decision]:
        return None if value is None else Decision(str(value))
    fields.wrong(path, f"one of {', '.join(Decision)}", value)
    return None


def _rule(fields: Fields, row: dict[str, Value], path: Path) -> FilterRule | None:
    decisions = [one for one in Decision if one in row]
    if len(decisions) != 1:
        fields.wrong(path, f"one of {', '.join(Decision)}", ", ".join(decisions) or None)
        return None
    (decision,) = decisions
    traffic = _needed_traffic(fields, row, decision, path)
    to_gateway = row.get("to") == GATEWAY
    if to_gateway and "out" in row:
        fields.wrong((*path, "out"), "no interface: what is for the gateway goes no further", row["out"])
    destinations = () if to_gateway else fields.prefixes(row.get("to"), (*path, "to"))
    words = f"{decision} {_shown(traffic)}"
    return FilterRule(
        decision,
        traffic,
        fields.names(row.get("in"), (*path, "in")),
        fields.names(row.get("out"), (*path, "out")),
        fields.prefixes(row.get("from"), (*path, "from")),
        destinations,
        to_gateway,
        _origin(fields, path, row, words),
    )


def _shown(traffic: tuple[Traffic, ...]) -> str:
    names = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6", None: "all"}
    return ", ".join(str(one.port) if one.port else names[one.protocol] for one in traffic)
