"""What ``meta mark set`` and ``ct mark set`` do.

A mark gets a number, or the other mark, or its own or the other with bits cleared, set and flipped: all of
that is ``(mark & a) ^ b``. A map gives a number for each of its keys; a number by chance any of a few.
"""

from __future__ import annotations

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_match import Within, mapped, possible_values, presupposed
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    Chance,
    Terms,
)
from splitdns.check.rules import Action, Mark, Of, Opaque, SetMark, Unknown

_ALL = 0xFFFF_FFFF
_NUMBER = values.named({}, 32)
_MAX_CHANCES = 16  # numbers that may come by chance; beyond, the mark is not known

_Acts = list[tuple[Terms, Action]]


def marks(of: Of, value: Json, within: Within) -> _Acts:
    """The actions that give the mark ``of`` this ``value``.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    match value:
        case {"map": {"key": key, "data": data}}:
            found = mapped(key, data, within)
            if isinstance(found, Chance):
                return _by_chance(of, possible_values(found, data, within), found.name)
            if isinstance(found, Terms):
                return [(found, _unclear(of))]
            acts = [(terms, _set(of, one)) for several, one in found for terms in several]
            return acts if not _asks_itself(of, acts) else [(presupposed(key), _unclear(of))]
        case {"numgen": {"mod": int(count), **details}}:
            offset = details.get("offset", 0)
            if 0 < count <= _MAX_CHANCES and isinstance(offset, int):
                return _by_chance(of, list(range(offset, offset + count)), "numgen")
    number = _bits(of, value)
    if number is not None:
        keep, flip = number
        return [(ALWAYS, SetMark(of, flip & _ALL, ~keep & _ALL))]
    other = Of.CONNECTION if of is Of.PACKET else Of.PACKET
    copied = _bits(other, value)
    if copied is None:
        return [(ALWAYS, _unclear(of))]
    keep, flip = copied  # of the other mark: clear all that is not kept, take the rest, flip
    steps: _Acts = []
    if keep != _ALL:
        steps.append((ALWAYS, SetMark(of, 0, _ALL)))
    steps.append((ALWAYS, SetMark(of, 0, keep, copy_from=other)))
    if flip:
        steps.append((ALWAYS, SetMark(of, flip, 0)))
    return steps


def _asks_itself(of: Of, acts: _Acts) -> bool:
    """Whether what one element sets would let the next one match too."""
    asked = (one for terms, _ in acts for one in terms.conditions)
    return len(acts) > 1 and any(isinstance(one, Mark) and one.of is of for one in asked)


def _set(of: Of, value: Json) -> Action:
    number = _NUMBER(value)
    return _unclear(of) if number is None else SetMark(of, number)


def _by_chance(of: Of, some: list[Json] | list[int], name: str) -> _Acts:
    first, *others = some or [None]
    reason = Unknown(f"{name} is decided by chance")
    return [(ALWAYS, _set(of, first)), *((ALWAYS.also(reason), _set(of, one)) for one in others)]


def _unclear(of: Of) -> Action:
    return Opaque(f"the mark of the {of.value} is set to what is not known here")


def _bits(of: Of, value: Json) -> tuple[int, int] | None:
    """``value`` as (keep, flip), if it is ``(mark & keep) ^ flip`` of the mark ``of``, or a number."""
    number = _NUMBER(value)
    if number is not None:
        return 0, number
    match value, of:
        case ({"meta": {"key": "mark"}}, Of.PACKET) | ({"ct": {"key": "mark"}}, Of.CONNECTION):
            return _ALL, 0
        case {"&": [inner, operand]} | {"|": [inner, operand]} | {"^": [inner, operand]}, _:
            under, by = _bits(of, inner), _NUMBER(operand)
            if under is None or by is None:
                return None
            keep, flip = under
            if isinstance(value, dict) and "&" in value:
                return keep & by, flip & by
            if isinstance(value, dict) and "|" in value:
                return keep & ~by, flip & ~by | by
            return keep, flip ^ by
    return None
