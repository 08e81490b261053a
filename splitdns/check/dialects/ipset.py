"""``ipset save``: the sets that iptables rules name.

A set is what its elements make of a packet: ``hash:ip,port`` looks at an address and a port, which ones the
rule says (``src,dst``). What a set with a timeout holds tomorrow is not known today, so such a set may match
anything (ipset(8)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from splitdns.check.dialects.iptables_icmp import type_and_code
from splitdns.check.dialects.iptables_values import (
    PROTOCOL_NUMBERS,
    address,
    address_range,
    ports,
    whole_number,
)
from splitdns.check.dialects.iptables_words import Line, Word
from splitdns.check.model import ICMP, ICMP6
from splitdns.check.sets import PORTS, Numbers
from splitdns.errors import ConfigError, Problems, Where
from splitdns.value import value

MAX_ELEMENTS = 2_000_000  # of all sets together; beyond: an error
MAX_ERRORS = 50  # in one file; beyond, reading stops

_ADDRESSES, _PORT, _INTERFACE, _MARK = "ip", "port", "iface", "mark"
_KINDS = {"ip": _ADDRESSES, "net": _ADDRESSES, "port": _PORT, "iface": _INTERFACE, "mark": _MARK}


@value(frozen=True, slots=True)
class AddressPart:
    """``length``: of its prefix; where several elements hold an address, the longest decides."""

    numbers: Numbers
    length: int


@value(frozen=True, slots=True)
class PortPart:
    """``protocol`` None: any that has ports. Of ICMP, ``numbers`` are types; ``code`` as well, where said."""

    protocol: int | None
    numbers: Numbers
    code: int | None = None


@value(frozen=True, slots=True)
class InterfacePart:
    name: str  # a * at the end: any that begins so


@value(frozen=True, slots=True)
class MarkPart:
    value: int


Part = AddressPart | PortPart | InterfacePart | MarkPart


@value(frozen=True, slots=True)
class Element:
    """``excluded``: what it holds is not in the set (``nomatch``)."""

    parts: tuple[Part, ...]
    excluded: bool = False


@dataclass(slots=True)
class IpSet:
    """``parts`` are the kinds of its elements' parts; of a ``list:set``, ``members`` are other sets.

    ``unknown`` says why nothing is known of what it holds, where that is so.
    """

    name: str
    kind: str
    family: int
    parts: tuple[str, ...] = ()
    elements: list[Element] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    unknown: str = ""
    netmask: int | None = None


@value(frozen=True, slots=True)
class IpSets:
    """Sets by name; ``read_from`` is empty where nobody gave what ``ipset save`` prints."""

    sets: Mapping[str, IpSet] = field(default_factory=dict)
    read_from: str = ""


def read(text: str, file: str) -> IpSets:
    """Read what ``ipset save`` printed.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    sets: dict[str, IpSet] = {}
    problems = Problems()
    elements = 0
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.startswith("#"):
            continue
        line = Line(file, number, row, 4)
        try:
            elements += _command(line, sets)
        except ConfigError as error:
            problems.error(error)
        if elements > MAX_ELEMENTS:
            problems.error(ConfigError(Where(file, number), f"expected at most {MAX_ELEMENTS:,} elements"))
            break
        if len(problems.errors) == MAX_ERRORS:
            break
    problems.raise_errors(file)
    return IpSets(sets, file)


def _command(line: Line, sets: dict[str, IpSet]) -> int:
    """Take one line in; how many elements it adds."""
    words = [word for word in line.words() if word.text not in ("-exist", "-!", "-q", "-quiet")]
    if not words or words[0].text == "COMMIT":
        return 0
    match words[0].text:
        case "create" | "-N" | "n" if len(words) >= 3:
            name = words[1].text
            if name in sets:
                raise line.wrong(words[1], "each set once", f"{name!r} again")
            sets[name] = _created(line, words)
            return 0
        case "add" | "-A" | "a" if len(words) >= 3:
            found = sets.get(words[1].text)
            if found is None:
                raise line.wrong(words[1], "a set that was created above")
            _add(line, found, words[2], words[3:])
            return 1
    raise line.wrong(words[0], "'create NAME TYPE …' or 'add NAME ELEMENT …', as ipset save prints them")


def _created(line: Line, words: list[Word]) -> IpSet:
    kind = words[2].text
    settings = {one.text: words[at] for at, one in enumerate(words[3:], 4) if at < len(words)}
    is_flag = {word.text for word in words[3:]}
    family = 6 if "family" in settings and settings["family"].text == "inet6" else 4
    one = IpSet(words[1].text, kind, family)
    how, _, of = kind.partition(":")
    if how not in ("hash", "bitmap", "list") or not of:
        raise line.wrong(words[2], "a type of set like 'hash:ip'")
    if of != "set":
        one.parts = tuple(_KINDS.get(part, "") for part in of.split(","))
    if not all(one.parts):
        one.unknown = f"sets of type {kind} are not modelled"
    elif "timeout" in is_flag:
        one.unknown = "its elements come and go (timeout)"
    elif "bitmask" in is_flag:
        one.unknown = "its bitmask is not modelled"
    if "netmask" in settings:
        width = 32 if family == 4 else 128
        text = settings["netmask"].text
        one.netmask = whole_number(line, settings["netmask"], text, "a prefix length", width)
    return one


def _add(line: Line, one: IpSet, word: Word, rest: list[Word]) -> None:
    if one.unknown:
        return
    flags = {other.text for other in rest}
    if one.kind == "list:set":
        one.members.append(word.text)
        return
    texts = word.text.split(",")
    if len(texts) != len(one.parts):
        raise line.wrong(word, f"an element of {len(one.parts)} parts, as {one.kind} has")
    line = Line(line.file, line.number, line.text, one.family)
    parts = tuple(
        _part(line, word, text, part, one, "wildcard" in flags)
        for text, part in zip(texts, one.parts, strict=True)
    )
    one.elements.append(Element(parts, "nomatch" in flags))


def _part(line: Line, word: Word, text: str, kind: str, one: IpSet, wildcard: bool) -> Part:
    if kind == _ADDRESSES:
        return _addresses(line, word, text, one.netmask)
    if kind == _PORT:
        return _port(line, word, text, one.kind)
    if kind == _INTERFACE:
        if text.startswith("physdev:"):
            one.unknown = "it names ports of a bridge (physdev)"
        return InterfacePart(text + "*" * wildcard)
    return MarkPart(whole_number(line, word, text, "a mark", 0xFFFF_FFFF))


def _addresses(line: Line, word: Word, text: str, netmask: int | None) -> AddressPart:
    width = 32 if line.family == 4 else 128
    if "-" in text:
        return AddressPart(address_range(line, word, text), width)
    base, _, length = text.partition("/")
    known = address(line, word, base)
    bits = whole_number(line, word, length, f"a prefix length up to {width}", width) if length else width
    bits = min(bits, netmask if netmask is not None else width)
    host = (1 << (width - bits)) - 1
    low = int(known) & ~host
    return AddressPart(Numbers.of((low, low | host)), bits)


def _port(line: Line, word: Word, text: str, kind: str) -> PortPart:
    name, colon, rest = text.rpartition(":")
    if kind == "bitmap:port":
        return PortPart(None, _port_numbers(line, word, text))
    protocol = PROTOCOL_NUMBERS.get(name.lower()) if colon else PROTOCOL_NUMBERS["tcp"]
    if protocol is None:
        protocol = whole_number(line, word, name, "a protocol", 255)
    if protocol in (ICMP, ICMP6):
        number, code = type_and_code(line, word, rest)
        return PortPart(protocol, Numbers.one(number), code)
    if rest == "0":  # of a protocol without ports
        return PortPart(protocol, PORTS)
    return PortPart(protocol, _port_numbers(line, word, rest))


def _port_numbers(line: Line, word: Word, text: str) -> Numbers:
    found = ports(line, Word(text, word.column), "-")
    if found is None:
        raise line.wrong(word, "a port number", repr(text))
    return found
