"""One view's share of a declared zone: which records it takes, and what node each name becomes.

Variants are chosen per type (semantics 5). A name whose records all belong to other views stays as a ghost:
declared, so that no wildcard answers for it, and not existing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from splitdns.load import hints
from splitdns.load.declared import PLAIN, DeclaredName, DeclaredSet, DeclaredZone
from splitdns.names import Qname, between, fold, is_under, wildcard
from splitdns.records import SHORT_TTL_S, RRset, Type
from splitdns.value import value
from splitdns.view import OUTSIDE
from splitdns.zone import Kind, Node, Packer, Regexp, packed

_SIMPLE = frozenset({Type.A, Type.AAAA, Type.TXT})
_FEW = 100
_RUN = 4096  # names that are packed at a time

Sets = Sequence[DeclaredSet]


@value(frozen=True, slots=True)
class Viewer:
    """A view as far as zones are concerned: its name, and its horizons in order of preference."""

    name: str
    horizon: tuple[str, ...]

    @property
    def outside(self) -> bool:
        return all(horizon == OUTSIDE for horizon in self.horizon)


@dataclass(slots=True)
class Share:
    """What ``viewers``, whose horizons come to the same, see of ``zone``.

    ``beneath`` are the apexes of our zones beneath this one, which know their own names.
    ``chosen`` are the names that exist with their record sets, ``ents`` the empty non-terminals, ``ghosts``
    the names of other views and their ancestors, with the case of their owners. ``hollow`` are the names that
    are ancestors in every view, and declared in none. ``differs`` are the names
    that are not the same in all views; None: all of them. ``notable`` are the names that have more than a
    few addresses or a text, which are all that most names of a large zone have, and which cannot be wrong.
    """

    zone: DeclaredZone
    viewers: tuple[Viewer, ...]
    beneath: Sequence[Qname] = ()
    chosen: dict[Qname, Sets] = field(default_factory=dict)
    regexps: list[Sets] = field(default_factory=list)
    ents: set[Qname] = field(default_factory=set)
    ghosts: dict[Qname, bytes] = field(default_factory=dict)
    hollow: frozenset[Qname] = frozenset()
    notable: list[Qname] = field(default_factory=list)
    differs: set[Qname] | None = field(default_factory=set)
    regexp_differs: list[bool] = field(default_factory=list)

    @property
    def is_waiting(self) -> bool:
        """Whether a source that has said nothing yet may have names here."""
        return not self.zone.awaited.isdisjoint(self.viewers[0].horizon)

    def exists(self, name: Qname) -> bool:
        return name in self.chosen or name in self.ents

    def is_different(self, name: Qname) -> bool:
        return self.differs is None or name in self.differs

    def block(self) -> bytes:
        """All names as they are packed, those by the run that differ in nothing but their one record."""
        packer = Packer()
        names, chosen, differs, notable = self.zone.names, self.chosen, self.differs, frozenset(self.notable)
        runs: dict[tuple[int, int, bool], tuple[list[Qname], list[bytes]]] = {}
        for name, sets in chosen.items():
            one, declared = sets[0] if sets and name not in notable else None, names.get(name)
            if (
                one is None
                or declared is None
                or one.public
                or len(one.rdatas) != 1
                or declared.manner is not PLAIN
                or declared.owner != name
            ):
                packer.add([(name, self._packed(name))])
                continue
            other = differs is None or name in differs
            kind = one.rdtype, final_ttl_s(one, other), other
            run, rdatas = runs.get(kind) or runs.setdefault(kind, ([], []))
            run.append(name)
            rdatas += one.rdatas
            if len(run) == _RUN:
                packer.add_alike(*runs.pop(kind), Kind(*kind))
        for kind, alike in runs.items():
            packer.add_alike(*alike, Kind(*kind))
        packer.add((name, self._packed(name)) for name in (*self.ents, *self.ghosts))
        return packer.block()

    def _packed(self, name: Qname) -> bytes:
        node = self.node(name)
        assert node is not None, "every name has a node"
        return packed(node)

    def node(self, name: Qname) -> Node | None:
        """The node of ``name``; None where neither it nor anything below it is declared."""
        sets = self.chosen.get(name)
        if sets is None:
            if name in self.ents:
                return Node(name, name, differs=self.is_different(name))
            owner = self.ghosts.get(name)
            if owner is None:
                return None
            return Node(name, owner, exists=False, differs=name not in self.hollow)
        declared = self.zone.name(name)
        owner, differs = declared.owner, self.differs is None or name in self.differs
        rrsets = tuple([_rrset(owner, one, differs) for one in sets])
        cut = name != self.zone.apex and Type.NS in [one.rdtype for one in sets]
        return Node(name, owner, rrsets, True, cut, differs, declared.manner.inherit)

    def regexp_nodes(self) -> tuple[Regexp, ...]:
        apex, owner = self.zone.apex, self.zone.owner
        made = []
        for regexp, sets, differs in zip(self.zone.regexps, self.regexps, self.regexp_differs, strict=True):
            rrsets = tuple(_rrset(owner, one, differs) for one in sets)
            inherit = regexp.name.manner.inherit
            exists = bool(sets) or _says_only_inherit(regexp.name)
            node = Node(apex, owner, rrsets, exists, differs=differs or not exists, inherit=inherit)
            made.append(Regexp(regexp.pattern, node))
        return tuple(made)

    def is_ours(self, name: Qname) -> bool:
        """Whether this zone is the one of ours that ``name`` belongs to."""
        return is_under(name, self.zone.apex) and not any(is_under(name, apex) for apex in self.beneath)

    def addresses(self, target: bytes, rdtype: int, own: Sets = ()) -> Sequence[bytes] | None:
        """The addresses of ``target`` in this view; None where this zone does not know them."""
        name = fold(target)
        if not self.is_ours(name):
            return None
        sets = own or self._sets_for(name)
        return None if sets is None else next((one.rdatas for one in sets if one.rdtype == rdtype), ())

    def _sets_for(self, name: Qname) -> Sets | None:
        """What answers for ``name``, itself or a wildcard; None where a delegation or a DNAME is above it."""
        encloser = self.zone.apex
        for step in between(name, self.zone.apex):
            if step not in self.ents and step not in self.chosen:
                return self.chosen.get(wildcard(encloser), ())
            if step != name and any(one.rdtype in (Type.NS, Type.DNAME) for one in self.chosen.get(step, ())):
                return None
            encloser = step
        return self.chosen.get(name, ())


def final_ttl_s(one: DeclaredSet, differs: bool) -> int:
    """The TTL that a record set gets where its name is the same in all views, or ``differs``."""
    # A SOA's TTL is for the negative answers of all names; those of differing ones are cut when made.
    if differs and not one.own_ttl and one.rdtype != Type.SOA:
        return min(one.ttl_s, SHORT_TTL_S)
    return one.ttl_s


def _rrset(owner: bytes, one: DeclaredSet, differs: bool) -> RRset:
    return RRset(owner, one.rdtype, final_ttl_s(one, differs), tuple(one.rdatas), one.public)


def _says_only_inherit(name: DeclaredName) -> bool:
    return not name.sets and bool(name.manner.inherit)


def choose(sets: Sets, horizon: Iterable[str]) -> Sets:
    """Of each type the first variant in the order of ``horizon``, else the one without a horizon."""
    if all(one.horizon is None for one in sets):
        return sets
    preference = (*horizon, None)
    found: dict[int, DeclaredSet] = {}
    for wanted in preference:
        for one in sets:
            if one.horizon == wanted:
                found.setdefault(one.rdtype, one)
    return [one for one in sets if found.get(one.rdtype) is one]


def shares_of(
    zone: DeclaredZone, viewers: Iterable[Viewer], beneath: Sequence[Qname] = ()
) -> list[Share]:
    """The shares of ``zone``: views whose horizons choose the same variants have one together."""
    groups: dict[tuple[str, ...], list[Viewer]] = {}
    for viewer in viewers:
        key = tuple(horizon for horizon in viewer.horizon if horizon in zone.variants | zone.awaited)
        groups.setdefault(key, []).append(viewer)
    return [_share(Share(zone, tuple(group), beneath), key) for key, group in groups.items()]


def _share(share: Share, horizon: tuple[str, ...]) -> Share:
    zone = share.zone
    if zone.variants:
        for name, declared in zone.names.items():
            sets = choose(declared.sets, horizon)
            if sets or _says_only_inherit(declared) or name == zone.apex:
                share.chosen[name] = sets
    else:
        share.chosen = {name: declared.sets for name, declared in zone.names.items()}
    share.chosen.setdefault(zone.apex, [])
    share.notable = [
        name
        for name, sets in share.chosen.items()
        if len(sets) != 1 or sets[0].rdtype not in _SIMPLE or len(sets[0].rdatas) > _FEW
    ]
    if zone.apex not in share.notable[:1]:
        share.notable = [zone.apex, *(name for name in share.notable if name != zone.apex)]
    share.regexps = [choose(regexp.name.sets, horizon) for regexp in zone.regexps]
    share.ents.update(_ancestors(share.chosen, zone.apex))
    return share


def _ancestors(names: Mapping[Qname, object], apex: Qname) -> Iterator[Qname]:
    """The ancestors of ``names`` beneath the apex that are not names themselves."""
    met: set[Qname] = set()
    apex_octets = len(apex)
    known: Qname | None = None  # the last that was met: who follows often has the same
    for name in names:
        above = name
        while len(above) > apex_octets:
            above = Qname(above[1 + above[0] :])
            if above == known:
                break
            if above in names or above in met:
                known = above
                break
            met.add(above)
            yield above


def relate(shares: Sequence[Share], everywhere: bool) -> None:
    """Say in each share what differs, and which names only the others have.

    ``everywhere``: the shares are all there are, and each view has one of them.
    """
    owners: dict[Qname, bytes] = {}
    hollow: frozenset[Qname] = frozenset()
    if len(shares) > 1 or any(share.zone.variants for share in shares):
        for share in shares:
            for name, declared in share.zone.names.items():
                owners.setdefault(name, declared.owner)
        hollow = frozenset(_ancestors(owners, shares[0].zone.apex))
        owners |= {name: name for name in hollow}
    differs: set[Qname] | None = None
    if everywhere and not any(share.zone.overlay for share in shares):
        differs = {name for name in owners if _is_different(name, shares)}
    for share in shares:
        share.ghosts = {name: owner for name, owner in owners.items() if not share.exists(name)}
        share.hollow = hollow
        share.differs = differs
        share.regexp_differs = [
            differs is None or any(not _same(sets, other.regexps[at]) for other in shares)
            for at, sets in enumerate(share.regexps)
        ]


def _is_different(name: Qname, shares: Sequence[Share]) -> bool:
    first, *others = shares
    if any(share.exists(name) != first.exists(name) for share in others):
        return True
    sets = first.chosen.get(name, ())
    return any(not _same(sets, share.chosen.get(name, ())) for share in others)


def _same(one: Sets, other: Sets) -> bool:
    if one is other:
        return True
    return {a.rdtype: list(a.rdatas) for a in one} == {b.rdtype: list(b.rdatas) for b in other}


def resolve_hints(share: Share, error: Callable[[int, str], None]) -> None:
    """Put each view's addresses into its HTTPS and SVCB records, and compare those that stand there.

    ``error`` is told the place of a wrong hint and what is wrong.
    """

    def resolved(one: DeclaredSet, name: bytes, own: Sets) -> DeclaredSet:
        if one.rdtype not in (Type.HTTPS, Type.SVCB):
            return one

        def addresses(target: bytes, rdtype: int) -> Sequence[bytes] | None:
            return share.addresses(target, rdtype, own if target == name else ())

        try:
            rdatas = tuple(hints.resolved(rdata, name, one.auto_hints, addresses) for rdata in one.rdatas)
        except ValueError as found:
            error(one.at, str(found))
            return one
        return replace(one, rdatas=rdatas)

    for name in share.notable:
        sets = share.chosen[name]
        if any(one.rdtype in (Type.HTTPS, Type.SVCB) for one in sets):
            share.chosen[name] = [resolved(one, name, sets) for one in sets]
    for at, sets in enumerate(share.regexps):
        share.regexps[at] = [resolved(one, share.zone.apex, sets) for one in sets]
