"""Regular expressions over complete names, for a zone whose names are relative (semantics 8).

A pattern for names of one zone ends with that zone's name: ``(^|www\\.)myserver\\.net$``. What stands before
is what it asks of the rest; of each alternative there, it is clear whether it means the zone's own name, a
label before it, or anything.

>>> relative(r"(^|www\\.)myserver\\.net$", "myserver.net")
Relative(pattern='www$', apex=True, note='')
"""

from __future__ import annotations

import re

from splitdns.names import from_text, is_under
from splitdns.value import value
from splitdns.zone import Node, Regexp, check_pattern

_PLAIN = re.compile(r"[A-Za-z0-9_-]")
_GROUP = re.compile(r"(\^?)\((?:\?:)?([^()]*)\)(\??)")
_NESTED = re.compile(r"\\.|\[[^]]*\]|\(.*\)")
_ANY = ("", ".*", ".+", "^.*", "^.+")
_MERELY = "names of other zones that merely end so are not carried over"


@value(frozen=True, slots=True)
class Relative:
    """``pattern`` is searched in relative names (empty: in none); ``apex``: it holds for the zone's own name.

    ``note``: what is not quite the same.
    """

    pattern: str
    apex: bool = False
    note: str = ""


def tail(pattern: str) -> tuple[str, str]:
    """What stands before the plain text at a pattern's end, and that text, dots without backslashes."""
    rest = pattern.removesuffix("$")
    found = ""
    while rest:
        if rest.endswith("[.]"):
            rest, found = rest[:-3], "." + found
        elif rest.endswith("\\."):
            rest, found = rest[:-2], "." + found
        elif rest[-1] == "." or _PLAIN.fullmatch(rest[-1]):
            if rest[:-1].endswith("\\"):  # \d and its like
                break
            rest, found = rest[:-1], rest[-1] + found
        else:
            break
    return rest, found


def relative(pattern: str, apex: str) -> Relative | None:
    """``pattern`` for the zone ``apex``; None where it is not about names of that zone alone."""
    try:
        check_pattern(pattern)
    except ValueError:
        return None
    before, text = tail(pattern)
    note = "" if pattern.endswith("$") else "taken as ending with the name"
    text = text.lower()
    if "|" in _NESTED.sub("", before):  # another alternative, which does not end so
        return None
    if text.endswith(f".{apex}") and text != f".{apex}":
        labels = text.removesuffix(f".{apex}")
        return Relative(f"{before}{re.escape(labels)}$", note=note)
    if text.lstrip(".") != apex:
        return None
    branches = [f"{one}\\." if text.startswith(".") else one for one in _branches(before)]
    made = [_of_branch(one) for one in branches]
    if not made or None in made:
        return None
    has_apex = any(one in ("^", *_ANY) for one in branches)
    if any(one in _ANY for one in branches):
        note = note or _MERELY
    return Relative("|".join(filter(None, made)), has_apex, note)


def _of_branch(branch: str) -> str | None:
    """What a branch asks of relative names; empty: of none; None: that is not to be said."""
    if branch == "^":
        return ""
    for dot in ("\\.", "[.]"):
        if branch.endswith(dot):
            labels = branch.removesuffix(dot)
            return "." if labels in _ANY else f"{labels}$"
    return "." if branch in _ANY else None


def _branches(before: str) -> list[str]:
    """The alternatives of ``^(a|b)?``, each with what stands before; else the one thing that it is.

    None at all, where it is more than that.
    """
    group = _GROUP.fullmatch(before)
    if group is None or "\\)" in before:
        return [before] if "(" not in before else []
    start, inner, is_optional = group.groups()
    return [f"{start}{one}" for one in inner.split("|")] + ([start] if is_optional else [])


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found in ``text``, by the engine that serves; a wrong one is found nowhere."""
    try:
        check_pattern(pattern)
    except ValueError:
        return False
    return Regexp(pattern, _NOBODY).matches(text)


_NOBODY = Node(from_text("."), b"")


def is_in(name: str, apex: str) -> bool:
    """Whether a complete name is the zone's."""
    return is_under(from_text(f"{name}."), from_text(f"{apex}."))
