"""What a person writes in ``splitdns.yaml``, one value at a time: text to addresses, prefixes, durations.

Each function takes what YAML gave and returns the value, or raises ``ValueError`` in the words that a person
reads: what was expected, what was found.

>>> listen("[::1]:5353"), client("10.0.0.1"), duration_s("1h30m")
(Listen(host='::1', port=5353), IPv4Network('10.0.0.1/32'), 5400)
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal, TypeAlias

from splitdns.addresses import INSIDE_PREFIXES, is_inside
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname, from_text
from splitdns.value import value
from splitdns.view import ListAction, Prefix, Upstream

ANY: Literal["any"] = "any"
Client: TypeAlias = Prefix | Literal["any"]

NO_HORIZONS = ("value", "ttl", "public")  # in a zone, these stand beside the horizons of a value
MAX_WORKERS = 1024
_HOST = re.compile(r"([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?")  # what browsers look up
DNS64_LENGTHS = (32, 40, 48, 56, 64, 96)  # RFC 6052 2.2
_BLOCKINGS = ("nxdomain", "nodata", "refused", "drop", "allow")
MAX_DURATION_S = 86_400
MAX_IDENTITY_OCTETS = 255  # one character-string of a TXT record (RFC 1035 3.3.14)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_PORT = re.compile(r"(?:0|[1-9][0-9]{0,4})")
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_INSIDE_4 = [prefix for prefix in INSIDE_PREFIXES if isinstance(prefix, IPv4Network)]
_INSIDE_6 = [prefix for prefix in INSIDE_PREFIXES if isinstance(prefix, IPv6Network)]
_MAPPED = IPv6Network("::ffff:0:0/96")

_REASONS = (
    ("100.64.0.0/10", "it belongs to the provider (carrier-grade NAT, RFC 6598)"),
    ("10.0.0.0/8", "it is private (RFC 1918)"),
    ("172.16.0.0/12", "it is private (RFC 1918)"),
    ("192.168.0.0/16", "it is private (RFC 1918)"),
    ("127.0.0.0/8", "it is the loopback"),
    ("169.254.0.0/16", "it is link-local (RFC 3927)"),
    ("fc00::/7", "it is private (RFC 4193)"),
    ("fe80::/10", "it is link-local (RFC 4291)"),
    ("192.0.0.0/24", "it is for protocols, as the provider's NAT of DS-Lite (RFC 6890, RFC 6333)"),
    ("198.18.0.0/15", "it is for benchmarks (RFC 2544)"),
    ("240.0.0.0/4", "it is reserved (RFC 1112)"),
)
# What of the address space may be a host's on the internet (RFC 1112 4, RFC 4291 2.4).
_UNICAST = tuple(map(ipaddress.ip_network, ("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "2000::/3")))


@dataclass(frozen=True, slots=True, order=True)
class Listen:
    """An address and port to be asked on; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of the host."""
        return self.host in ("0.0.0.0", "::")


def shown(value: object) -> str:
    """What was found, as an error shows it: YAML's words, and not too much of it."""
    match value:
        case None:
            return "nothing"
        case True | False:
            return str(value).lower()
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "…")
    return str(value)


def listen(value: object) -> Listen:
    """``192.0.2.1:53`` or ``[2001:db8::1]:53``; without a port, 53."""
    expected = "expected an address and port, like 192.168.1.1:53 or [::]:53"
    address, port = _endpoint(value, expected, lowest_port=0)
    if isinstance(value, str) and address.version == 6 and not value.startswith("["):
        raise ValueError(f"{expected}, found {shown(value)}; an IPv6 address needs brackets")
    return Listen(str(address), port)


def upstream(value: object) -> Upstream:
    """``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1``, ``[2001:db8::1]:5353``; without a port, 53."""
    expected = "expected a resolver's address, like 9.9.9.9, 192.168.1.1:5353 or [2001:db8::1]:53"
    address, port = _endpoint(value, expected, lowest_port=1)
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"{expected}, found {shown(value)}, which is no host's address")
    return Upstream(str(address), port)


def _endpoint(value: object, expected: str, lowest_port: int) -> tuple[IPv4Address | IPv6Address, int]:
    wrong = f"{expected}, found {shown(value)}"
    if not isinstance(value, str):
        raise ValueError(wrong)  # noqa: TRY004 — pydantic collects ValueErrors only
    host, port = value, None
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        colon, port = rest[:1], rest[1:] or None
        if not bracket or colon not in ("", ":") or ":" not in host or (colon and port is None):
            raise ValueError(wrong)
    elif value.count(":") == 1:
        host, _, port = value.partition(":")
    if port is not None and not (_PORT.fullmatch(port) and lowest_port <= int(port) <= 65_535):
        expected = f"expected a port from {lowest_port} to 65535"
        raise ValueError(f"{expected}, found {shown(port)} in {shown(value)}")
    return _address(host, wrong), 53 if port is None else int(port)


def _address(host: str, wrong: str) -> IPv4Address | IPv6Address:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(wrong) from None


def client(value: object) -> Client:
    """A prefix, an address, or ``any``; an IPv4-mapped IPv6 prefix is folded to IPv4 (RFC 4291 2.5.5.2)."""
    expected = "expected a prefix like 192.168.0.0/16, or any"
    if value == ANY:
        return ANY
    if not isinstance(value, str):
        raise ValueError(f"{expected}, found {shown(value)}")  # noqa: TRY004
    host, slash, length = value.partition("/")
    if "%" in host or (slash and not (length.isascii() and length.isdigit())):  # no netmasks, no scopes
        raise ValueError(f"{expected}, found {shown(value)}")
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{expected}, found {shown(value)}") from None
    if slash and network.network_address != ipaddress.ip_address(host):
        raise ValueError(f"expected no host bits in a prefix, found {shown(value)}; is {network} meant?")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        low = int(network.network_address) & 0xFFFF_FFFF
        return IPv4Network((low, network.prefixlen - 96))
    return network


def network(value: object) -> Prefix:
    """A prefix or an address, as for clients, but not ``any``."""
    if (found := client(value)) == ANY:
        raise ValueError("expected a prefix like 192.168.0.0/16, found 'any'")
    assert not isinstance(found, str)
    return found


def is_open(found: Client) -> bool:
    """Whether recursion for these clients is recursion for strangers: everybody, or much of the internet."""
    if isinstance(found, IPv4Network):
        return found.prefixlen < 16 and not any(found.subnet_of(prefix) for prefix in _INSIDE_4)
    if isinstance(found, IPv6Network):
        return found.prefixlen < 32 and not any(found.subnet_of(prefix) for prefix in _INSIDE_6)
    return True


def domain(value: object) -> Qname:
    """A domain name, always absolute; ``.`` is everything."""
    if not isinstance(value, str):
        raise ValueError(f"expected a domain name, found {shown(value)}")  # noqa: TRY004
    return from_text(value, ROOT)


def whoami(value: object) -> Qname:
    """The name at which clients are told who they are: browsers must take it, with a label beneath it."""
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueError(f"expected a name such as who.example.com, found {shown(value)}")
    name = domain(value)
    if len(name) + 1 + MAX_LABEL_OCTETS > MAX_NAME_OCTETS:
        raise ValueError(f"expected a name with room for a label beneath it, found {shown(value)}")
    return name


def duration_s(value: object) -> int:
    """``90s``, ``5m``, ``1h30m``, or a number of seconds."""
    expected = "expected a duration like 10s, 5m or 1h30m"
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and value and (match := _DURATION.fullmatch(value)) and len(value) < 20:
        hours, minutes, rest = (int(part or 0) for part in match.groups())
        seconds = 3600 * hours + 60 * minutes + rest
    else:
        raise ValueError(f"{expected}, found {shown(value)}")
    if not 1 <= seconds <= MAX_DURATION_S:
        raise ValueError(f"{expected}, from 1s to 24h, found {shown(value)}")
    return seconds


def duration_or_none_s(value: object) -> int:
    """A duration, or 0 for none."""
    return 0 if value == 0 and not isinstance(value, bool) else duration_s(value)


def collector(value: object) -> str | tuple[str, int]:
    """Where dnstap goes: the path of a socket, which has a slash in it, or address and port."""
    expected = "a path like /run/dnstap.sock, or an address like 127.0.0.1:6000"
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"expected {expected}, found {shown(value)}")
    if "/" in value:
        return value
    try:
        at = listen(value)
    except ValueError:
        raise ValueError(f"expected {expected}, found {shown(value)}") from None
    if not at.port or not value.rstrip("0123456789").endswith(":"):
        raise ValueError(f"expected {expected}, found {shown(value)}")
    return at.host, at.port


def wan4(value: object) -> IPv4Address:
    """The network's own public IPv4 address."""
    found = _public(value, "203.0.113.7", 4)
    assert isinstance(found, IPv4Address)
    return found


def wan6(value: object) -> IPv6Address:
    """The network's own public IPv6 address."""
    found = _public(value, "2001:db8::7", 6)
    assert isinstance(found, IPv6Address)
    return found


def _public(value: object, example: str, version: int) -> IPv4Address | IPv6Address:
    expected = f"expected a public IPv{version} address, like {example}"
    if not isinstance(value, str) or "%" in value:
        raise ValueError(f"{expected}, found {shown(value)}")
    address = _address(value, f"{expected}, found {shown(value)}")
    if address.version != version:
        raise ValueError(f"{expected}, found {shown(value)}")
    prefixes = ((ipaddress.ip_network(prefix), reason) for prefix, reason in _REASONS)
    reason = next((why for prefix, why in prefixes if address in prefix), None)
    if reason or is_inside(address.packed) or not any(address in prefix for prefix in _UNICAST):
        reason = reason or "it is no host's address"
        raise ValueError(f"{expected}, found {value}: {reason}, and cannot be reached from the internet")
    return address


def view_name(value: object) -> str:
    """A view's name: a label in metrics and logs."""
    return _named(value, "a view")


def horizon(value: object) -> str:
    """A horizon's name, as zones and the names of zone files use it."""
    found = _named(value, "a horizon")
    if found in NO_HORIZONS:
        raise ValueError(f"expected a horizon, found {found!r}, which means something else in a zone")
    return found


def _named(value: object, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        expected = f"expected the name of {what}, of letters, digits, - and _"
        raise ValueError(f"{expected}, found {shown(value)}")
    return value


def path(value: object) -> str:
    """The path of a file or directory."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"expected a path, found {shown(value)}")
    return value


@value(frozen=True, slots=True)
class Blocking:
    """What becomes of the names of a list."""

    kind: ListAction
    addresses: tuple[bytes, ...] = ()


def blocking(value: object) -> Blocking:
    """``nxdomain``, ``nodata``, ``refused``, ``drop`` or ``allow``; or an address, or several."""
    expected = "expected nxdomain, nodata, refused, drop, allow, or addresses to answer"
    if isinstance(value, str) and value in _BLOCKINGS:
        return Blocking(ListAction(value))
    given = value if isinstance(value, list) else [value]
    if not given or not all(isinstance(one, str) and "%" not in one for one in given):
        raise ValueError(f"{expected}, found {shown(value)}")
    wrong = f"{expected}, found {shown(value)}"
    return Blocking(ListAction.ADDRESS, tuple(_address(str(one), wrong).packed for one in given))


def dns64_prefix(value: object) -> IPv6Network:
    """A prefix that IPv4 addresses can be put into (RFC 6052 2.2)."""
    expected = "expected a prefix like 64:ff9b::/96, of length 32, 40, 48, 56, 64 or 96"
    wrong = f"{expected}, found {shown(value)}"
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(wrong)
    try:
        network = IPv6Network(value)
    except ValueError:
        raise ValueError(wrong) from None
    if network.prefixlen not in DNS64_LENGTHS or network.network_address.packed[8]:
        raise ValueError(wrong)
    return network


def workers(value: object) -> int | None:
    """A number of processes; None (``auto``) is one per core."""
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WORKERS:
        raise ValueError(f"expected auto, or a number from 1 to {MAX_WORKERS}, found {shown(value)}")
    return value


def identity(value: object) -> str | bool:
    """What the server says of itself: false is nothing, true is what fits the item, text is itself."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or not 0 < len(value.encode()) <= MAX_IDENTITY_OCTETS:
        expected = f"expected true, false, or text of at most {MAX_IDENTITY_OCTETS} octets"
        raise ValueError(f"{expected}, found {shown(value)}")
    return value
