"""For which packets a rule holds, in the model's conditions, as the packets are when pf asks.

pf asks in the middle of its work: an earlier ``match`` may have given the packet another address already, and
what a rule says of that side is then a matter of that address alone (``Changed``).
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.pf.surroundings import Meant, Surroundings
from splitdns.check.dialects.pf.values import Filter, On
from splitdns.check.model import (
    TCP,
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Original,
    Ports,
    Protocols,
    ReversePath,
    Side,
    TcpFlags,
    Unknown,
)
from splitdns.check.sets import PROTOCOLS, Numbers
from splitdns.value import value

_ICMP = {4: 1, 6: 58}


@value(frozen=True, slots=True)
class Changed:
    """The address and ports that one side has got; None: as they were. ``unknown``: which, is not known."""

    side: Side
    addresses: Numbers | None
    ports: Numbers | None
    unknown: str = ""


@value(frozen=True, slots=True)
class End:
    """What a rule says of one side of the packet; None: anything."""

    side: Side
    meant: Meant | None
    ports: Numbers | None

    @property
    def says_anything(self) -> bool:
        return self.meant is not None or self.ports is not None

    def conditions(self, changed: Changed | None, *, original: bool) -> tuple[Condition, ...] | None:
        """None: it cannot hold. ``original``: the side as it was before any translation is asked."""
        if changed is not None and changed.side is self.side:
            return self._when_changed(changed, original=original)
        return (*self._addresses(original=original), *self._ports(original=original))

    def _when_changed(self, changed: Changed, *, original: bool) -> tuple[Condition, ...] | None:
        found: tuple[Condition, ...] = ()
        for asked, is_now, kept in (
            (None if self.meant is None else self.meant.numbers, changed.addresses, self._addresses),
            (self.ports, changed.ports, self._ports),
        ):
            if asked is None:
                continue
            if changed.unknown:
                found += (Unknown(changed.unknown),)
            elif is_now is None:
                found += kept(original=original)
            elif not is_now & asked and (self.meant is None or not self.meant.unknown):
                return None
            elif not is_now <= asked:
                found += (Unknown("one of several addresses or ports is taken"),)
        return found

    def _addresses(self, *, original: bool) -> tuple[Condition, ...]:
        meant = self.meant
        if meant is None:
            return ()
        plain: Condition = Addresses(self.side, meant.numbers)
        if original:
            plain = Original(self.side, meant.numbers)
        if meant.astray:
            return (ReversePath(expected=False),)
        if meant.unknown:
            return (AnyOf(((plain,), (Unknown(meant.unknown),))),)
        return (AnyOf(((plain,),)),) if meant.follows and not original else (plain,)

    def _ports(self, *, original: bool) -> tuple[Condition, ...]:
        if self.ports is None:
            return ()
        return (Original(self.side, None, self.ports) if original else Ports(self.side, self.ports),)


@value(frozen=True, slots=True)
class Sifted:
    """A rule in one family: what does not change on the packet's way, and both of its ends."""

    family: int
    common: tuple[Condition, ...]
    source: End
    destination: End


def sifted(when: Filter, direction: str, around: Surroundings) -> Iterator[Sifted]:
    """The rule in each family that it has, and for each interface that it names with a ``!``."""
    if when.never:
        return
    for family in (4, 6):
        if when.family not in (None, family):
            continue
        ends = []
        for side, hosts, ports in (
            (Side.SOURCE, when.sources, when.source_ports),
            (Side.DESTINATION, when.destinations, when.destination_ports),
        ):
            meant = around.meant(hosts, family) if hosts else None
            if not hosts or meant is not None:
                ends.append(End(side, meant, ports))
        if len(ends) < 2:
            continue
        for faces in _interfaces(when.on, Side.SOURCE if direction == "in" else Side.DESTINATION, around):
            for protocols in _protocols(when, family):
                received = (one for one in _interfaces(when.received_on, Side.SOURCE, around))
                for came in received:
                    unknown = tuple(map(Unknown, when.unknown))
                    yield Sifted(family, (*faces, *came, *protocols, *unknown), ends[0], ends[1])


def _interfaces(on: tuple[On, ...], side: Side, around: Surroundings) -> Iterator[tuple[Condition, ...]]:
    """Conditions of which any may hold: those that are meant together, each that is not by itself."""
    if not on:
        yield ()
    together: set[str] = set()
    unknown: list[str] = []
    for one in on:
        names, why = around.names(one.name)
        if one.negated:
            yield (Interfaces(side, names, negated=True), *_unknown(why))
        else:
            together |= names
            unknown += [why] if why else []
    if together:
        yield (Interfaces(side, frozenset(together)), *_unknown("; ".join(unknown)))


def _unknown(why: str) -> tuple[Condition, ...]:
    return (Unknown(why),) if why else ()


def _protocols(when: Filter, family: int) -> Iterator[tuple[Condition, ...]]:
    """Flags are looked at in TCP only, and so is the rest in another rule."""
    numbers = when.protocols
    if when.icmp:
        number = _ICMP[family]
        if number in when.icmp and (numbers is None or number in numbers):
            yield Protocols(Numbers.one(number)), IcmpTypes(when.icmp[number])
        return
    if when.flags is None:
        yield () if numbers is None else (Protocols(numbers),)
        return
    everything = PROTOCOLS if numbers is None else numbers
    others = everything - Numbers.one(TCP)
    if others:
        yield (Protocols(others),)
    if TCP in everything:
        value, mask = when.flags
        yield Protocols(Numbers.one(TCP)), TcpFlags(mask, value)
