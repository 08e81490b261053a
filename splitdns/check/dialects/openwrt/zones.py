"""Zones: which devices and subnets belong to each, and what it lets in, out and through.

A zone is met by the rules that fw4 writes for it (``match_rules`` in fw4.uc): by the devices of its networks,
and by subnets where it has some. The addresses of a zone's networks decide how forwards are reflected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from splitdns.check.dialects.openwrt.options import LeftOutError, Options, each
from splitdns.check.dialects.openwrt.uci import Section
from splitdns.check.dialects.openwrt.values import (
    BOTH,
    Invalid,
    Maybe,
    Networks,
    Subnet,
    among,
    family,
    negatable,
    policy,
    subnets,
    truth,
    versions,
)
from splitdns.check.model import Condition, InterfaceAddress, Interfaces, Note, Origin, Side, Support
from splitdns.value import value

NO_DEVICE = "/never/"  # fw4's word for a name that no device has
_IDENTIFIER = re.compile(r"[a-zA-Z_.][a-zA-Z0-9/_.-]*")
_LOGGING = ("log", "log_limit", "counter")
_HELPERS = ("auto_helper", "helper", "conntrack")
_OLD = ("extra", "extra_src", "extra_dest", "custom_chains")


@value(frozen=True, slots=True)
class Zone:
    """``matches``: families, devices, devices that it is not, subnets; ``addresses`` are its networks'."""

    name: str
    families: frozenset[int]
    matches: tuple[tuple[frozenset[int], tuple[str, ...], tuple[str, ...], tuple[Subnet, ...]], ...]
    input: str
    output: str
    forward: str
    masq: Mapping[int, bool]
    masq_allow_invalid: bool
    masq_src: tuple[Subnet, ...]
    masq_dest: tuple[Subnet, ...]
    addresses: tuple[InterfaceAddress, ...]
    subnets: tuple[Subnet, ...]
    leased: frozenset[int]  # families in which it has addresses that nothing tells
    origin: Origin

    def met(self, side: Side) -> Iterator[tuple[frozenset[int], tuple[Condition, ...]]]:
        """By what it is met, as where packets come from, or where they go."""
        for families, names, others, its in self.matches:
            conditions: list[Condition] = []
            if names:
                conditions.append(Interfaces(side, frozenset(names)))
            if others:
                conditions.append(Interfaces(side, frozenset(others), negated=True))
            for version in sorted(families) if its else ():
                yield frozenset({version}), (*conditions, *among(side, its, version))
            if not its:
                yield families, tuple(conditions)


@value(frozen=True, slots=True)
class Defaults:
    """The ``defaults`` section."""

    input: str = "drop"
    output: str = "drop"
    forward: str = "drop"
    drop_invalid: bool = False
    syn_flood: bool = False
    reset: bool = True  # how TCP is rejected
    origin: Origin | None = None


def read_defaults(sections: Sequence[Section], notes: list[Note]) -> Defaults:
    """Of the first ``defaults`` section; what it does not say is ``drop``."""
    found = [one for one in sections if one.type == "defaults"]
    for section in found[1:]:
        Options(section, notes).note(Support.IGNORED, "defaults", "fw4 reads only the first")
    if not found:
        return Defaults()
    options = Options(found[0], notes)
    try:
        return _defaults(options)
    except LeftOutError as why:
        options.note(Support.REFUSED, "defaults", f"fw4 loads no rules at all: {why}")
        return Defaults(origin=options.origin)


def _defaults(options: Options) -> Defaults:
    said = {name: options.one(name, policy) or "drop" for name in ("input", "output", "forward")}
    invalid = bool(options.one("drop_invalid", truth))
    invalid |= bool(options.one("drop_invalid_early", truth))
    old, new = options.one("syn_flood", truth), options.one("synflood_protect", truth)
    flood = bool(old if new is None else new)
    if flood:
        reason = "taken as not reached: one connection is asked about"
        options.note(Support.IGNORED, "option syn_flood", reason)
    code = options.one("tcp_reject_code", str)
    options.ignore(
        ("synflood_rate", "synflood_burst", "tcp_syncookies", "tcp_ecn", "tcp_window_scaling",
         "any_reject_code", "accept_redirects", "accept_source_route", "auto_helper", "flow_offloading",
         "flow_offloading_hw", "flow_offloading_related", "auto_includes"),
        "it does not change where a packet goes",
    )  # fmt: skip
    options.ignore(("custom_chains", "disable_ipv6"), "fw4 passes over it")
    options.rest()
    return Defaults(
        said["input"],
        said["output"],
        said["forward"],
        invalid,
        flood,
        code is None or code.lower() == "tcp-reset",
        options.origin,
    )


def read_zones(
    sections: Sequence[Section], nets: Networks, defaults: Defaults, notes: list[Note]
) -> dict[str, Zone]:
    """Each zone by its name; where two have one name, rules mean the first (fw4, ``parse_zone_ref``)."""
    zones: dict[str, Zone] = {}
    for options, zone in each(sections, "zone", notes, lambda options: _zone(options, nets, defaults)):
        if zone.name in zones:
            options.note(Support.REFUSED, "zone", f"a second zone called {zone.name} is not loaded")
        else:
            zones[zone.name] = zone
    return zones


def _zone(options: Options, nets: Networks, defaults: Defaults) -> Zone:
    name = options.one("name", _identifier)
    if name is None:
        raise LeftOutError("option name is missing")
    read_subnets = subnets(nets)
    families = options.one("family", family) or BOTH
    its_nets = options.several("network", negatable)
    devices = list(options.several("device", negatable))
    its_subnets = tuple(one for some in options.several("subnet", read_subnets) for one in some)
    said = {
        key: options.one(key, policy) or usual
        for key, usual in (
            ("input", defaults.input), ("output", defaults.output), ("forward", defaults.forward)
        )
    }  # fmt: skip
    masq = {4: bool(options.one("masq", truth)), 6: bool(options.one("masq6", truth))}
    allow_invalid = bool(options.one("masq_allow_invalid", truth))
    masq_src = tuple(one for some in options.several("masq_src", read_subnets) for one in some)
    masq_dest = tuple(one for some in options.several("masq_dest", read_subnets) for one in some)
    options.ignore(("mtu_fix",), "it changes the size of segments, and not where they go")
    options.ignore(_LOGGING, "it does not change where a packet goes")
    options.ignore(_HELPERS, "helpers expect further connections; one is asked about")
    options.ignore(_OLD, "fw4 passes over it")
    options.rest()
    known = [nets[one.text] for one in its_nets if one.text in nets]
    _note_missing(options, its_nets, nets)
    devices = [Maybe(nets[one.text].device, one.negated) for one in its_nets if one.text in nets] + devices
    if its_subnets and families == BOTH:
        families = versions(its_subnets)
    return Zone(
        name,
        families,
        tuple(_matches(devices, its_subnets, families)),
        said["input"],
        said["output"],
        said["forward"],
        masq,
        allow_invalid,
        masq_src,
        masq_dest,
        tuple(dict.fromkeys(own for net in known for own in net.addresses)),
        its_subnets,
        frozenset(version for net in known for version in net.leased),
        options.origin,
    )


def _note_missing(options: Options, its_nets: Sequence[Maybe], nets: Networks) -> None:
    for one in its_nets:
        if one.text not in nets:
            options.note(Support.IGNORED, f"network {one.text}", "/etc/config/network has no such network")


def _identifier(text: str) -> str:
    if _IDENTIFIER.fullmatch(text) is None:
        raise Invalid("a name of letters, digits, _, . and -")
    return text


def _matches(
    devices: Sequence[Maybe], its_subnets: tuple[Subnet, ...], families: frozenset[int]
) -> Iterator[tuple[frozenset[int], tuple[str, ...], tuple[str, ...], tuple[Subnet, ...]]]:
    """Each device with a wildcard by itself, the others together, all without those that have a ``!``."""
    if not devices and not its_subnets:
        return
    plain: list[str] = []
    wild: list[str] = []
    others: list[str] = []
    for one in devices:
        if one.text == "+":
            if one.negated:
                plain.append(NO_DEVICE)
            continue
        name = one.text.removesuffix("+") + "*" if one.text.endswith("+") else one.text
        if one.negated:
            others.append(name)
        else:
            (wild if name.endswith("*") else plain).append(name)
    for group in ([[one] for one in wild] + ([plain] if plain or not wild else [])):
        yield families, tuple(dict.fromkeys(group)), tuple(dict.fromkeys(others)), its_subnets
