"""Address hints of HTTPS and SVCB records (RFC 9460 7.3), which must say what the view's addresses say.

A hint is a copy of the target's A or AAAA records. Where the views differ, a copy made by hand soon names
the wrong side of the gateway, so ``auto`` makes it anew in each view, and a literal one is compared.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence

from splitdns.names import name_end
from splitdns.records import Type

Addresses = Callable[[bytes, int], Sequence[bytes] | None]
"""Target and address type to the view's own addresses; None: the target is not in this zone."""

HINTS = {4: (Type.A, 4), 6: (Type.AAAA, 16)}  # key: the type it copies, octets of an address
PLACEHOLDERS = {4: "0.0.0.0", 6: "::"}  # what stands for ``auto`` until the view is known


def parameters(rdata: bytes) -> Iterator[tuple[int, bytes]]:
    """Key and value of each SvcParam (RFC 9460 2.2)."""
    at = name_end(rdata, 2)
    while at + 4 <= len(rdata):
        key = int.from_bytes(rdata[at : at + 2], "big")
        octets = int.from_bytes(rdata[at + 2 : at + 4], "big")
        yield key, rdata[at + 4 : at + 4 + octets]
        at += 4 + octets


def resolved(rdata: bytes, owner: bytes, auto: Sequence[int], addresses: Addresses) -> bytes:
    """``rdata`` with the hints of the view; those in ``auto`` are made, the others compared.

    Raises:
        ValueError: a literal hint is not among the target's addresses, or ``auto`` cannot know them.
    """
    end = name_end(rdata, 2)
    target = rdata[2:end]
    host = owner if target == b"\0" else target
    parts = [rdata[:end]]
    for key, value in parameters(rdata):
        if key in HINTS:
            rdtype, width = HINTS[key]
            own = addresses(host, rdtype)
            if key in auto:
                if own is None:
                    raise ValueError(f"expected a target in this zone for ipv{key}hint=auto")
                value = b"".join(own)
                if not value:
                    continue
            elif own is not None:
                _compare(key, [value[at : at + width] for at in range(0, len(value), width)], own)
        parts.append(key.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value)
    return b"".join(parts)


def _compare(key: int, hints: Sequence[bytes], own: Sequence[bytes]) -> None:
    for hint in hints:
        if hint not in own:
            listed = ", ".join(str(ipaddress.ip_address(address)) for address in own) or "none"
            found = ipaddress.ip_address(hint)
            raise ValueError(f"expected ipv{key}hint among the target's addresses ({listed}), found {found}")
