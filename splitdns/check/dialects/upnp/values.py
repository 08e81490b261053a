"""What a device asked for, however it was learnt."""

from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.model import TCP, UDP, UDPLITE, Origin
from splitdns.check.sets import Address
from splitdns.errors import ConfigError, Where
from splitdns.value import value

MADE_BY = "UPnP"
PROTOCOLS = {"tcp": TCP, "udp": UDP, "udplite": UDPLITE}


@value(frozen=True, slots=True)
class Lease:
    """``port`` of the gateway leads to ``to``; over IPv6 there is nothing to lead, and ``to`` is let in.

    ``remote``: only this client, and only from ``remote_port`` (None: any).
    """

    protocol: int
    port: int
    to: Address
    to_port: int
    remote: Address | None
    remote_port: int | None
    origin: Origin


def protocol_of(word: str, where: Where) -> int:
    """Of ``TCP``, ``UDP`` or ``UDPLITE``.

    Raises:
        ConfigError: it is none of them.
    """
    if word.lower() not in PROTOCOLS:
        raise ConfigError(where, f"expected TCP or UDP, found {word!r:.40}")
    return PROTOCOLS[word.lower()]


def port_of(word: str, where: Where, what: str = "a port") -> int:
    """A port, 1 to 65535.

    Raises:
        ConfigError: it is none.
    """
    if word.isascii() and word.isdecimal() and len(word) <= 5 and 0 < int(word) < 65_536:
        return int(word)
    raise ConfigError(where, f"expected {what}, found {word!r:.40}")


def address_of(word: str, where: Where, version: int | None = None) -> Address:
    """An address, of IPv4 or IPv6 where ``version`` says so.

    Raises:
        ConfigError: it is none.
    """
    try:
        found = ip_address(word)
    except ValueError:
        found = None
    if found is None or (version is not None and found.version != version):
        kind = "an address" if version is None else f"an address of IPv{version}"
        raise ConfigError(where, f"expected {kind}, found {word!r:.40}")
    return found


def any_remote(word: str, where: Where) -> Address | None:
    """The only client that may come; nothing, ``*`` and the unspecified address are everybody.

    Raises:
        ConfigError: it is no address.
    """
    if word in ("", "*"):
        return None
    found = address_of(word, where)
    return None if found.is_unspecified else found


def worded(lease: str, description: str) -> str:
    """For a report: what was asked for, and by whom, if it says."""
    return f"{lease} {description!r}" if description else lease
