"""The same network in IPv6: every IPv4 address of a plan becomes the last 32 bits of an IPv6 one.

So whatever is drawn is drawn once. Private addresses become unique local ones, public ones those for
documentation (RFC 4193, RFC 3849); prefixes grow by 96 bits.
"""

from __future__ import annotations

import dataclasses
import re
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from tests.lab.plan import Plan

T = TypeVar("T")

_PRIVATE, _PUBLIC = int(IPv6Address("fd00::")), int(IPv6Address("2001:db8::"))
_ADDRESS = re.compile(r"(?<![\w.])(\d+\.\d+\.\d+\.\d+)(/\d+)?(:\d+)?(?![\w.])")


def in_six(plan: Plan) -> Plan:
    """``plan`` with other addresses; its rules must have been spelled for IPv6 but for these."""
    return dataclasses.replace(_mapped(plan), family=6)


def _mapped(value: T) -> T:
    if isinstance(value, str):
        return _ADDRESS.sub(_six, value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map(_mapped, value))  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: _mapped(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def _six(found: re.Match[str]) -> str:
    four = IPv4Address(found[1])
    six = str(IPv6Address((_PRIVATE if four.is_private and not _is_public(four) else _PUBLIC) + int(four)))
    if found[2]:
        return f"{six}/{int(found[2][1:]) + 96}"
    return f"[{six}]{found[3]}" if found[3] else six


def _is_public(four: IPv4Address) -> bool:
    """Documentation addresses, which stand for public ones, count as private too (RFC 5737)."""
    return str(four).startswith(("203.0.113.", "198.51.100."))
