"""An upstream as a person writes it: an address, a URL, or a URL with the addresses of the host in it.

An upstream that is named by a name is asked at addresses that stand beside the name. To look the name up
would mean to ask somebody else, or itself, before anybody can be asked.

>>> [str(one) for one in upstream("tls://9.9.9.9#dns.quad9.net")]
['tls://9.9.9.9:853#dns.quad9.net']
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from splitdns.load.configvalues import shown
from splitdns.load.configvalues import upstream as address
from splitdns.view import Carrier, Upstream

DOH_PATH = "/dns-query"  # what RFC 8484's examples have, and everybody since

_PORTS = {Carrier.UDP: 53, Carrier.TCP: 53, Carrier.TLS: 853, Carrier.HTTPS: 443}
_NAME = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")
_PATH = re.compile(r"/[!-z|~]*")  # what is no space, and no part of a template
_PORT, _URL = r"(:[0-9]{1,5})?", r"(udp|tcp|tls|https)://\S+"  # in the schema, for editors
_KEYS = ("url", "addresses", "ca")

JSON_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {
            "type": "string",
            "pattern": rf"^([0-9.]+{_PORT}|\[[^\]]*:[^\]]*\]{_PORT}|[^\[\]/]*:[^\[\]/]*:[^\[\]/]*|{_URL})$",
            "examples": ["9.9.9.9", "[2001:db8::1]:53", "tls://9.9.9.9#dns.quad9.net"],
        },
        {
            "type": "object",
            "required": ["url"],
            "additionalProperties": False,
            "properties": {
                "url": {"type": "string", "examples": ["https://dns.quad9.net/dns-query"]},
                "addresses": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                "ca": {"type": "string"},
            },
        },
    ]
}


def upstream(value: object) -> tuple[Upstream, ...]:
    """The upstream at each of its addresses.

    Raises:
        ValueError: what was expected, and what was found.
    """
    if isinstance(value, dict):
        return _described(value)
    if isinstance(value, str) and "://" in value:
        return _located(value, (), None)
    return (address(value),)


def _described(value: dict[Any, Any]) -> tuple[Upstream, ...]:
    unknown = next((key for key in value if key not in _KEYS), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is not a setting of an upstream; known: {', '.join(_KEYS)}")
    url, addresses, ca = (value.get(key) for key in _KEYS)
    if not isinstance(url, str) or "://" not in url:
        raise ValueError(f"expected a URL, like tls://dns.quad9.net, found {shown(url)}")
    if addresses is not None and not (isinstance(addresses, list) and addresses):
        raise ValueError(f"expected a list of the addresses of {url}, found {shown(addresses)}")
    if ca is not None and not (isinstance(ca, str) and ca and "\0" not in ca):
        raise ValueError(f"expected the path of a file of certificates, found {shown(ca)}")
    hosts = tuple(address(one) for one in addresses or ())
    if any(host.port != 53 for host in hosts):
        raise ValueError(f"expected addresses without a port: it stands in the URL, found {shown(addresses)}")
    return _located(url, tuple(host.host for host in hosts), ca)


def _located(url: str, addresses: tuple[str, ...], ca: str | None) -> tuple[Upstream, ...]:
    parts, port = _split(url)
    carrier = Carrier(parts.scheme)
    host = parts.hostname or ""
    if ca is not None and carrier not in (Carrier.TLS, Carrier.HTTPS):
        raise ValueError(f"expected tls:// or https:// where there is a ca, found {url!r}")
    name = parts.fragment
    if name and (carrier is not Carrier.TLS or not _NAME.fullmatch(name)):
        raise ValueError(f"expected no '#', but in tls://ADDRESS#NAME, found {url!r}")
    try:
        literal = address(f"[{host}]" if ":" in host else host).host
    except ValueError:
        if not _NAME.fullmatch(host) or _is_like_an_address(host):
            raise ValueError(f"expected an address or a name in {url!r}, found {shown(host)}") from None
        literal = ""
    if literal and addresses:
        raise ValueError(f"expected addresses beside a name only, found {url!r}, which is an address itself")
    if not literal:
        if carrier in (Carrier.UDP, Carrier.TCP):
            raise ValueError(f"expected an address in {url!r}: without TLS, nothing proves a name")
        if name:
            raise ValueError(f"expected one name in {url!r}, found {host!r} and {name!r}")
        if not addresses:
            like = f"{{url: {shown(url)}, addresses: [192.0.2.53]}}"
            raise ValueError(f"expected the addresses of {host}, which nobody can be asked for yet: {like}")
        name = host.rstrip(".")
    made = Upstream("", port or _PORTS[carrier], carrier, name, _path(carrier, parts, url), ca)
    return tuple(replace(made, host=one) for one in addresses or (literal,))


def _split(url: str) -> tuple[SplitResult, int | None]:
    expected = f"expected a URL like {' '.join(f'{carrier}://…' for carrier in Carrier)}, found {shown(url)}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in list(Carrier) or port == 0 or parts.username is not None or url != url.strip():
        raise ValueError(expected)
    return parts, port


def _path(carrier: Carrier, parts: SplitResult, url: str) -> str:
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if carrier is Carrier.HTTPS:
        if path and not _PATH.fullmatch(path):
            raise ValueError(f"expected a path like {DOH_PATH}, without {{?dns}}, found {shown(url)}")
        return path if path not in ("", "/") else DOH_PATH
    if path not in ("", "/"):
        raise ValueError(f"expected a path in https:// only, found {shown(url)}")
    return ""


def _is_like_an_address(host: str) -> bool:
    """Whether it is a mistaken address rather than a name: all of its labels are numbers."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return all(label.isdigit() for label in host.rstrip(".").split("."))
    return True
