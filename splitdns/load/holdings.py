"""Addresses at names of their own, of which automatic PTR records are made.

A zone may have a million, and they have to be at hand whenever another zone changes: packed, they are one
piece of memory that processes share. They are packed by runs of those that are alike, whose TTLs stand one
behind the other, then the addresses, and then the names: nearly all of a zone's are one run.

>>> [*Holdings.of([Held(bytes([192, 168, 1, 1]), b"\\1a\\0", 60)])]
[Held(address=b'\\xc0\\xa8\\x01\\x01', owner=b'\\x01a\\x00', ttl_s=60, preferred=False, supplied=False)]
"""

from __future__ import annotations

import pickle
import struct
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby, pairwise
from typing import Any, NamedTuple

from splitdns.value import value

_HEAD = struct.Struct("=IIBB")  # how many, octets of all owners, of an address, flags
_PREFERRED, _SUPPLIED = 1, 2


class Held(NamedTuple):
    """An address at a name of its own.

    ``preferred``: the name says ``ptr: true``. ``supplied``: a source has it.
    """

    address: bytes
    owner: bytes
    ttl_s: int
    preferred: bool = False
    supplied: bool = False


class Run(NamedTuple):
    """Several that follow each other, of one family; see ``Held``."""

    addresses: list[bytes]
    owners: list[bytes]
    ttls_s: list[int]
    preferred: bool = False
    supplied: bool = False


@value(frozen=True, slots=True)
class Holdings:
    """Some of them, in order."""

    octets: bytes | memoryview = b""

    @classmethod
    def of(cls, held: Iterable[Held]) -> Holdings:
        """These."""
        runs = []
        for _, alike in groupby(held, lambda one: (len(one.address), one.preferred, one.supplied)):
            addresses, owners, ttls_s, preferred, supplied = zip(*alike, strict=True)
            runs.append(Run([*addresses], [*owners], [*ttls_s], preferred[0], supplied[0]))
        return cls.of_runs(runs)

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> Holdings:
        """These, none of which is empty."""
        parts: list[bytes] = []
        for addresses, owners, ttls_s, preferred, supplied in runs:
            joined, flags = b"".join(owners), preferred * _PREFERRED | supplied * _SUPPLIED
            parts.append(_HEAD.pack(len(addresses), len(joined), len(addresses[0]), flags))
            parts += (array("I", ttls_s).tobytes(), *addresses, bytes(map(len, owners)), joined)
        return cls(b"".join(parts))

    def runs(self) -> Iterator[Run]:
        """All of them by runs, in order."""
        octets, at = bytes(self.octets), 0  # of which slices cost less
        while at < len(octets):
            count, owner_octets, width, flags = _HEAD.unpack_from(octets, at)
            ttls_at = at + _HEAD.size
            addresses_at = ttls_at + count * array("I").itemsize
            lengths_at = addresses_at + count * width
            owners_at = lengths_at + count
            ends = accumulate(octets[lengths_at:owners_at], initial=owners_at)
            yield Run(
                slices(octets[addresses_at:lengths_at], width),
                [octets[start:end] for start, end in pairwise(ends)],
                array("I", octets[ttls_at:addresses_at]).tolist(),
                bool(flags & _PREFERRED),
                bool(flags & _SUPPLIED),
            )
            at = owners_at + owner_octets

    def __iter__(self) -> Iterator[Held]:
        for addresses, owners, ttls_s, preferred, supplied in self.runs():
            for address, owner, ttl_s in zip(addresses, owners, ttls_s, strict=True):
                yield Held(address, owner, ttl_s, preferred, supplied)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # Out of band, as a zone's block goes.
        return Holdings, (pickle.PickleBuffer(self.octets),)


def slices(octets: bytes, width: int) -> list[bytes]:
    """``octets`` cut into pieces of so many."""
    return [piece for (piece,) in struct.iter_unpack(f"{width}s", octets)]
