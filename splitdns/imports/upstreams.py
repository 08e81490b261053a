"""Upstreams as other forwarders write them, as ours: an address, or a URL with one.

Who is named must be looked up, and whom would one ask? So a name without an address is told.
"""

from __future__ import annotations

from ipaddress import ip_address

_USUAL = {"": "53", "udp": "53", "tcp": "53", "dns": "53", "tls": "853", "https": "443"}


def upstream(text: str) -> str | None:
    """``9.9.9.9:53``, ``tls://9.9.9.9#name``, ``https://9.9.9.9/dns-query``; None: it cannot be asked.

    >>> upstream("tls://[2620:fe::fe]:853"), upstream("quic://9.9.9.9"), upstream("udp://9.9.9.9:54")
    ('tls://[2620:fe::fe]', None, '9.9.9.9:54')
    """
    carrier, sign, rest = text.partition("://")
    if not sign:
        carrier, rest = "", text
    if carrier not in _USUAL:
        return None
    rest, hash_sign, name = rest.partition("#")
    rest, slash, path = rest.partition("/")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if port and not (port.isdecimal() and 0 < int(port) < 65_536):
        return None
    port = "" if port == _USUAL[carrier] else port
    is_plain = carrier in ("", "udp", "dns")
    place = f"[{address}]" if address.version == 6 and (port or not is_plain) else str(address)
    place += f":{port}" if port else ""
    if is_plain:
        return place
    return f"{carrier}://{place}{slash}{path}{hash_sign}{name}"
