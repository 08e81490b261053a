r"""Domain names as wire bytes.

A ``Qname`` is an uncompressed name in wire form (RFC 1035 3.1) with its ASCII letters in lower case: a
dictionary key that needs no object and no parsing. Names whose case matters (owners as a person wrote
them, targets inside rdata) are plain ``bytes`` in the same form; ``fold`` makes the key of one. Folding
touches the length octets too, which is safe: they are at most 63, below ``A``.

>>> to_text(from_text("WWW.example.org."))
'www.example.org.'
>>> to_text(parent(from_text("www.example.org.")))
'example.org.'
>>> is_under(from_text("www.example.org."), from_text("example.org."))
True
>>> is_under(from_text("badexample.org."), from_text("example.org."))
False
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NewType

Qname = NewType("Qname", bytes)

MAX_NAME_OCTETS = 255  # RFC 1035 2.3.4, length octets and the root's included
MAX_LABEL_OCTETS = 63

ROOT = Qname(b"\0")

# What needs a backslash in a master file (RFC 1035 5.1), and so in what a person reads.
_ESCAPED = frozenset(b'.\\"();@$')


def fold(wire: bytes) -> Qname:
    """The key of a name whose case is kept (RFC 4343)."""
    return Qname(wire.lower())


def wire_from_text(text: str, origin: bytes | None = None) -> bytes:
    r"""The wire form of ``text``, with its case kept; a name without a final dot is relative to ``origin``.

    ``@`` is the origin itself. ``\.`` and ``\DDD`` are understood (RFC 1035 5.1).

    Raises:
        ValueError: what is wrong with the name, for a person.
    """
    if not text:
        raise ValueError("expected a domain name, found nothing")
    if text == "@" and origin is not None:
        return origin
    if text == ".":
        return ROOT
    if not text.isascii():
        raise ValueError(f"expected an ASCII name, found {text!r}; write it as {_a_label(text)}")
    labels, absolute = _labels_from_text(text)
    wire = b"".join(bytes([len(label)]) + label for label in labels)
    if absolute:
        wire += ROOT
    elif origin is None:
        raise ValueError(f"expected a name that ends in a dot, found {text!r}")
    else:
        wire += origin
    if len(wire) > MAX_NAME_OCTETS:
        raise ValueError(f"expected at most {MAX_NAME_OCTETS} octets, found {len(wire)} in {text!r}")
    return wire


def from_text(text: str, origin: bytes | None = None) -> Qname:
    """``wire_from_text``, folded."""
    return fold(wire_from_text(text, origin))


def _labels_from_text(text: str) -> tuple[list[bytes], bool]:
    labels: list[bytes] = []
    label = bytearray()
    octets = text.encode("ascii")
    at, end, absolute = 0, len(octets), False

    def finish() -> None:
        if not label:
            raise ValueError(f"expected a label, found an empty one in {text!r}")
        if len(label) > MAX_LABEL_OCTETS:
            found = f"found {len(label)} in {text!r}"
            raise ValueError(f"expected labels of at most {MAX_LABEL_OCTETS} octets, {found}")
        labels.append(bytes(label))
        label.clear()

    while at < end:
        octet = octets[at]
        at += 1
        if octet == 0x2E:  # .
            finish()
            absolute = at == end
        elif octet == 0x5C:  # \
            digits = octets[at : at + 3]
            if len(digits) == 3 and digits.isdigit():
                if int(digits) > 255:
                    raise ValueError(f"expected \\DDD up to \\255, found \\{digits.decode()} in {text!r}")
                label.append(int(digits))
                at += 3
            elif at < end and not octets[at : at + 1].isdigit():
                label.append(octets[at])
                at += 1
            else:
                raise ValueError(f"expected \\DDD or a character after \\, found the end of {text!r}")
        elif octet <= 0x20 or octet == 0x7F:
            raise ValueError(f"expected no blanks or control characters in a name, found {text!r}")
        else:
            label.append(octet)
    if label:
        finish()
    return labels, absolute


def _a_label(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return "an A-label (xn--…)"


def to_text(name: bytes) -> str:
    """The presentation form, absolute, with what is unusual escaped (RFC 1035 5.1, RFC 4343 2.1)."""
    if name == ROOT:
        return "."
    return "".join(_label_text(label) + "." for label in labels(name))


def _label_text(label: bytes) -> str:
    return "".join(_octet_text(octet) for octet in label)


def _octet_text(octet: int) -> str:
    if octet <= 0x20 or octet >= 0x7F:
        return f"\\{octet:03}"
    return f"\\{chr(octet)}" if octet in _ESCAPED else chr(octet)


def relative_text(name: bytes, apex: bytes) -> str:
    """``name`` relative to ``apex``, which it is at or under; ``@`` is the apex itself."""
    head = name[: len(name) - len(apex)]
    return to_text(head + ROOT)[:-1] if head else "@"


def labels(name: bytes) -> Iterator[bytes]:
    """The labels from left to right, without the root's."""
    at = 0
    while length := name[at]:
        yield name[at + 1 : at + 1 + length]
        at += 1 + length


def name_end(wire: bytes, at: int) -> int:
    """Where the uncompressed name that starts at ``at`` ends: one past its root octet."""
    while length := wire[at]:
        at += 1 + length
    return at + 1


def parent(name: Qname) -> Qname:
    """One label less; the root has no parent, and asking for it is a bug."""
    return Qname(name[1 + name[0] :])


def ancestors(name: Qname) -> Iterator[Qname]:
    """``name`` itself, then each parent up to the root."""
    at = 0
    while True:
        yield Qname(name[at:])
        if not name[at]:
            return
        at += 1 + name[at]


def between(name: Qname, apex: Qname) -> list[Qname]:
    """The names beneath ``apex`` down to ``name`` itself, topmost first; ``name`` is at or under ``apex``."""
    at, last, found = 0, len(name) - len(apex), []
    while at < last:
        found.append(Qname(name[at:]))
        at += 1 + name[at]
    found.reverse()
    return found


def is_under(name: Qname, apex: Qname) -> bool:
    """Whether ``name`` is at or under ``apex``."""
    if not name.endswith(apex):
        return False
    at, last = 0, len(name) - len(apex)
    while at < last:
        at += 1 + name[at]
    return at == last


def wildcard(encloser: Qname) -> Qname:
    """The wildcard name directly beneath ``encloser`` (RFC 4592 2.1.1)."""
    return Qname(b"\x01*" + encloser)


def is_wildcard(name: bytes) -> bool:
    return name.startswith(b"\x01*")


_DECIMAL = tuple(bytes((len(str(octet)),)) + str(octet).encode() for octet in range(256))
_NIBBLES = tuple(b"\x01%x\x01%x" % (octet & 15, octet >> 4) for octet in range(256))
_IN_ADDR_ARPA, _IP6_ARPA = from_text("in-addr.arpa."), from_text("ip6.arpa.")


def reverse_of(address: bytes) -> Qname:
    """``reverse_name`` of a packed address, which a zone may have a million of.

    >>> to_text(reverse_of(bytes([192, 0, 2, 1])))
    '1.2.0.192.in-addr.arpa.'
    """
    if len(address) == 4:
        first, second, third, last = address
        return Qname(
            _DECIMAL[last] + _DECIMAL[third] + _DECIMAL[second] + _DECIMAL[first] + _IN_ADDR_ARPA
        )
    return Qname(b"".join([_NIBBLES[octet] for octet in reversed(address)]) + _IP6_ARPA)


def reverse_names(addresses: Sequence[bytes]) -> list[Qname]:
    """``reverse_of`` of packed addresses of one family, whose networks are few."""
    if len(addresses[0]) != 4:
        return [reverse_of(address) for address in addresses]
    networks = {head: reverse_of(head + b"\0")[2:] for head in {address[:3] for address in addresses}}
    return [Qname(_DECIMAL[address[3]] + networks[address[:3]]) for address in addresses]


def reverse_name(address: str) -> Qname:
    """The name that holds the PTR of an IPv4 or IPv6 address (RFC 1035 3.5, RFC 3596 2.5)."""
    return reverse_of(ipaddress.ip_address(address).packed)
