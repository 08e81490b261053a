"""Lines of a master file that differ in nothing but a host's name and its address, read by the hundred.

A zone of a million names is a program's work: nearly all of its lines look alike. Taken together, a line
costs a few steps that run in C. Where anything about them is unusual, they are read one by one.
"""

from __future__ import annotations

import re
import socket
from itertools import repeat

from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, Qname
from splitdns.records import Type
from splitdns.value import value

FEWEST = 8  # lines; fewer are read one by one

_LINES = re.compile(
    r"(?:[a-z0-9_-]{1,63}[ \t]+(?:[0-9]{1,9}[ \t]+)?(?:IN[ \t]+)?(?:[0-9]{1,9}[ \t]+)?"
    r"A(?:AAA)?[ \t]+[0-9A-Fa-f:.]{2,45}[ \t]*\n){1,1024}"
)
_TYPES = {"A": (Type.A, socket.AF_INET), "AAAA": (Type.AAAA, socket.AF_INET6)}
_END = " ; "  # of a line: it is in none, so that it shows whether all have as many tokens
_LENGTHS = [bytes([length]) for length in range(MAX_LABEL_OCTETS + 1)]


@value(frozen=True, slots=True)
class Alike:
    """Names, all of them different, each with an address; ``ttl_s`` is None where they do not say one."""

    names: list[Qname]
    rdtype: Type
    rdatas: list[bytes]
    ttl_s: int | None


def read(text: str, at: int, origin: Qname) -> tuple[int, Alike | None]:
    """What the lines hold that begin at ``at``, and where they end; None: they are to be read one by one."""
    match = _LINES.match(text, at)
    if match is None:
        return at, None
    lines = match[0]
    return match.end(), _read(lines, lines.count("\n"), origin)


def _read(lines: str, count: int, origin: Qname) -> Alike | None:
    tokens = lines.replace("\n", _END).split()
    of_each, rest = divmod(len(tokens), count)
    if count < FEWEST or rest or 1 + MAX_LABEL_OCTETS + len(origin) > MAX_NAME_OCTETS:
        return None
    if tokens[of_each - 1 :: of_each] != [";"] * count:
        return None
    middle: list[str] = []
    for position in range(1, of_each - 2):
        (word, *others) = {*tokens[position::of_each]}
        if others:
            return None
        middle.append(word)
    rdtype, family = _TYPES[middle.pop()]
    ttls = [word for word in middle if word != "IN"]
    if len(ttls) > 1:
        return None
    try:
        rdatas = [*map(socket.inet_pton, repeat(family), tokens[of_each - 2 :: of_each])]
    except OSError:
        return None
    labels = " ".join(tokens[::of_each]).encode().split()
    names = [Qname(_LENGTHS[len(label)] + label + origin) for label in labels]
    if len({*names}) < count:
        return None
    return Alike(names, rdtype, rdatas, int(ttls[0]) if ttls else None)
