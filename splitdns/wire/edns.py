"""EDNS (RFC 6891) and the options that are understood here: NSID (5001), EDE (8914), padding-free."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edns:
    """A query's OPT record; ``options`` are (code, data) in the order in which they were sent."""

    version: int = 0
    payload_octets: int = 512
    do: bool = False
    options: tuple[tuple[int, bytes], ...] = ()
