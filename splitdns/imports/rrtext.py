"""Records as other systems write them in one line, as entries: all names in them are complete."""

from __future__ import annotations

import re

from splitdns.errors import Where
from splitdns.imports.entries import Entry
from splitdns.load.presentation import ttl_from_text
from splitdns.records import type_from_text

_NAMES_LAST = frozenset(("CNAME", "DNAME", "NS", "PTR", "MX", "SRV", "KX", "AFSDB", "RT"))
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')


def record(text: str, where: Where, usual_ttl_s: int | None = None) -> Entry:
    """``www.example.com [3600] [IN] A 192.0.2.1``, or the other way round in the middle.

    Raises:
        ValueError: it is none.
    """
    words = [match[0] for match in _WORD.finditer(text)]
    if len(words) < 3:
        raise ValueError(f"expected a name, a type and a value, found {text!r:.60}")
    name, *rest = words
    ttl_s = usual_ttl_s
    while rest and (rest[0].upper() == "IN" or rest[0][:1].isdigit()):
        if rest[0].upper() != "IN":
            ttl_s = ttl_from_text(rest[0])
        del rest[0]
    if not rest:
        raise ValueError(f"expected a type, found {text!r:.60}")
    rdtype = rest[0].upper()
    type_from_text(rdtype)
    return Entry(plain(name), rdtype, value(rdtype, rest[1:]), where, ttl_s)


def value(rdtype: str, words: list[str]) -> str:
    """The value of a record, with the names in it complete, and texts in quotes."""
    if rdtype == "TXT":
        return " ".join(one if one.startswith('"') else f'"{one}"' for one in words)
    if rdtype in _NAMES_LAST and words:
        return " ".join([*words[:-1], full(words[-1])])
    return " ".join(words)


def plain(name: str) -> str:
    """Without the final dot."""
    return name.removesuffix(".")


def full(name: str) -> str:
    return f"{name.removesuffix('.')}."
