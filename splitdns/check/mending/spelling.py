"""How the ports and addresses of a change are spelt: the words that dialects share."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import summarize_address_range

from splitdns.check.sets import Numbers, address_of


def ports_of(port: tuple[int, int], between: str = "-") -> str:
    """The first and the last with ``between`` between them, or the only one."""
    low, high = port
    return str(low) if low == high else f"{low}{between}{high}"


def prefixes_of(family: int, numbers: Numbers) -> list[str]:
    """As few prefixes as there can be; a single address is one too, ``192.0.2.1/32``."""
    return [
        str(prefix)
        for low, high in numbers.ranges
        for prefix in summarize_address_range(address_of(family, low), address_of(family, high))
    ]


def ranges_of(family: int, numbers: Numbers) -> Iterator[str]:
    """Each range of addresses as ``FIRST-LAST``; an address by itself."""
    for low, high in numbers.ranges:
        first, last = address_of(family, low), address_of(family, high)
        yield str(first) if low == high else f"{first}-{last}"


def clients_of(family: int, numbers: Numbers) -> Iterator[str]:
    """Each range of addresses as the prefix that it is, or else as ``ranges_of``."""
    for low, high in numbers.ranges:
        one = Numbers.of((low, high))
        prefixes = prefixes_of(family, one)
        yield from prefixes if len(prefixes) == 1 and low < high else ranges_of(family, one)
