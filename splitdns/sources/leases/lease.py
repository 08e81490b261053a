"""A lease, whichever DHCP server gave it, and what is common to the files that they are kept in.

>>> mac_of_duid("00:01:00:01:2c:aa:bb:cc:52:54:00:12:34:56")
'52:54:00:12:34:56'
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from splitdns.errors import Where
from splitdns.load.declared import file_id
from splitdns.sources.source import SourceError
from splitdns.value import value

MAX_OCTETS = 32 * 1024 * 1024  # of one file: some 200,000 leases; beyond: the source fails
MAX_TRIES = 5  # of a file that is being written to
MAC_OCTETS = 6
_DUID_LLT, _DUID_LL = bytes([0, 1, 0, 1]), bytes([0, 3, 0, 1])  # RFC 8415 11.2, 11.4, of Ethernet

Address = IPv4Address | IPv6Address


@value(frozen=True, slots=True)
class Lease:
    """An address that ``client`` (its MAC address, or its DUID where nobody knows that) has until ``ends_s``.

    ``hostname`` is what it calls itself, "" for nothing. ``ends_s`` is Unix time; None: it does not end.
    """

    address: Address
    hostname: str
    client: str
    ends_s: float | None
    where: Where

    @property
    def is_mac(self) -> bool:
        return self.client.count(":") == MAC_OCTETS - 1


def read_file(path: Path) -> str:
    """What is in ``path``, all of it from one moment as far as one can tell; what is no ASCII as ``?``.

    Raises:
        OSError: it cannot be read.
        SourceError: it is too large, or written to all the time.
    """
    for _ in range(MAX_TRIES):
        before = file_id(path)
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
        if len(octets) > MAX_OCTETS:
            raise SourceError(f"expected at most {MAX_OCTETS:,} octets in {path}")
        if file_id(path) == before:
            return octets.decode("ascii", "replace").replace("\ufffd", "?")
    raise SourceError(f"{path} does not stand still")


def address_in(text: str) -> Address | None:
    """A host's address; None where ``text`` is something else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.is_multicast or address.is_unspecified or address.is_loopback or "%" in text:
        return None
    return address


def hex_octets(text: str) -> bytes:
    """Octets as ``aa:bb`` or ``aabb``; none where ``text`` is something else."""
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return b""


def spelled(octets: bytes) -> str:
    return octets.hex(":")


def mac_of_duid(duid: str) -> str | None:
    """The MAC address in a DUID that is made of one (RFC 8415 11); None of others."""
    octets = hex_octets(duid)
    if octets.startswith(_DUID_LLT) and len(octets) == 8 + MAC_OCTETS:
        return spelled(octets[8:])
    if octets.startswith(_DUID_LL) and len(octets) == 4 + MAC_OCTETS:
        return spelled(octets[4:])
    return None
