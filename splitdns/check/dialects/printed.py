"""A text that a gateway printed, or that was read from one of its files."""

from __future__ import annotations

from splitdns.value import value


@value(frozen=True, slots=True)
class Printed:
    """``file`` stands in places: a file's name, or the command that printed it."""

    text: str
    file: str
