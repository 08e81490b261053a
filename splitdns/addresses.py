"""Which addresses are inside ones: of no use to a client on the internet, and none of its business.

The special-use ranges of networks behind NAT (RFC 1918, 4193, 6598, 3927, 4291), also where an IPv4 address
hides inside an IPv6 one.
"""

from __future__ import annotations

import functools
import ipaddress

INSIDE_PREFIXES = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",  # unspecified and loopback
        "fc00::/7",
        "fe80::/10",
    )
)
# IPv4 addresses inside IPv6 ones: the prefix, and where the four octets start.
EMBEDDED = (
    (bytes(10) + b"\xff\xff", 12),  # IPv4-mapped, RFC 4291 2.5.5.2
    (bytes(12), 12),  # IPv4-compatible, RFC 4291 2.5.5.1
    (bytes.fromhex("0064ff9b") + bytes(8), 12),  # NAT64, RFC 6052 2.1
    (bytes.fromhex("0064ff9b0001") + bytes(6), 12),  # NAT64 for local use, RFC 8215, at its /96
    (bytes.fromhex("2002"), 2),  # 6to4, RFC 3056
)


# By octets of an address: how far to shift it, and what is then left of one in the prefix.
_RANGES = {
    octets: tuple(
        (8 * octets - prefix.prefixlen, int(prefix.network_address) >> (8 * octets - prefix.prefixlen))
        for prefix in INSIDE_PREFIXES
        if prefix.version == version
    )
    for octets, version in ((4, 4), (16, 6))
}

# The first two octets of all that could be one, by octets of an address: few need a closer look, and of IPv4
# addresses none, for no prefix of theirs is longer.
_HEADS = {
    octets: frozenset(
        head.to_bytes(2, "big")
        for prefix in INSIDE_PREFIXES
        if prefix.max_prefixlen == 8 * octets
        for head in range(int(prefix[0]) >> 8 * octets - 16, 1 + (int(prefix[-1]) >> 8 * octets - 16))
    )
    for octets in (4, 16)
}
_HEADS[16] |= {prefix[:2] for prefix, _ in EMBEDDED}


def is_inside(address: bytes) -> bool:
    """Whether a packed IPv4 or IPv6 address is of a special-use range, in any of its disguises."""
    return address[:2] in _HEADS[len(address)] and (len(address) == 4 or _is_inside(address))


@functools.lru_cache(maxsize=4096)
def _is_inside(address: bytes) -> bool:
    bits = int.from_bytes(address, "big")
    for shift, start in _RANGES[len(address)]:
        if bits >> shift == start:
            return True
    return len(address) == 16 and any(
        address.startswith(prefix) and is_inside(address[at : at + 4]) for prefix, at in EMBEDDED
    )
