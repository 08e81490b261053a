"""Addresses at names of their own, of which automatic PTR records are made.

A zone may have a million, and they have to be at hand whenever another zone changes: packed, they are one
piece of memory that processes share.

>>> [*Holdings.of([Held(bytes([192, 168, 1, 1]), b"\\1a\\0", 60)])]
[Held(address=b'\\xc0\\xa8\\x01\\x01', owner=b'\\x01a\\x00', ttl_s=60, preferred=False, supplied=False)]
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

_HEAD = struct.Struct("=BBBI")  # octets of the address, of the owner, flags, TTL
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


@dataclass(frozen=True, slots=True)
class Holdings:
    """Some of them, in order, one behind the other."""

    octets: bytes | memoryview = b""

    @classmethod
    def of(cls, held: Iterable[Held]) -> Holdings:
        """These."""
        packed = bytearray()
        for address, owner, ttl_s, preferred, supplied in held:
            flags = preferred * _PREFERRED | supplied * _SUPPLIED
            packed += _HEAD.pack(len(address), len(owner), flags, ttl_s) + address + owner
        return cls(bytes(packed))

    def __iter__(self) -> Iterator[Held]:
        octets, at = bytes(self.octets), 0  # of which slices cost less
        while at < len(octets):
            width, length, flags, ttl_s = _HEAD.unpack_from(octets, at)
            owner_at = at + _HEAD.size + width
            at_end = owner_at + length
            yield Held(
                octets[at + _HEAD.size : owner_at],
                octets[owner_at:at_end],
                ttl_s,
                bool(flags & _PREFERRED),
                bool(flags & _SUPPLIED),
            )
            at = at_end

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # Out of band, as a zone's block goes.
        return Holdings, (pickle.PickleBuffer(self.octets),)
