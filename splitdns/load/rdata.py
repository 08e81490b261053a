"""Plain rdata, read without a library: the record types that zones are full of, in their simple forms.

dnspython reads everything, at 30 µs and more a record. These readers know addresses, names and plain text
and return None for all else, which the caller then hands to dnspython. They never guess: what they accept
is what dnspython would have made of it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, wire_from_text
from splitdns.records import Type

Origin = bytes
PlainReader = Callable[[str, Origin], bytes | None]

# The characters that NSD and Knot both take in a name without a backslash.
NAME = re.compile(r"(?:[A-Za-z0-9*_/.-]|\\[0-9]{3}|\\[^0-9])+|@")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9*_/-][A-Za-z0-9*_/.-]*")
_PLAIN_TEXT = re.compile(
    r'"([\x20\x21\x23-\x5b\x5d-\x7e]{0,255})"|([\x21\x23-\x27\x2a-\x3a\x3c-\x5b\x5d-\x7e]{1,255})'
)
_LENGTHS = [bytes([length]) for length in range(MAX_LABEL_OCTETS + 1)]


def plain_name(text: str, origin: Origin) -> bytes | None:
    """The wire form of a name without escapes, relative to ``origin``; None where a closer look is needed."""
    if text == "@":
        return origin
    return joined(text, origin) if _PLAIN_NAME.fullmatch(text) else None


def joined(text: str, origin: Origin) -> bytes | None:
    """``plain_name`` of a text that is known to hold the characters of a plain name only."""
    try:
        if "." not in text:
            wire = _LENGTHS[len(text)] + text.encode() + origin
        else:
            labels = text.encode().split(b".")
            end = origin
            if not labels[-1]:
                labels.pop()
                end = ROOT
            if b"" in labels:
                return None
            wire = b"".join([_LENGTHS[len(label)] + label for label in labels]) + end
    except IndexError:  # a label is too long
        return None
    return wire if len(wire) <= MAX_NAME_OCTETS else None


def name(text: str, origin: Origin) -> bytes:
    """The wire form of a name as a master file holds it.

    Raises:
        ValueError: what is wrong with it, for a person.
    """
    found = plain_name(text, origin)
    if found is not None:
        return found
    if text.isascii() and not NAME.fullmatch(text):
        raise ValueError(f"expected a name of letters, digits, '-', '_', '*', '/' and '.', found {text!r}")
    return wire_from_text(text, origin)


def _a(text: str, _: Origin) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return None


def _aaaa(text: str, _: Origin) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None


def _mx(text: str, origin: Origin) -> bytes | None:
    return _numbers_and_name(text, origin, 1)


def _srv(text: str, origin: Origin) -> bytes | None:
    return _numbers_and_name(text, origin, 3)


def _numbers_and_name(text: str, origin: Origin, how_many: int) -> bytes | None:
    tokens = text.split()
    if len(tokens) != how_many + 1:
        return None
    rdata = b""
    for token in tokens[:-1]:
        if not (token.isascii() and token.isdigit() and len(token) <= 5 and int(token) <= 0xFFFF):
            return None
        rdata += int(token).to_bytes(2, "big")
    target = plain_name(tokens[-1], origin)
    return None if target is None else rdata + target


def _txt(text: str, _: Origin) -> bytes | None:
    match = _PLAIN_TEXT.fullmatch(text)
    if match is None:
        return None
    octets = (match[2] or match[1]).encode()
    return bytes([len(octets)]) + octets


PLAIN: dict[int, PlainReader] = {
    Type.A: _a,
    Type.AAAA: _aaaa,
    Type.NS: plain_name,
    Type.CNAME: plain_name,
    Type.DNAME: plain_name,
    Type.PTR: plain_name,
    Type.MX: _mx,
    Type.SRV: _srv,
    Type.TXT: _txt,
}
