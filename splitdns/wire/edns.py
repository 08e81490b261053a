"""EDNS (RFC 6891): what a query's OPT record says, and the options of the one that goes back.

Understood here are NSID (RFC 5001) and extended errors (RFC 8914). Every other option is passed over, as
RFC 6891 6.1.2 wants it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from splitdns.errors import WireError
from splitdns.records import Type
from splitdns.value import value

NSID = 3
COOKIE = 10
EDE = 15

OPT_OCTETS = 11  # root, type, class, TTL, length: a record without options
MIN_PAYLOAD_OCTETS = 512  # RFC 6891 6.2.3: a smaller offer is read as this one

_OPT = struct.Struct("!BHHBBHH")  # root, type, payload, upper bits of the rcode, version, flags, length
_OPTION = struct.Struct("!HH")

Option = tuple[int, bytes]


@value(frozen=True, slots=True)
class Edns:
    """A query's OPT record; ``options`` are (code, data) in the order in which they were sent."""

    version: int = 0
    payload_octets: int = 512
    do: bool = False
    options: tuple[Option, ...] = ()

    @property
    def cookie(self) -> bytes | None:
        """The data of the COOKIE option; of several the first (RFC 7873 5.2)."""
        return next((octets for code, octets in self.options if code == COOKIE), None)

    def asks_for(self, code: int) -> bool:
        return any(option == code for option, _ in self.options)


def parse_options(rdata: bytes) -> tuple[Option, ...]:
    """The options of an OPT record (RFC 6891 6.1.2).

    Raises:
        WireError: the last option is not whole.
    """
    options: list[Option] = []
    at = 0
    while at < len(rdata):
        code = int.from_bytes(rdata[at : at + 2], "big")
        end = at + 4 + int.from_bytes(rdata[at + 2 : at + 4], "big")
        if end > len(rdata):
            raise WireError(f"EDNS option {code} is cut short")
        options.append((code, rdata[at + 4 : end]))
        at = end
    return tuple(options)


def opt_record(options: Iterable[Option], rcode: int, payload_octets: int, do: bool) -> bytes:
    """An OPT record of version 0 with the upper eight bits of ``rcode`` (RFC 6891 6.1.2, 6.1.3)."""
    rdata = b"".join(_OPTION.pack(code, len(octets)) + octets for code, octets in options)
    return _OPT.pack(0, Type.OPT, payload_octets, rcode >> 4, 0, do << 15, len(rdata)) + rdata


def reply_options(
    asked: Edns,
    edes: Iterable[tuple[int, str]],
    server_id: str | None,
    *,
    cookie: bytes | None = None,
    texts: bool = True,
) -> tuple[Option, ...]:
    """What the answer's OPT record carries; without ``texts``, extended errors are bare codes."""
    options: list[Option] = [] if cookie is None else [(COOKIE, cookie)]
    if server_id is not None and asked.asks_for(NSID):
        options.append((NSID, server_id.encode()))
    for code, text in edes:
        options.append((EDE, code.to_bytes(2, "big") + (text.encode() if texts else b"")))
    return tuple(options)
