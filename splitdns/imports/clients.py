"""Whoever comes first, as whoever is told most exactly.

Access lists of other systems are read from the top, and the first element that has the client decides; here,
the longest prefix does. What such lists make of an address depends only on which of their prefixes it is in,
and those are known from the longest of them. So each prefix is judged by itself, and one that makes no
difference to the one around it is left out. The outcome is the same for every address.

>>> lists = {"vpn": ["10.8.0.0/24"], "lan": ["10.0.0.0/8", "10.8.0.5/32"]}
>>> def first(inside: Sequence[Prefix]) -> str | None:
...     return next((name for name, own in lists.items() if any(str(one) in own for one in inside)), None)
>>> division([ip_network(one) for own in lists.values() for one in own], first)
{None: ['any'], 'lan': ['10.0.0.0/8'], 'vpn': ['10.8.0.0/24']}
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from splitdns.view import Prefix

_ALL: tuple[Prefix, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
K = TypeVar("K", bound=Hashable)


def division(mentioned: Iterable[Prefix], of: Callable[[Sequence[Prefix]], K]) -> dict[K, list[str]]:
    """By outcome, the prefixes whose longest match leads to it; ``any`` where it is that of everybody else.

    ``of`` judges clients who are in exactly these of the prefixes that are mentioned, the longest first.
    """
    found: dict[K, list[str]] = {}
    outermost = []
    above: list[tuple[Prefix, K]] = []
    for prefix in sorted({*mentioned, *_ALL}, key=_order):
        while above and not _is_within(prefix, above[-1][0]):
            above.pop()
        outcome = of([prefix, *(one for one, _ in reversed(above))])
        if not above:
            outermost.append(outcome)
        if not above or above[-1][1] != outcome:
            found.setdefault(outcome, []).append(str(prefix))
        above.append((prefix, outcome))
    if outermost[0] == outermost[1]:
        own = found[outermost[0]]
        found[outermost[0]] = [one for one in own if ip_network(one) not in _ALL] + ["any"]
    return found


def _order(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen


def _is_within(inner: Prefix, outer: Prefix) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
