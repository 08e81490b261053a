"""DNS cookies that a server gives (RFC 7873), in the form that servers of every make understand (RFC 9018).

A client that shows a cookie which we made for its address has received an answer of ours there, so it is no
forgery. Nothing is kept for it: the cookie holds the time, and a hash that needs our secret. There is one
secret for each hour, all of them made from a master that the workers share: so a cookie from one is good with
the others, and a secret that somebody found out is worth two hours at most.

>>> cookies = Cookies(bytes(16))
>>> made = cookies.meet(bytes(8), "192.0.2.1", 1_700_000_000)
>>> made.good, cookies.meet(made.option, "192.0.2.1", 1_700_000_060).good
(False, True)
"""

from __future__ import annotations

import functools
import hashlib
from ipaddress import IPv6Address, ip_address

from splitdns.errors import WireError
from splitdns.value import value

MASTER_OCTETS = 16
MAX_AGE_S = 3600  # RFC 9018 4.3, as are the next two
MAX_AHEAD_S = 300
RENEW_S = 1800
SECRET_S = 3600  # that a secret is used for new cookies

_CLIENT_OCTETS = 8
_SERVER_OCTETS = 16
_MIN_SERVER_OCTETS, _MAX_SERVER_OCTETS = 8, 32  # RFC 7873 4: of whatever make
_VERSION = b"\x01\0\0\0"  # and three reserved octets (RFC 9018 4.1, 4.2)
_HASH_AT = 16  # in an option: the client's cookie, version, reserved, time


@value(frozen=True, slots=True)
class Met:
    """What a query's cookie was worth, and the option's data for the answer."""

    good: bool
    option: bytes


class Cookies:
    """Makes and checks cookies; times are Unix seconds."""

    def __init__(self, master: bytes) -> None:
        self._secret = functools.lru_cache(maxsize=4)(functools.partial(_secret, master))

    def meet(self, option: bytes, client: str, now_s: float) -> Met:
        """What the COOKIE option of the client at ``client``, a socket's host, is worth.

        Raises:
            WireError: it has a length that no cookie has; the answer is FORMERR (RFC 7873 5.2.2).
        """
        server = option[_CLIENT_OCTETS:]
        whole = _MIN_SERVER_OCTETS <= len(server) <= _MAX_SERVER_OCTETS
        if len(option) < _CLIENT_OCTETS or (server and not whole):
            raise WireError(f"a cookie of {len(option)} octets")
        age_s = self._age_s(option, client, now_s)
        if age_s is not None and age_s <= RENEW_S:
            return Met(True, option)
        at = option[:_CLIENT_OCTETS] + _VERSION + int(now_s).to_bytes(4, "big")
        return Met(age_s is not None, at + self._hash(at, client))

    def _age_s(self, option: bytes, client: str, now_s: float) -> float | None:
        """How old a cookie of ours is; None: it is none, or not good any more."""
        if len(option) != _CLIENT_OCTETS + _SERVER_OCTETS or option[8] != _VERSION[0]:
            return None
        age_s = now_s - _made_s(option)
        if not -MAX_AHEAD_S <= age_s <= MAX_AGE_S:
            return None
        return age_s if self._hash(option[:_HASH_AT], client) == option[_HASH_AT:] else None

    def _hash(self, head: bytes, client: str) -> bytes:
        return server_hash(head, client, self._secret(_made_s(head) // SECRET_S))


def _made_s(option: bytes) -> int:
    return int.from_bytes(option[12:_HASH_AT], "big")


def _secret(master: bytes, number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16, key=master).digest()


def server_hash(head: bytes, client: str, secret: bytes) -> bytes:
    """The hash of a server cookie: over the option's first 16 octets and the address (RFC 9018 4.4)."""
    address = ip_address(client.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return siphash24(secret, head + address.packed)


_64 = 0xFFFF_FFFF_FFFF_FFFF


def siphash24(key: bytes, octets: bytes) -> bytes:
    """SipHash-2-4 of ``octets`` under a ``key`` of 16 octets (Aumasson and Bernstein, 2012)."""
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padded = octets + bytes(7 - len(octets) % 8) + bytes((len(octets) & 0xFF,))
    blocks = [int.from_bytes(padded[at : at + 8], "little") for at in range(0, len(padded), 8)]
    for block in blocks:
        v0, v1, v2, v3 = _rounds(v0, v1, v2, v3 ^ block, 2)
        v0 ^= block
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ 0xFF, v3, 4)
    return (v0 ^ v1 ^ v2 ^ v3).to_bytes(8, "little")


def _rounds(v0: int, v1: int, v2: int, v3: int, times: int) -> tuple[int, int, int, int]:
    for _ in range(times):
        v0 = v0 + v1 & _64
        v1 = (v1 << 13 | v1 >> 51) & _64 ^ v0
        v0 = (v0 << 32 | v0 >> 32) & _64
        v2 = v2 + v3 & _64
        v3 = (v3 << 16 | v3 >> 48) & _64 ^ v2
        v0 = v0 + v3 & _64
        v3 = (v3 << 21 | v3 >> 43) & _64 ^ v0
        v2 = v2 + v1 & _64
        v1 = (v1 << 17 | v1 >> 47) & _64 ^ v2
        v2 = (v2 << 32 | v2 >> 32) & _64
    return v0, v1, v2, v3
