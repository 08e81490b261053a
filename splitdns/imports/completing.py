"""What other systems mean by a name, said in full for a zone.

Many let a name stand for all beneath it, however deep and whatever else is declared there. In a zone, a name
that exists keeps wildcards away from what is beneath it (RFC 4592 2.2.2), so each gets a wildcard of its own.
And a PTR record that only repeats an address record is a word beside that one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address

from splitdns.imports.entries import ASKED, Entry
from splitdns.names import reverse_name, to_text

Key = tuple[str, tuple[str, ...]]  # a name in lower case, and its horizons


def completed(entries: list[Entry], borders: Collection[str] = ()) -> list[Entry]:
    """The entries, and what the names that stand for all beneath them say of declared names there.

    Beneath the names in ``borders``, and at them, something else holds.
    """
    over: dict[Key, list[Entry]] = {}
    declared: dict[Key, set[str]] = {}
    for one in entries:
        if one.is_pattern:
            continue
        key = one.name.lower().removeprefix("*."), one.horizons
        if one.beneath:
            over.setdefault(key, []).append(one)
        if not one.name.startswith("*."):
            declared.setdefault(key, set()).add(one.rdtype)
    more = [entry for key in _existing(declared, over) for entry in _said(key, declared, over, borders)]
    return entries + more


def _existing(declared: Iterable[Key], over: dict[Key, list[Entry]]) -> Iterator[Key]:
    """Names that are declared or have a declared name beneath them, once each, where that can matter."""
    if not over:
        return
    seen: set[Key] = set()
    for name, horizons in declared:
        for above in _ancestors(name):
            if (above, horizons) not in seen and (above, horizons) not in over:
                seen.add((above, horizons))
                yield above, horizons


def _said(
    key: Key, declared: dict[Key, set[str]], over: dict[Key, list[Entry]], borders: Collection[str]
) -> Iterator[Entry]:
    name, horizons = key
    decisive = (one for one in _ancestors(name) if one in borders or (one, horizons) in over)
    nearest = over.get((next(decisive, ""), horizons), [])
    own = declared.get(key, set())
    for entry in nearest:
        yield replace(entry, name=f"*.{name}", beneath=False, has_ptr=False)
        is_alone = own & {"CNAME", "NS", ASKED} or (own and entry.rdtype == "CNAME")
        if entry.rdtype not in own and not is_alone:
            yield replace(entry, name=name, beneath=False, has_ptr=False)


def _ancestors(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]


def pointed(entries: list[Entry]) -> list[Entry]:
    """The entries, where an address record takes the place of the one PTR record of its address."""
    holders: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    pointers: dict[Key, list[int]] = {}
    for at, one in enumerate(entries):
        if one.is_pattern or one.name.startswith("*."):
            continue
        if one.rdtype in ("A", "AAAA"):
            back = to_text(reverse_name(str(ip_address(one.value)))).rstrip(".")
            holders.setdefault((back, one.name.lower(), one.horizons), []).append(at)
        elif one.rdtype == "PTR":
            pointers.setdefault((one.name.lower(), one.horizons), []).append(at)
    found: list[Entry | None] = [*entries]
    for (name, horizons), those in pointers.items():
        targets = {entries[at].value.lower().rstrip(".") for at in those}
        holding = [at for target in targets for at in holders.get((name, target, horizons), ())]
        if len(targets) == 1 and holding:
            found[holding[0]] = replace(entries[holding[0]], has_ptr=True)
            for at in those:
                found[at] = None
    return [one for one in found if one is not None]
