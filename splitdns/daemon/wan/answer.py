"""What a source says: an address in a text, or why there is none.

Web services, files and programs write an address in many ways, alone on a line or among words. The first
word that is an address of the family counts; nothing is guessed from parts of words.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from splitdns.errors import SplitdnsError

Address = IPv4Address | IPv6Address

MAX_OCTETS = 4096  # of a text; beyond: it is not read, and an address there is not found

_BETWEEN = re.compile(r"[\s\"'<>,;=()\[\]{}]+")


class WanError(SplitdnsError):
    """A source gave no address; the text says why."""


def address_in(text: str, family: int) -> Address:
    """The first address of ``family`` in ``text``.

    Raises:
        WanError: there is none.
    """
    for word in _BETWEEN.split(text[:MAX_OCTETS]):
        if word and "%" not in word:
            try:
                address = ip_address(word)
            except ValueError:
                continue
            if address.version == family:
                return address
    raise WanError(f"expected an IPv{family} address, found {text.strip()[:40]!r}")
