"""Names for addresses: PTR records that make themselves, and the empty zones of private address space.

Who asks for the name of an inside address asks us, or it leaks to servers that cannot know it (RFC 6303).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, filterfalse
from typing import TypeVar

from splitdns.addresses import is_inside
from splitdns.load.holdings import Holdings, Run, slices
from splitdns.load.keptfile import digest_of
from splitdns.names import ROOT, Qname, ancestors, from_text, is_under, reverse_names
from splitdns.records import RRset, Type
from splitdns.zone import Kind, Node, Packer, Zone, pack

BUILT_IN = tuple(
    from_text(name)
    for name in (
        "10.in-addr.arpa.",  # RFC 6303 4.1
        *(f"{octet}.172.in-addr.arpa." for octet in range(16, 32)),
        "168.192.in-addr.arpa.",
        "0.in-addr.arpa.",  # 4.2
        "127.in-addr.arpa.",
        "254.169.in-addr.arpa.",
        "2.0.192.in-addr.arpa.",
        "100.51.198.in-addr.arpa.",
        "113.0.203.in-addr.arpa.",
        "255.255.255.255.in-addr.arpa.",
        *(f"{octet}.100.in-addr.arpa." for octet in range(64, 128)),  # RFC 7793
        "0." * 32 + "ip6.arpa.",  # 4.3
        "1." + "0." * 31 + "ip6.arpa.",
        "d.f.ip6.arpa.",  # 4.4; c.f.ip6.arpa is not assigned, and left alone
        *(f"{nibble}.e.f.ip6.arpa." for nibble in "89ab"),  # 4.5
        "8.b.d.0.1.0.0.2.ip6.arpa.",  # 4.6
    )
)
MIN_OCTETS = 64 * 1024  # of what is held; what is made of less is made in no time

T = TypeVar("T")

RecallZone = Callable[[bytes], Zone | None]

_ARPA = from_text("arpa.")
_TTL_S = 10_800  # RFC 6303 3, for all of the SOA's and the NS record's times


@functools.cache
def empty_zone(apex: Qname) -> Zone:
    """The zone that RFC 6303 3 describes: a SOA and an NS record, and no names."""
    numbers = (1, 3600, 1200, 604_800, _TTL_S)
    soa = apex + from_text("nobody.invalid.") + b"".join(number.to_bytes(4, "big") for number in numbers)
    rrsets = (RRset(apex, Type.SOA, _TTL_S, (soa,)), RRset(apex, Type.NS, _TTL_S, (apex,)))
    return Zone(apex, pack([Node(apex, apex, rrsets)]))


def built_in(zones: Mapping[Qname, Zone], domains: Iterable[Qname]) -> dict[Qname, Zone]:
    """The empty zones of a recursing view that no zone and no forward rule (``domains``) covers or equals."""
    return {apex: empty_zone(apex) for apex in uncovered(BUILT_IN, zones, domains)}


def uncovered(
    apexes: Iterable[Qname], zones: Mapping[Qname, Zone], domains: Iterable[Qname]
) -> Iterator[Qname]:
    """Those of ``apexes`` for which the configuration has nothing of its own; the rule for all is nothing."""
    covered = {*zones, *(domain for domain in domains if domain != ROOT)}
    for apex in apexes:
        if not any(ancestor in covered for ancestor in ancestors(apex)):
            yield apex


def automatic(
    held: Sequence[Holdings],
    zones: Mapping[Qname, Zone],
    inside_only: frozenset[bytes],
    outside: bool,
) -> Zone | None:
    """The PTR records that a view gets by itself, or None where there are none; ``held`` is by file.

    One per address: the first name in file order, or the first that says ``ptr: true``; a source's name comes
    after those of files. They are made for inside addresses, of special ranges or in ``inside_only``, and
    where a name asks for it. A view that is ``outside`` gets the latter only, and none for an inside address.
    """
    runs = sorted((run for one in held for run in one.runs()), key=_rank, reverse=True)  # the best come first
    reverse = _reverse(zones)
    taken: set[bytes] = set()
    packer = Packer()
    for run in runs:
        if outside and not run.preferred:
            continue
        found = _first(run.addresses, run.owners)
        if outside or not run.preferred:
            for one in [one for one in found if outside == (is_inside(one) or one in inside_only)]:
                del found[one]
        if not taken.isdisjoint(found):
            found = {address: owner for address, owner in found.items() if address not in taken}
        if not found:
            continue
        taken.update(found)
        for ttl_s, some in _by_ttl(run, found).items():
            names, owners = reverse_names([*some]), [*some.values()]
            if reverse:
                free = [not _is_declared(name, reverse) for name in names]
                names, owners = [*compress(names, free)], [*compress(owners, free)]
            packer.add_alike(names, owners, Kind(Type.PTR, ttl_s, differs=True))
    return Zone(ROOT, packer.block(), overlay=True) if len(packer) else None


def _rank(run: Run) -> int:
    return 2 * run.preferred + (not run.supplied)


def _first(addresses: Sequence[bytes], values: Sequence[T]) -> dict[bytes, T]:
    """The first value of each address."""
    found = dict(zip(addresses, values, strict=True))
    if len(found) < len(addresses):
        found = dict(zip(reversed(addresses), reversed(values), strict=True))
    return found


def _by_ttl(run: Run, found: dict[bytes, bytes]) -> dict[int, dict[bytes, bytes]]:
    """The owners that were ``found`` in ``run``, by their TTLs: mostly all of them have the same."""
    if len({*run.ttls_s}) == 1:
        return {run.ttls_s[0]: found}
    ttls_s = _first(run.addresses, run.ttls_s)
    parts: dict[int, dict[bytes, bytes]] = {}
    for address, owner in found.items():
        parts.setdefault(ttls_s[address], {})[address] = owner
    return parts


class Pointers:
    """What ``automatic`` makes for the views of a generation, by the digest of what it is made of.

    It takes seconds where addresses are many. So it is made once: ``former`` are those of the former
    generation, and ``recall`` knows those of other processes. ``made`` is all that this generation has.
    """

    def __init__(self, former: Mapping[bytes, Zone] | None = None, recall: RecallZone | None = None) -> None:
        self._former = former or {}
        self._recall = recall
        self.made: dict[bytes, Zone] = {}

    def of(
        self,
        held: Sequence[Holdings],
        zones: Mapping[Qname, Zone],
        inside_only: frozenset[bytes],
        outside: bool,
    ) -> Zone | None:
        """``automatic`` of these."""
        if sum(len(one.octets) for one in held) < MIN_OCTETS:
            return automatic(held, zones, inside_only, outside)
        digest = _digest(held, zones, inside_only, outside)
        found = self.made.get(digest) or self._former.get(digest)
        if found is None and self._recall is not None:
            found = self._recall(digest)
        if found is None:
            found = automatic(held, zones, inside_only, outside)
        if found is not None:
            self.made[digest] = found
        return found


def _digest(
    held: Sequence[Holdings], zones: Mapping[Qname, Zone], inside_only: frozenset[bytes], outside: bool
) -> bytes:
    """Of all that ``automatic`` looks at."""
    parts: list[bytes | memoryview] = [bytes((outside,)), b"".join(sorted(inside_only))]
    for apex, zone in _reverse(zones).items():
        parts += (apex, bytes((zone.fault is None,)), zone.block)
    return digest_of([*parts, *(one.octets for one in held)])


def _reverse(zones: Mapping[Qname, Zone]) -> dict[Qname, Zone]:
    """The zones in which the name of an address can be."""
    return {apex: zone for apex, zone in zones.items() if apex == ROOT or is_under(apex, _ARPA)}


def _is_declared(name: Qname, zones: Mapping[Qname, Zone]) -> bool:
    """Whether a zone of ours declares ``name`` itself, in this view or another."""
    for ancestor in ancestors(name):
        if (zone := zones.get(ancestor)) is not None:
            if zone.fault is not None:
                return True  # nobody knows what it declares
            node = zone.node(name)
            return node is not None and (bool(node.rrsets) or bool(node.inherit) or not node.exists)
    return False


def declared_only_elsewhere(
    addresses: Iterable[Mapping[str | None, tuple[bytes, bytes]]], horizon: Iterable[str]
) -> frozenset[bytes]:
    """Addresses that are declared, but neither for all views nor under one of ``horizon``.

    Those that are inside ones anyway are left out: nobody has to ask whether they are hidden.
    """
    own = {None, *horizon}
    elsewhere: set[bytes] = set()
    here: list[tuple[bytes, bytes]] = []
    for of_zone in addresses:
        for declared_for, joined in of_zone.items():
            if declared_for in own:
                here.append(joined)
            else:
                elsewhere.update(filterfalse(is_inside, _split(joined)))
    if elsewhere:
        for joined in here:
            elsewhere.difference_update(_split(joined))
    return frozenset(elsewhere)


def _split(joined: tuple[bytes, bytes]) -> Iterable[bytes]:
    return chain(*map(slices, joined, (4, 16)))
