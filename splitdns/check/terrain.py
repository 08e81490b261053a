"""The gateway as a router: which addresses are its own, and which way packets go (ip-route(8), ip-rule(8)).

Linux is a weak host: any of the gateway's addresses is local, whichever interface a packet comes by. The
tables are asked in the order of the policy rules, the longest prefix decides, then the metric. Where several
routes are equally good, each may be taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from splitdns.check.chains import Own
from splitdns.check.cuts import Table
from splitdns.check.flows import ASKED, CONSTANT, Flow, Ref
from splitdns.check.network import Interface, InterfaceAddress, Network, PolicyRule, Route
from splitdns.check.prefixes import Prefixes
from splitdns.check.sets import NONE, Numbers, Prefix, Range, all_addresses, numbers_of
from splitdns.check.sources import Link, Sources, link, narrowed
from splitdns.value import value

LOOPBACK = "lo"
_LOOPBACK_NETWORK = {4: ip_network("127.0.0.0/8"), 6: ip_network("::1/128")}
_MULTICAST = {4: ip_network("224.0.0.0/4"), 6: ip_network("ff00::/8")}
_NEVER_A_SOURCE = {  # ip_route_input_slow's martians; IPv6 has none but these
    4: numbers_of(*map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32"))),
    6: numbers_of(*map(ip_network, ("::/127", "ff00::/8"))),
}
_DEFAULT_POLICY = (PolicyRule(0, "local"), PolicyRule(32_766, "main"), PolicyRule(32_767, "default"))


@value(frozen=True, slots=True)
class Hop:
    """Where a packet goes next: ``kind`` local, unicast, or why nowhere; ``via``: the next router."""

    kind: str
    interface: str | None = None
    via: int | None = None


NOWHERE = Hop("unreachable")
LOCAL = Hop("local", LOOPBACK)
BROADCAST = Hop("broadcast", LOOPBACK)


class Terrain(Own):
    """A gateway's addresses and routes of one family."""

    def __init__(self, network: Network, family: int) -> None:
        self.family = family
        self.interfaces = {one.name: one for one in network.interfaces if one.up}
        self.forwards = network.forwards.get(family, True)
        faces = self.interfaces.items()
        self.own = numbers_of(*(one.address for _, face in faces for one in _of(face, family)))
        self._types: dict[tuple[frozenset[str], str | None], Numbers] = {}
        self.uplinks = frozenset(one.name for one in self.interfaces.values() if one.uplink)
        self.loopback = numbers_of(_LOOPBACK_NETWORK[family])
        self.local = self.own | self.loopback
        self.broadcast = NONE if family == 6 else _broadcasts(self.interfaces.values())
        policy = [rule for rule in network.policy if _concerns(rule, family)]
        self._policy = tuple(sorted(policy, key=lambda rule: rule.priority)) or _DEFAULT_POLICY
        if all(rule.table != "local" for rule in self._policy):
            self._policy = (_DEFAULT_POLICY[0], *self._policy)
        self._kept: dict[tuple[Sources, int], list[tuple[int, Hop]]] = {}
        self._tables = {name: _table(routes) for name, routes in self._routes(network).items()}
        self._sources = {
            name: Prefixes(
                [(_range(one.prefix), numbers_of(one.address)) for one in _of(face, family)],
                next((numbers_of(one.address) for one in _of(face, family)), None),
            )
            for name, face in self.interfaces.items()
        }
        self.links = Prefixes(
            [(_range(one.prefix), name) for name, face in faces for one in _of(face, family)], None
        )

    def _routes(self, network: Network) -> dict[str, list[Route]]:
        tables: dict[str, list[Route]] = {}
        known = {None, *self.interfaces}
        routes = [
            one for one in network.routes if one.prefix.version == self.family and one.interface in known
        ]
        faces = self.interfaces.items()
        near = [Route(one.prefix, name) for name, face in faces for one in _of(face, self.family)]
        if not {one.prefix for one in near} & {one.prefix for one in routes if one.via is None}:
            routes += near  # those that come with an address are not listed
            if not any(one.prefix.prefixlen == 0 for one in routes):
                everything = ip_network("0.0.0.0/0" if self.family == 4 else "::/0")
                routes += [Route(everything, name) for name in self.interfaces if name in self.uplinks]
        for one in routes:
            tables.setdefault(one.table, []).append(one)
        return tables

    def tables(self) -> Iterator[Table]:
        """What gives addresses a route, a neighbour's link, or a source."""
        yield from (one.table for one in self._tables.values())
        yield from (one.table for one in self._sources.values())
        yield self.links.table

    def told_apart(self) -> Iterator[Numbers]:
        """Sets whose addresses are treated differently from others."""
        yield from (self.own, self.loopback, self.local, self.broadcast, _NEVER_A_SOURCE[self.family])
        for rule in self._policy:
            yield from (numbers_of(one) for one in (rule.source, rule.destination) if one is not None)

    # --- Kinds of addresses ---------------------------------------------------------------------------------

    def type_numbers(self, types: frozenset[str], interface: str | None = None) -> Numbers:
        """The addresses of one of ``types``; local ones only of ``interface``, where one is given."""
        known = self._types.get((types, interface))
        if known is None:
            known = self._types[types, interface] = self._type_numbers(types, interface)
        return known

    def _type_numbers(self, types: frozenset[str], interface: str | None) -> Numbers:
        local = self.local
        if interface is not None:
            face = self.interfaces.get(interface)
            local = numbers_of(*(one.address for one in _of(face, self.family))) if face is not None else NONE
            local = numbers_of(_LOOPBACK_NETWORK[self.family]) if interface == LOOPBACK else local
        multicast = numbers_of(_MULTICAST[self.family])
        found = NONE
        for kind in types:
            if kind == "local":
                found |= local
            elif kind == "broadcast":
                found |= self.broadcast
            elif kind == "multicast":
                found |= multicast
            elif kind == "unicast":
                found |= all_addresses(self.family) - local - self.broadcast - multicast
        return found

    def first_address(self, interface: str | None) -> Numbers | None:
        """The address to which ``Redirect`` sends what comes in by ``interface``; None: it has none."""
        face = self.interfaces.get(interface or "")
        addresses = [one.address for one in _of(face, self.family)] if face is not None else []
        if self.family == 6:  # the kernel keeps them by scope, global first
            addresses.sort(key=lambda one: one.is_link_local)
        return numbers_of(addresses[0]) if addresses else None

    def redirect_targets(self, flow: Flow) -> Iterator[tuple[Flow, Numbers | None]]:
        if flow.incoming is None:
            yield flow, numbers_of(ip_address("127.0.0.1" if self.family == 4 else "::1"))
            return
        for name, mask in flow.incoming:
            part, _ = flow.split_who(mask)
            if part is not None:
                yield part, self.first_address(name)

    def masquerade_sources(self, flow: Flow) -> Iterator[tuple[Flow, Numbers | None]]:
        for name, mask in flow.outgoing or ():
            part, _ = flow.split_who(mask)
            if part is not None and self.family == 6:
                yield from self._six_sources(part, name)
            elif part is not None:
                yield from self._interface_sources(part, name)

    def _six_sources(self, flow: Flow, name: str) -> Iterator[tuple[Flow, Numbers | None]]:
        """To an address of its own, loopback or not, the gateway masquerades as that (RFC 6724 5, rule 1)."""
        rest: Flow | None = flow
        for low, high in (flow.of(flow.header.destination) & self.local).ranges:
            for number in range(low, high + 1):
                same = Numbers.one(number)
                part, rest = rest.split(rest.header.destination, same) if rest is not None else (None, None)
                if part is not None:
                    yield part, same
        if rest is not None:
            yield from self._interface_sources(rest, name)

    def _interface_sources(self, flow: Flow, name: str) -> Iterator[tuple[Flow, Numbers | None]]:
        if name == LOOPBACK:  # inet_select_addr takes the first address of all: loopback is not for others
            faces = (face for its, face in self.interfaces.items() if its != LOOPBACK)
            addresses = (numbers_of(one.address) for face in faces for one in _of(face, self.family))
            yield flow, next(addresses, None)
        elif name in self._sources:
            next_hop: Ref = flow.header.destination if flow.via is None else (CONSTANT, flow.via)
            yield from self._sources[name].split(flow, next_hop)
        else:
            yield flow, None

    # --- Routing --------------------------------------------------------------------------------------------

    def routed(self, flow: Flow) -> Iterator[tuple[Flow, str]]:
        """``flow`` in parts, each with its outgoing link and the kind of its route."""
        header = flow.header
        for part, hops in self.way(flow, header.destination, header.source, flow.incoming, flow.mark):
            for kind in dict.fromkeys(hop.kind for _, hop in hops):
                links = tuple((hop.interface or "", mask) for mask, hop in hops if hop.kind == kind)
                mask = 0
                for _, its in links:
                    mask |= its
                some, _ = part.split_who(mask)
                if some is not None:
                    via = hops[0][1].via if len(hops) == 1 else None
                    yield some._replace(outgoing=links, via=via), kind

    def way(
        self, flow: Flow, to: Ref, source: Ref, incoming: Link | None, mark: int
    ) -> Iterator[tuple[Flow, list[tuple[int, Hop]]]]:
        """``flow`` in parts, each with the next hops towards ``to``, and for whom each is."""
        rest = [flow]
        for rule in self._policy:
            after: list[Flow] = []
            for one in rest:
                chosen, others = _selected(one, rule, to, source, incoming, mark)
                after += others
                for part in chosen:
                    for some, hops in self._looked_up(rule.table, part, to):
                        if hops:
                            yield some, hops
                        else:
                            after.append(some)
            rest = after
            if not rest:
                return
        for one in rest:
            yield one, [(one.who, NOWHERE)]

    def _looked_up(self, name: str, flow: Flow, to: Ref) -> Iterator[tuple[Flow, list[tuple[int, Hop]]]]:
        """Empty hops: this table does not say."""
        rest: Flow | None = flow
        if name == "local":
            for numbers, hop in ((self.local, LOCAL), (self.broadcast, BROADCAST)):
                found, rest = rest.split(to, numbers) if rest is not None else (None, None)
                if found is not None:
                    yield found, [(found.who, hop)]
        if rest is None:
            return
        table = self._tables.get(name)
        if table is None:
            yield rest, []
            return
        together: list[tuple[int, Hop]] = []
        for part, hops in table.split(rest, to):
            if not hops or hops[0].kind == "throw":
                yield part, []
            elif len(hops) > 1:
                unsure = part.unsure(f"of {len(hops)} equal routes one is taken")
                for hop in hops:
                    yield unsure, [(part.who, hop)]
            elif to[0] == 0:
                together.append((part.who, hops[0]))
            else:
                yield part, [(part.who, hops[0])]
        if together:
            mask = 0
            for its, _ in together:
                mask |= its
            whole, _ = rest.split_who(mask)
            if whole is not None:
                yield whole, together

    def source_check(self, flow: Flow) -> tuple[list[Flow], list[tuple[Flow, str]]]:
        """Those packets whose source may come by their interface, and the others, with why not.

        IPv4 only (fib_validate_source): IPv6 has no rp_filter.
        """
        refused: list[tuple[Flow, str]] = []
        martian, rest = flow.split(flow.header.source, _NEVER_A_SOURCE[self.family])
        if martian is not None:
            refused.append((martian, "the source is no address of a host"))
        if self.family == 4 and rest is not None:
            martian, rest = rest.split(rest.header.source, self.own)
            if martian is not None:
                refused.append((martian, "the source is the gateway's own address"))
        if rest is None or flow.incoming is None or self.family == 6:
            return [] if rest is None else [rest], refused
        passed: list[Flow] = []
        for name, mask in flow.incoming:
            part, _ = rest.split_who(mask)
            if part is not None:
                self._reverse_path(part, name, passed, refused)
        return _together(passed, rest), refused

    def _reverse_path(
        self, flow: Flow, name: str, passed: list[Flow], refused: list[tuple[Flow, str]]
    ) -> None:
        face = self.interfaces.get(name)
        mode = face.rp_filter if face is not None else 0
        if mode == 0:
            passed.append(flow)
            return
        for one, hop in self._hops_back(flow):
            if hop.kind == "unicast" and (hop.interface == name or mode == 2):
                passed.append(one)
            elif mode is None:
                passed.append(one.unsure(f"rp_filter of {name} is not known"))
                refused.append((passed[-1], f"rp_filter of {name}"))
            else:
                refused.append((one, f"rp_filter of {name}"))

    def _hops_back(self, flow: Flow) -> Iterator[tuple[Flow, Hop]]:
        """The next hops towards the source: the same for every question, unless a rule looks further."""
        key = flow.sources, flow.who
        can_keep = flow.header.source == ASKED.source and not any(map(_looks_further, self._policy))
        kept = self._kept.get(key) if can_keep else None
        if kept is not None:
            for mask, hop in kept:
                one, _ = flow.split_who(mask)
                if one is not None:
                    yield one, hop
            return
        found: list[tuple[int, Hop]] = []
        for part, hops in self.way(flow, flow.header.source, flow.header.destination, None, 0):
            can_keep = can_keep and not part.root
            for mask, hop in hops:
                one, _ = part.split_who(mask)
                if one is not None:
                    found.append((one.who, hop))
                    yield one, hop
        if can_keep:
            self._kept[key] = found


def _looks_further(rule: PolicyRule) -> bool:
    """Whether, on the way back to a packet's source, its destination decides too."""
    return (rule.source is not None and rule.source.prefixlen > 0) or bool(rule.unknown)


def _together(parts: list[Flow], whole: Flow) -> list[Flow]:
    """``parts`` as one flow again, where they differ in nothing but who sends them."""
    mask = 0
    for one in parts:
        if one.values != whole.values or one.root != whole.root:
            return parts
        mask |= one.who
    return [whole._replace(who=mask)] if parts else []


def _of(face: Interface, family: int) -> list[InterfaceAddress]:
    return [one for one in face.addresses if one.address.version == family]


def _concerns(rule: PolicyRule, family: int) -> bool:
    return all(one is None or one.version == family for one in (rule.source, rule.destination))


def _range(prefix: Prefix) -> Range:
    return int(prefix.network_address), int(prefix.broadcast_address)


def _broadcasts(faces: Iterable[Interface]) -> Numbers:
    found = [
        one.prefix.broadcast_address for face in faces for one in _of(face, 4) if one.prefix.prefixlen <= 30
    ]
    return numbers_of(ip_address("255.255.255.255"), *found)


def _table(routes: Iterable[Route]) -> Prefixes[tuple[Hop, ...]]:
    best: dict[Prefix, tuple[int, list[Hop]]] = {}
    for one in routes:
        hop = Hop(one.kind, one.interface, None if one.via is None else int(one.via))
        metric, hops = best.setdefault(one.prefix, (one.metric, []))
        if one.metric < metric:
            best[one.prefix] = one.metric, [hop]
        elif one.metric == metric and hop not in hops:
            hops.append(hop)
    return Prefixes([(_range(prefix), tuple(hops)) for prefix, (_, hops) in best.items()], ())


def _selected(
    flow: Flow, rule: PolicyRule, to: Ref, source: Ref, incoming: Link | None, mark: int
) -> tuple[list[Flow], list[Flow]]:
    """Those packets that ``rule`` sends to its table, and the others."""
    if rule.mark is not None and mark & rule.mark[1] != rule.mark[0]:
        return [], [flow]
    chosen: Flow | None = flow
    others: list[Flow] = []

    def keep(parts: tuple[Flow | None, Flow | None]) -> Flow | None:
        if parts[1] is not None:
            others.append(parts[1])
        return parts[0]

    for ref, prefix in ((source, rule.source), (to, rule.destination)):
        if prefix is not None and prefix.prefixlen and chosen is not None:
            chosen = keep(chosen.split(ref, numbers_of(prefix)))
    if rule.incoming is not None and chosen is not None:
        links = narrowed(incoming or link(LOOPBACK), chosen.who)
        mask = 0
        for name, its in links:
            mask |= its if name == rule.incoming else 0
        chosen = keep(chosen.split_who(mask))
    if rule.unknown and chosen is not None:
        chosen = chosen.unsure(rule.unknown)
        others.append(chosen)
    return ([] if chosen is None else [chosen]), others
