"""Lines for a pf.conf, put where each says it belongs, as a person would with an editor."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = re.compile(r"(?P<words>\S.*?)  # splitdns: (?P<place>.+)")
FILTER = re.compile(r"(pass|block|match|anchor|antispoof)\b")
TRANSLATION = re.compile(r"((no )?(nat|rdr|binat)\b)|" + FILTER.pattern)
REMOVE = "sed -i.bak '/# splitdns: /d' /etc/pf.conf"
LOAD = "pfctl -f /etc/pf.conf"


def edited(text: str, lines: Sequence[str]) -> str:
    """``text`` with ``lines`` done to it."""
    had = text.splitlines()
    new: dict[int, list[str]] = {}
    for line in lines:
        found = LINE.fullmatch(line)
        if found is not None:
            new.setdefault(_place(had, found["place"]), []).append(line)
        elif line == REMOVE:
            assert not new
            had = [one for one in had if "# splitdns: " not in one]
        else:
            assert line == LOAD, line
    return "".join(
        f"{one}\n" for at in range(len(had) + 1) for one in [*new.get(at, ()), *had[at : at + 1]]
    )


def _place(had: Sequence[str], place: str) -> int:
    numbered = re.fullmatch(r"before line (\d+)", place)
    if numbered:
        return int(numbered[1]) - 1
    if place == "behind all other rules":
        return len(had)
    first = {"before all other rules": FILTER, "before all nat and rdr rules": TRANSLATION}[place]
    return next(at for at, line in enumerate(had) if first.match(line))
