"""``config redirect`` and ``config nat`` as rules of fw4's NAT chains, with the reflections that fw4 adds.

A redirect is a rule in ``dstnat_SRC``. Unless ``reflection`` is off, fw4 adds two for each reflection zone
(left out: the zone of the server), if the zone of the redirect masquerades and the addresses are known: one
that leads what the zone's clients send to the public address to the server, and one that gives it a source of
the gateway's (fw4.uc, ``parse_redirect``). Clients of all other zones are not reflected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.dialects.openwrt.matching import (
    Asked,
    Known,
    Reference,
    asked,
    by_device,
    families_of,
    of_addresses,
    of_ends,
    of_protocol,
    with_ports,
)
from splitdns.check.dialects.openwrt.options import LeftOutError, Options
from splitdns.check.dialects.openwrt.rules import Placed
from splitdns.check.dialects.openwrt.values import (
    BOTH,
    PortRange,
    Protocol,
    Subnet,
    nat_target,
    one_of,
    port,
    ports,
    rule_target,
    subnets,
    truth,
)
from splitdns.check.dialects.openwrt.zones import Zone
from splitdns.check.model import (
    ICMP6,
    Accept,
    Action,
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    InterfaceAddress,
    Masquerade,
    Origin,
    Ports,
    Redirect,
    Rule,
    Side,
    Support,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers, Prefix, all_addresses, numbers_of
from splitdns.value import value

REFLECTION = "reflection"  # made_by of what fw4 adds
_reflection_source = one_of("internal", "external")
_LIMITED = Unknown("a limit")


@value(frozen=True, slots=True)
class _Redirect:
    """A section while it is written; ``ends`` and ports are where its packets come from and go."""

    options: Options
    asked: Asked
    src: Reference | None
    dest: Reference | None
    sources: tuple[Subnet, ...]
    destinations: tuple[Subnet, ...]
    source_port: PortRange | None
    port: PortRange | None
    to: tuple[Subnet, ...]
    to_port: PortRange | None
    others: tuple[Condition, ...] = ()

    def families(self, of: Protocol) -> frozenset[int]:
        """As it says; where neither that nor an address does, IPv4."""
        ends = (self.sources, self.destinations, self.to)
        found = families_of(
            self.asked.families,
            frozenset({6}) if of.number == ICMP6 else BOTH,
            of_addresses(*ends),
            self.asked.set_families(),
            *(end.zone.families for end in (self.src, self.dest) if end is not None and end.zone is not None),
        )
        if self.asked.families is None and not any(ends) and 4 in found:
            return frozenset({4})
        return found

    @property
    def _needs_versions(self) -> bool:
        return bool(self.sources or self.destinations or self.to)

    def groups(self, of: Protocol) -> list[frozenset[int]]:
        families = self.families(of)
        return [frozenset({version}) for version in sorted(families)] if self._needs_versions else [families]

    def conditions(self, of: Protocol, group: frozenset[int]) -> tuple[Condition, ...]:
        found = [*of_protocol(of, group)]
        if of.has_ports:
            found += ports(Side.SOURCE, [self.source_port] if self.source_port else [])
            found += ports(Side.DESTINATION, [self.port] if self.port else [])
        if self._needs_versions:
            found += of_ends(min(group), self.sources, self.destinations)
        return (*found, *self.asked.in_set(of), *self.asked.others, *self.others)


def read_redirect(options: Options, known: Known) -> Iterator[Placed]:
    """The rules of one ``redirect`` section, its reflections before its own.

    Raises:
        LeftOutError: fw4 leaves it out.
    """
    target = options.one("target", rule_target) or "dnat"
    if target not in ("dnat", "snat"):
        options.note(Support.IGNORED, f"target {target}", "fw4 takes it for DNAT")
    if target == "snat":
        yield from _source_redirect(options, known)
        return
    one, reflection = _read(options, known)
    assert one.src is not None
    assert one.src.zone is not None
    for of in one.asked.protocols:
        groups = one.groups(of)
        yield from reflection.rules(one, of)
        for group in groups:
            for more, action in _destinations(one, of, min(group)):
                rule = Rule((*one.conditions(of, group), *more), action, options.origin, group)
                yield Placed(f"dstnat_{one.src.zone.name}", rule)


def _said(
    options: Options,
    known: Known,
    its: Asked,
    ends: tuple[Reference | None, Reference | None],
    met: tuple[str, str],
    to: tuple[str, str],
) -> _Redirect:
    """What a section of any kind says, between zones that have been read.

    ``met``, ``to``: its options for the address and the port to which packets go, and for what they become.

    Raises:
        LeftOutError: one has a value that fw4 does not take.
    """
    read_subnets = subnets(known.networks)
    return _Redirect(
        options,
        its,
        *ends,
        options.one("src_ip", read_subnets) or (),
        options.one(met[0], read_subnets) or (),
        options.one("src_port", port),
        options.one(met[1], port),
        options.one(to[0], read_subnets) or (),
        options.one(to[1], port),
    )


def _between(options: Options, known: Known) -> tuple[Reference | None, Reference | None]:
    options.one("name", str)
    return options.one("src", known.reference), options.one("dest", known.reference)


def _limited(one: _Redirect) -> _Redirect:
    """With what a limit leaves open."""
    if not one.asked.limited:
        return one
    one.options.note(Support.WIDENED, "option limit", "which packets it meets is not known")
    return replace(one, others=(*one.others, _LIMITED))


def _read(options: Options, known: Known) -> tuple[_Redirect, _Reflection]:
    src, dest = _between(options, known)
    its = asked(options, known, "tcpudp")
    one = _said(options, known, its, (src, dest), ("src_dip", "src_dport"), ("dest_ip", "dest_port"))
    is_on = options.one("reflection", truth)
    source = options.one("reflection_src", _reflection_source) or "internal"
    zones = options.several("reflection_zone", known.reference)
    options.rest()
    if src is None or src.zone is None:
        raise LeftOutError("option src: expected a zone, found " + ("none" if src is None else "*"))
    if any(to.negated or to.numbers is None for to in one.to):
        raise LeftOutError("option dest_ip: expected an address")
    if one.to_port is None:
        one = replace(one, to_port=one.port)
    one = _limited(one)
    if dest is None and one.to:
        zone = _zone_of(one.to, known)
        dest = None if zone is None else Reference(zone)
    if any(zone.zone is None for zone in zones):
        raise LeftOutError("option reflection_zone: expected zones, found *")
    served = dest.zone if dest is not None else None
    meant = [zone.zone for zone in zones if zone.zone is not None] or ([served] if served is not None else [])
    # Without a zone of the server there is no reflection, not even in those that are named.
    reflected = meant if is_on is not False and served is not None else []
    internal = source == "internal"
    return replace(one, dest=dest), _Reflection(src.zone, tuple(reflected), internal, options, known)


def _zone_of(to: Sequence[Subnet], known: Known) -> Zone | None:
    """The first zone that has the server's network."""
    for zone in known.zones.values():
        for one in to:
            its = (net for net in _sources(zone, one.family) if net.numbers is not None)
            if any(int(one.first) in net.numbers for net in its if net.numbers is not None):
                return zone
    return None


def _destinations(
    one: _Redirect, of: Protocol, version: int
) -> Iterator[tuple[tuple[Condition, ...], Action]]:
    """To the server; without one, to the gateway itself.

    A port that is in the range to which it leads is kept, and another becomes the first of it
    (nf_nat_l4proto_unique_tuple).
    """
    to_port = one.to_port if of.has_ports else None
    to = [end for end in one.to if end.family == version]

    def lead(at: Numbers | None) -> Action:
        return Translate(Side.DESTINATION, _host(to[0]), at) if to else Redirect(at)

    if to_port is None:
        yield (), lead(None)
    elif to_port.low == to_port.high:
        yield (), lead(Numbers.one(to_port.low))
    else:
        kept = Ports(Side.DESTINATION, Numbers.of((to_port.low, to_port.high)))
        yield (kept,), lead(None)
        yield (), lead(Numbers.one(to_port.low))


def _host(end: Subnet) -> Numbers:
    """One address, or any of a range; of a prefix fw4 takes the first."""
    if end.numbers is not None and end.is_range:
        return end.numbers
    return Numbers.one(int(end.first))


def _port_numbers(said: PortRange | None) -> Numbers | None:
    return None if said is None else Numbers.of((said.low, said.high))


# --- Reflection ---------------------------------------------------------------------------------------------


@value(frozen=True, slots=True)
class _Reflection:
    """Of a redirect in zone ``src``, for clients of ``zones``."""

    src: Zone
    zones: tuple[Zone, ...]
    internal: bool  # the source that clients seem to have is the gateway's inside address
    options: Options
    known: Known

    def rules(self, one: _Redirect, of: Protocol) -> Iterator[Placed]:
        origin = replace(self.options.origin, made_by=REFLECTION)
        for zone in self.zones:
            for version in (4, 6):
                to = [end for end in one.to if end.family == version]
                if self.src.masq[version] and to:
                    yield from self._of(one, of, zone, version, to, origin)

    def _of(
        self, one: _Redirect, of: Protocol, zone: Zone, version: int, to: list[Subnet], origin: Origin
    ) -> Iterator[Placed]:
        clients = _sources(zone, version)
        public = _publics(one, self.src, version)
        seen = self._seen_as(one, zone, version, to[0])
        if seen is None or not clients or not public:
            its = "external" if clients else "internal"
            reason = f"fw4 adds none for {zone.name} over IPv{version}: it finds no {its} address"
            self.options.note(Support.REFUSED, REFLECTION, reason)
            return
        for its_zone, found in ((self.src, public), (zone, clients)):
            if any(end.numbers is None for end in found):
                told = "add what ubus call network.interface dump prints, or tell it as wan"
                reason = f"the address of zone {its_zone.name} is leased, and told by no source: {told}"
                self.options.note(Support.WIDENED, REFLECTION, reason)
        group = frozenset({version})
        protocol = of_protocol(of, group)
        others = (*one.asked.others, *one.others)
        leads = [*protocol]
        if of.has_ports:
            leads += ports(Side.SOURCE, [one.source_port] if one.source_port else [])
            leads += ports(Side.DESTINATION, [one.port] if one.port else [])
        if any(end.numbers is None for end in public):
            leads += [*of_ends(version, clients, ()), self._at_leased(version)]
        else:
            leads += of_ends(version, clients, public)
        for more, to_server in _destinations(one, of, version):
            rule = Rule((*leads, *others, *more), to_server, origin, group)
            yield Placed(f"dstnat_{zone.name}", rule)
        hides = [*protocol]
        if of.has_ports:
            hides += ports(Side.DESTINATION, [one.to_port] if one.to_port else [])
        hides += of_ends(version, clients, to)
        rule = Rule((*hides, *others), Translate(Side.SOURCE, seen), origin, group)
        yield Placed(f"srcnat_{zone.name}", rule)

    def _seen_as(self, one: _Redirect, zone: Zone, version: int, to: Subnet) -> Numbers | None:
        """The gateway's address in the server's network, or its first of the zone, or the public one."""
        if self.internal:
            own = [it for it in zone.addresses if it.address.version == version]
            near = [it for it in own if to.first in it.prefix]
            if not own and version in zone.leased:
                return self._foreign(version)
            return numbers_of((near or own)[0].address) if own else None
        public = _publics(one, self.src, version)
        if public and public[0].numbers is None:
            return self._foreign(version)
        return Numbers.one(int(public[0].first)) if public else None

    def _foreign(self, version: int) -> Numbers:
        """What a leased address may be, of which nothing is known: one outside of all networks."""
        return all_addresses(version) - self._own(version, whole=True)

    def _own(self, version: int, *, whole: bool) -> Numbers:
        """The gateway's addresses, or its whole networks, as far as they are known; and loopback."""
        nets = self.known.networks.values()
        own = [it for net in nets for it in net.addresses if it.prefix.version == version]
        loopback: Prefix = ip_network("127.0.0.0/8" if version == 4 else "::1/128")
        return numbers_of(loopback, *(it.prefix if whole else it.address for it in own))

    def _at_leased(self, version: int) -> Condition:
        """At a leased address that no source tells.

        It is whatever the gateway has beside what is told (`wan:` may tell it later), and else may be any
        that is in none of its networks.
        """
        local = frozenset({"local"})
        other = all_addresses(version) - self._own(version, whole=False)
        unsure = Unknown(f"whether it is the address of {self.src.name}, which is leased")
        return AnyOf(
            (
                (AddressTypes(Side.DESTINATION, local), Addresses(Side.DESTINATION, other)),
                (
                    AddressTypes(Side.DESTINATION, local, negated=True),
                    Addresses(Side.DESTINATION, self._foreign(version)),
                    unsure,
                ),
            )
        )


def _sources(zone: Zone, version: int) -> tuple[Subnet, ...]:
    """The networks of a zone."""
    found = tuple(_of_prefix(own) for own in zone.addresses if own.address.version == version)
    return (*found, *(one for one in zone.subnets if one.family == version)) or _leased(zone, version)


def _publics(one: _Redirect, src: Zone, version: int) -> tuple[Subnet, ...]:
    """The addresses at which the redirect is met: those it names, or those of its zone."""
    if one.destinations:
        return tuple(end for end in one.destinations if end.family == version)
    own = (it.address for it in src.addresses if it.address.version == version)
    found = tuple(Subnet(version, numbers_of(address), address) for address in own)
    return (*found, *_firsts(src, version)) or _leased(src, version)


def _firsts(zone: Zone, version: int) -> tuple[Subnet, ...]:
    return tuple(
        Subnet(version, Numbers.one(int(one.first)), one.first)
        for one in zone.subnets
        if one.family == version and not one.negated
    )


def _leased(zone: Zone, version: int) -> tuple[Subnet, ...]:
    return (Subnet.unknown(version),) if version in zone.leased else ()


def _of_prefix(own: InterfaceAddress) -> Subnet:
    return Subnet(own.address.version, numbers_of(own.prefix), own.address)


# --- Sources ------------------------------------------------------------------------------------------------


def _source_redirect(options: Options, known: Known) -> Iterator[Placed]:
    """``target SNAT``: in ``src_dip`` stands the new source."""
    src, dest = _between(options, known)
    its = asked(options, known, "tcpudp")
    one = _said(options, known, its, (src, dest), ("dest_ip", "dest_port"), ("src_dip", "src_dport"))
    options.ignore(("reflection", "reflection_src", "reflection_zone"), "it is for DNAT")
    options.rest()
    if dest is None or dest.zone is None:
        raise LeftOutError("option dest: expected a zone, found " + ("none" if dest is None else "*"))
    if not one.to or any(to.negated or to.numbers is None for to in one.to):
        raise LeftOutError("option src_dip: expected the new source's address")
    yield from _source_rules(_limited(one), "snat", f"srcnat_{dest.zone.name}")


def read_nat(options: Options, known: Known) -> Iterator[Placed]:
    """The rules of one ``nat`` section.

    Raises:
        LeftOutError: fw4 leaves it out.
    """
    options.one("name", str)
    src = options.one("src", known.reference)
    device = options.one("device", str)
    target = options.one("target", nat_target) or "masquerade"
    options.ignore(("ipset",), "fw4 passes over it")
    its = asked(options, known, "all", of_sets=False)
    one = _said(options, known, its, (src, None), ("dest_ip", "dest_port"), ("snat_ip", "snat_port"))
    options.rest()
    _check(one, target)
    if one.source_port or one.port or one.to_port:
        one = replace(one, asked=replace(one.asked, protocols=with_ports(one.asked.protocols)))
    if device:
        one = replace(one, others=(by_device(Side.DESTINATION, device),))
    zone = src.zone if src is not None else None
    yield from _source_rules(_limited(one), target, "srcnat" if zone is None else f"srcnat_{zone.name}")


def _check(one: _Redirect, target: str) -> None:
    if target == "snat" and not one.to and one.to_port is None:
        raise LeftOutError("target SNAT needs snat_ip or snat_port")
    if target != "snat" and (one.to or one.to_port):
        raise LeftOutError("snat_ip and snat_port are for target SNAT")
    if any(to.negated or to.numbers is None for to in one.to):
        raise LeftOutError("option snat_ip: expected an address")


def _source_rules(one: _Redirect, target: str, chain: str) -> Iterator[Placed]:
    for of in one.asked.protocols:
        for group in one.groups(of):
            action: Action = Masquerade()
            if target == "accept":
                action = Accept()
            elif target == "snat":
                to = [end for end in one.to if end.family in group]
                numbers = _host(to[0]) if to else None
                action = Translate(Side.SOURCE, numbers, _port_numbers(one.to_port) if of.has_ports else None)
            rule = Rule(one.conditions(of, group), action, one.options.origin, group)
            yield Placed(chain, rule)
