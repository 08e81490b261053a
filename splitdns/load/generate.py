"""``$GENERATE``: many similar records from one line, as BIND 9 writes them.

NSD and Knot do not know the directive; zones that come from BIND use it for address pools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_GENERATED = 65_536  # records of one $GENERATE; beyond: an error

_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")
_FIELD = re.compile(r"\\\$|\$\$|\$\{([+-]?[0-9]{1,10})(?:,([0-9]{1,2})(?:,([doxXnN]))?)?\}|\$(\{)?")


def generate(numbers: str, template: str) -> Iterator[str]:
    """``template`` once for each number of ``start-stop/step``; ``$`` stands for the number.

    ``${offset,width,base}`` adds, pads and converts; ``\\$`` is a dollar sign.

    Raises:
        ValueError: the range or a ``${…}`` is wrong, for a person.
    """
    match = _RANGE.fullmatch(numbers)
    if match is None:
        raise ValueError(f"expected a range such as 1-100 or 0-254/2, found {numbers!r}")
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if step == 0 or last < first:
        raise ValueError(f"expected a range that goes upwards, found {numbers!r}")
    if len(range(first, last + 1, step)) > MAX_GENERATED:
        raise ValueError(f"expected at most {MAX_GENERATED} records, found {numbers!r}")
    return (_made(template, number) for number in range(first, last + 1, step))


def _made(template: str, number: int) -> str:
    return _FIELD.sub(lambda field: _expand(field, number), template)


def _expand(field: re.Match[str], number: int) -> str:
    if field[0] in ("\\$", "$$"):
        return "\\$" if field[0] == "\\$" else "$"
    if field[4]:
        raise ValueError("expected ${offset,width,base} with base d, o, x, X, n or N after this $")
    number += int(field[1] or 0)
    if number < 0:
        raise ValueError(f"expected an offset that keeps the number positive, found {field[0]!r}")
    width, base = int(field[2] or 0), field[3] or "d"
    if base in "nN":  # nibbles from the lowest up, as ip6.arpa has them; the width counts the dots, too
        digits = f"{number:x}".rjust((width + 1) // 2, "0")
        nibbles = ".".join(reversed(digits))
        return nibbles.upper() if base == "N" else nibbles
    return f"{number:0{width}{base}}"
