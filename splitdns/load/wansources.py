"""Where the network's public addresses come from, as a person writes it: the address itself, or who knows it.

Only what is written is read here. To ask a source is somebody else's business (``daemon/wan``), for whoever
looks at a configuration must not send anything by that.

>>> str(source4({"interface": "wan0"})), str(source4("203.0.113.7"))
('interface wan0', 'static 203.0.113.7')
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit

from splitdns.load import configvalues
from splitdns.load.configvalues import shown
from splitdns.value import value

MAX_URLS = 8
MAX_WORDS = 64  # of a command
PCP_PORT = 5351  # RFC 6887 19.1
GATEWAY = "gateway"

Address = IPv4Address | IPv6Address


@value(frozen=True, slots=True)
class Value:
    """An address as its source gave it; or none, and the ``reason`` for a person.

    ``is_refused``: there is one, and nobody on the internet can reach it.
    """

    address: Address | None
    reason: str = ""
    is_refused: bool = False


@value(frozen=True, slots=True)
class Static:
    """It stands in the configuration."""

    address: Address

    def __str__(self) -> str:
        return f"static {self.address}"


@value(frozen=True, slots=True)
class OfInterface:
    """An interface of this machine has it."""

    name: str

    def __str__(self) -> str:
        return f"interface {self.name}"


@value(frozen=True, slots=True)
class OfFile:
    """Somebody writes it to a file, whose path is relative to the configuration."""

    path: str

    def __str__(self) -> str:
        return f"file {self.path}"


@value(frozen=True, slots=True)
class OfCommand:
    """A program prints it; no shell reads its words."""

    words: tuple[str, ...]
    every_s: int = 60

    def __str__(self) -> str:
        return f"command {self.words[0]}"


@value(frozen=True, slots=True)
class OfHttp:
    """Web services say from where they were asked; ``quorum`` of them must say the same."""

    urls: tuple[str, ...]
    quorum: int = 1
    every_s: int = 300
    ca: str | None = None

    def __str__(self) -> str:
        return f"http {', '.join(urlsplit(url).netloc for url in self.urls)}"


@value(frozen=True, slots=True)
class OfUpnp:
    """The gateway says it over UPnP-IGD; ``location``: of its description (None: found by SSDP)."""

    location: str | None = None
    every_s: int = 60

    def __str__(self) -> str:
        return f"upnp {self.location or GATEWAY}"


@value(frozen=True, slots=True)
class OfPcp:
    """The gateway says it over PCP or NAT-PMP; ``server`` None: the default router."""

    server: str | None = None
    port: int = PCP_PORT
    every_s: int = 60

    def __str__(self) -> str:
        return f"pcp {self.server or GATEWAY}"


Source = Static | OfInterface | OfFile | OfCommand | OfHttp | OfUpnp | OfPcp

_EVERY = {"type": ["string", "integer"], "pattern": "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2}
_WORD = {"type": "string", "minLength": 1}
_URL = {"type": "string", "pattern": "^https?://"}
_URLS = {"anyOf": [_URL, {"type": "array", "minItems": 1, "maxItems": MAX_URLS, "items": _URL}]}
_WORDS = {"type": "array", "minItems": 1, "maxItems": MAX_WORDS, "items": {"type": "string"}}


def _schema(address: dict[str, Any], **kinds: Any) -> dict[str, Any]:
    """Of one family's source: an address, or an object with one of ``kinds``."""
    objects = [
        {"type": "object", "required": [kind], "additionalProperties": False, "properties": properties}
        for kind, properties in kinds.items()
    ]
    return {"anyOf": [address, *objects]}


_OF_BOTH: dict[str, Any] = {
    "interface": {"interface": {**_WORD, "examples": ["wan0"]}},
    "file": {"file": {**_WORD, "examples": ["/run/wan.address"]}},
    "command": {"command": _WORDS, "every": _EVERY},
    "http": {"http": _URLS, "quorum": {"type": "integer", "minimum": 1}, "every": _EVERY, "ca": _WORD},
}
_OF_FOUR: dict[str, Any] = {
    "upnp": {"upnp": {"anyOf": [{"const": True}, _URL]}, "every": _EVERY},
    "pcp": {"pcp": {**_WORD, "examples": [GATEWAY, "192.168.1.1"]}, "every": _EVERY},
}
_ADDRESS4 = {"type": "string", "pattern": "^[0-9.]+$", "examples": ["203.0.113.7"]}
_ADDRESS6 = {"type": "string", "pattern": "^[0-9A-Fa-f:.]+$", "examples": ["2001:db8::7"]}
SCHEMA4 = _schema(_ADDRESS4, static={"static": _ADDRESS4}, **_OF_BOTH, **_OF_FOUR)
SCHEMA6 = _schema(_ADDRESS6, static={"static": _ADDRESS6}, **_OF_BOTH)

KINDS = (*_OF_BOTH, *_OF_FOUR)


def source4(value: object) -> Source:
    """Where the IPv4 address comes from.

    Raises:
        ValueError: what was expected, and what was found.
    """
    return _source(value, 4)


def source6(value: object) -> Source:
    """Where the IPv6 address comes from; a NAT's protocols do not know it."""
    return _source(value, 6)


def _source(value: object, family: int) -> Source:
    literal = configvalues.wan4 if family == 4 else configvalues.wan6
    if not isinstance(value, dict):
        return Static(literal(value))
    known = ("static", *_OF_BOTH, *(_OF_FOUR if family == 4 else ()))
    kinds = [key for key in value if key in known]
    if len(kinds) != 1:
        foreign = next((key for key in value if key in KINDS and key not in known), None)
        if foreign is not None:
            raise ValueError(f"expected a source of IPv6 addresses, found {foreign!r}, which knows IPv4 only")
        raise ValueError(f"expected one of {', '.join(known)}, found {shown(value)}")
    (kind,) = kinds
    more = {key: one for key, one in value.items() if key != kind}
    if kind == "static":
        made: Source = Static(literal(value[kind]))
    else:
        made = _READERS[kind](value[kind], more)
    if more:
        raise ValueError(f"{next(iter(more))!r} is not a setting of a source that is {kind!r}")
    return made


def _interface(value: object, _: dict[str, Any]) -> Source:
    name = _word(value, "the name of an interface")
    if len(name.encode()) > 15 or "/" in name or any(one.isspace() for one in name):  # IFNAMSIZ
        raise ValueError(f"expected the name of an interface, found {shown(value)}")
    return OfInterface(name)


def _file(value: object, _: dict[str, Any]) -> Source:
    return OfFile(configvalues.path(value))


def _command(value: object, more: dict[str, Any]) -> Source:
    words = value if isinstance(value, list) else []
    if not 0 < len(words) <= MAX_WORDS or not all(isinstance(one, str) and "\0" not in one for one in words):
        expected = "expected a command as a list of words, like [/usr/local/bin/wan-address, wan0]"
        raise ValueError(f"{expected}, found {shown(value)}")
    if not words[0].startswith("/"):
        raise ValueError(f"expected the whole path of a program, found {shown(words[0])}")
    return OfCommand(tuple(words), _every(more, 60))


def _http(value: object, more: dict[str, Any]) -> Source:
    urls = value if isinstance(value, list) else [value]
    if not 0 < len(urls) <= MAX_URLS:
        raise ValueError(f"expected 1 to {MAX_URLS} URLs, found {len(urls)}")
    found = tuple(_url(one) for one in urls)
    if len(set(found)) < len(found):
        raise ValueError(f"expected different URLs, found {shown(value)}")
    quorum = more.pop("quorum", len(found) // 2 + 1)
    if isinstance(quorum, bool) or not isinstance(quorum, int) or not 1 <= quorum <= len(found):
        raise ValueError(f"expected a quorum from 1 to {len(found)}, found {shown(quorum)}")
    ca = more.pop("ca", None)
    return OfHttp(found, quorum, _every(more, 300), None if ca is None else configvalues.path(ca))


def _upnp(value: object, more: dict[str, Any]) -> Source:
    if value is not True and not (isinstance(value, str) and value.startswith("http://")):
        raise ValueError(f"expected true, or the http:// URL of its description, found {shown(value)}")
    return OfUpnp(_url(value) if isinstance(value, str) else None, _every(more, 60))


def _pcp(value: object, more: dict[str, Any]) -> Source:
    text = _word(value, f"{GATEWAY!r}, or the address of a router")
    if text == GATEWAY:
        return OfPcp(None, PCP_PORT, _every(more, 60))
    host, _, port = text.partition(":")
    try:
        address = IPv4Address(host)
    except ValueError:
        raise ValueError(f"expected {GATEWAY!r}, or the address of a router, found {shown(value)}") from None
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65_535):
        raise ValueError(f"expected a port from 1 to 65535, found {shown(port)}")
    return OfPcp(str(address), int(port) if port else PCP_PORT, _every(more, 60))


_READERS: dict[str, Callable[[object, dict[str, Any]], Source]] = {
    "interface": _interface,
    "file": _file,
    "command": _command,
    "http": _http,
    "upnp": _upnp,
    "pcp": _pcp,
}


def _word(value: object, what: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"expected {what}, found {shown(value)}")
    return value


def _every(more: dict[str, Any], usual_s: int) -> int:
    return configvalues.duration_s(more.pop("every")) if "every" in more else usual_s


def _url(value: object) -> str:
    text = _word(value, "a URL")
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or "@" in parts.netloc or not text.isascii() or any(one.isspace() for one in text):
        raise ValueError(f"expected a URL like https://ip.example.net/, found {shown(value)}")
    return text


def refusal(address: Address) -> str:
    """Why nobody on the internet reaches ``address``; "" where they can."""
    read = configvalues.wan4 if address.version == 4 else configvalues.wan6
    try:
        read(str(address))
    except ValueError as error:
        return str(error).partition("found ")[2]
    return ""
