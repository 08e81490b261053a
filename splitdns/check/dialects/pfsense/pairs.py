"""One-to-one NAT and network prefix translation: a public network that is an inside one, in both directions.

pf's ``binat``: on the way in, after the port forwards; on the way out, before every other source NAT.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from splitdns.check.dialects.pfsense.config import is_on, origin_of
from splitdns.check.dialects.pfsense.endpoints import Endpoints, Meant, Missing
from splitdns.check.dialects.pfsense.faces import prefix_of
from splitdns.check.dialects.pfsense.forwards import reflecting
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    Interfaces,
    Netmap,
    Origin,
    Rule,
    Side,
    Support,
    Translate,
)
from splitdns.check.sets import Prefix, numbers_of
from splitdns.value import value


@value(frozen=True, slots=True)
class Pair:
    """``public`` is ``inside`` for ``others``; ``excepted``: it is not, whatever rules follow say."""

    origin: Origin
    keys: frozenset[str]
    public: Prefix
    inside: Prefix
    others: Meant
    excepted: bool
    reflected: frozenset[str]
    is_helped: bool  # by source NAT for the server's own network
    outwards_only: bool = False

    @property
    def family(self) -> int:
        return self.public.version


def pairs_of(ends: Endpoints) -> list[Pair]:
    """All pairs that are in force; what the device leaves out is noted."""
    config = ends.config
    found = []
    for tag, read in (("onetoone", _one_to_one), ("npt", _npt)):
        for element in config.rows("nat", tag):
            origin = origin_of(element, f"{tag} {element.value('external')}".strip())
            made = Missing("it is disabled") if is_on(element, "disabled") else read(ends, element, origin)
            if isinstance(made, Missing):
                config.note(Support.IGNORED, tag, origin, f"left out: {made.reason}")
            else:
                found.append(made)
    return found


def _one_to_one(ends: Endpoints, element: Element, origin: Origin) -> Pair | Missing:
    key = element.value("interface", usual="wan")
    keys = ends.faces.named(key)
    if not keys:
        return Missing(f"its interface {key} is not enabled")
    source = element.child("source")
    told = element.value("internal")
    if source is not None:
        told = source.value("address") or source.value("network")
    told = _single(ends, told)
    if element.value("subnet") and "/" not in told:
        told = f"{told}/{element.value('subnet')}"
    inside = prefix_of(told)
    public = prefix_of(_single(ends, element.value("external")))
    if public is None or inside is None or public.version != inside.version:
        return Missing("what is public and what is inside are not addresses of one family")
    if inside.prefixlen != inside.max_prefixlen:
        public = prefix_of(f"{public.network_address}/{inside.prefixlen}") or public
    others = ends.addresses(element.child("destination"), Side.DESTINATION, public.version)
    if isinstance(others, Missing):
        return others
    excepted = is_on(element, "nobinat")
    usual = ends.config.is_on("system", "enablebinatreflection")
    told = element.value("natreflection")
    reflects = (told == "enable" or (usual and told != "disable")) and not excepted
    reflected = reflecting(ends, keys, public.version) if reflects else frozenset()
    helped = ends.config.is_on("system", "enablenatreflectionhelper") and public.version == 4
    only_out = element.value("type") == "nat"  # OPNsense's, which gives an address and lets nobody in by it
    return Pair(origin, keys, public, inside, others, excepted, reflected, helped, only_out)


def _npt(ends: Endpoints, element: Element, origin: Origin) -> Pair | Missing:
    key = element.value("interface", usual="wan")
    keys = ends.faces.named(key)
    if not keys:
        return Missing(f"its interface {key} is not enabled")
    prefixes = []
    for tag in ("source", "destination"):
        side = element.child(tag)
        text = "" if side is None else side.value("address") or side.value("network")
        prefixes.append(prefix_of(text))
    inside, public = prefixes
    if inside is None or public is None or inside.version != public.version:
        return Missing("its prefixes are not told, or not of one family")
    if inside.prefixlen != public.prefixlen:
        ends.config.wrong(element, f"prefixes of one length, /{inside.prefixlen}", f"/{public.prefixlen}")
        return Missing("its prefixes differ in length")
    everywhere = ends.named("any", Side.DESTINATION, inside.version)
    assert isinstance(everywhere, Meant)
    return Pair(origin, keys, public, inside, everywhere, False, frozenset(), False)


def _single(ends: Endpoints, text: str) -> str:
    """An address or a prefix; of an interface's own, and of an alias, what it stands for."""
    if not text or prefix_of(text) is not None:
        return text
    found = ends.named(text, Side.DESTINATION, 4)
    if isinstance(found, Meant) and found.numbers and not found.maybe and len(found.numbers.ranges) == 1:
        low, high = found.numbers.ranges[0]
        size = high - low + 1
        if size & size - 1 == 0 and low % size == 0:
            return f"{ip_address(low)}/{32 - size.bit_length() + 1}"
    return text


# --- Rules --------------------------------------------------------------------------------------------------


def inwards(pairs: list[Pair]) -> Iterator[Rule]:
    """Of prerouting."""
    for pair in pairs:
        sources = pair.others.conditions(Side.SOURCE, pair.family)
        if sources is None or pair.outwards_only:
            continue
        to = Addresses(Side.DESTINATION, numbers_of(pair.public))
        action = Accept() if pair.excepted else _mapped(Side.DESTINATION, pair.public, pair.inside)
        of = frozenset({pair.family})
        yield Rule((Interfaces(Side.SOURCE, pair.keys), *sources, to), action, pair.origin, of)
    for pair in pairs:
        if pair.reflected:
            to = Addresses(Side.DESTINATION, numbers_of(pair.public))
            origin = Origin(pair.origin.where, pair.origin.text, "NAT reflection")
            action = _mapped(Side.DESTINATION, pair.public, pair.inside)
            yield Rule(
                (Interfaces(Side.SOURCE, pair.reflected), to), action, origin, frozenset({pair.family})
            )


def outwards(pairs: list[Pair]) -> Iterator[Rule]:
    """Of postrouting."""
    for pair in pairs:
        others = pair.others.conditions(Side.DESTINATION, pair.family)
        if others is None:
            continue
        source = Addresses(Side.SOURCE, numbers_of(pair.inside))
        action = Accept() if pair.excepted else _mapped(Side.SOURCE, pair.inside, pair.public)
        of = frozenset({pair.family})
        yield Rule((Interfaces(Side.DESTINATION, pair.keys), source, *others), action, pair.origin, of)


def _mapped(side: Side, was: Prefix, now: Prefix) -> Action:
    if was.num_addresses == now.num_addresses == 1:
        return Translate(side, numbers_of(now))
    return Netmap(side, now)
