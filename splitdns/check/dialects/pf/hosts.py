"""Hosts and ports as pf.conf writes them: ``from``, ``to``, ``port``, and where translations lead."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.names import PROTOCOLS, SERVICES
from splitdns.check.dialects.pf.values import Filter, Host, HostKind, On, Target
from splitdns.check.sets import PORTS, Numbers

_MODIFIERS = ("network", "broadcast", "peer", "0")
_SHORT = re.compile(r"\d{1,3}(\.\d{1,3}){0,2}")  # 10/8, 192.168/16
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._+-]*")
_POOL = ("random", "round-robin", "least-states", "sticky-address", "endpoint-independent")
MAX_PORT = 65_535
OS = "the client's operating system is not known"


# --- Interfaces ---------------------------------------------------------------------------------------------


def interfaces(cursor: Cursor) -> tuple[On, ...]:
    """What stands after ``on``."""
    if cursor.skip("any"):
        return ()
    return tuple(cursor.several(lambda: _interface(cursor)))


def _interface(cursor: Cursor) -> On:
    negated = cursor.skip("!")
    return On(cursor.name("the name of an interface or of a group"), negated)


# --- Hosts --------------------------------------------------------------------------------------------------


def from_to(cursor: Cursor, when: Filter) -> Filter:
    """``all``, or ``from`` and ``to`` with their ports, each of which may be left out."""
    if cursor.skip("all"):
        return when
    if cursor.skip("from"):
        hosts, ports = _hosts_and_ports(cursor)
        when = replace(when, sources=hosts, source_ports=ports)
    if cursor.skip("os"):
        cursor.several(lambda: cursor.name("the name of a system"))
        when = replace(when, unknown=(*when.unknown, OS))
    if cursor.skip("to"):
        hosts, ports = _hosts_and_ports(cursor)
        when = replace(when, destinations=hosts, destination_ports=ports)
    return when


def _hosts_and_ports(cursor: Cursor) -> tuple[tuple[Host, ...], Numbers | None]:
    hosts: tuple[Host, ...] = ()
    if not cursor.at("port"):
        hosts = tuple(cursor.several(lambda: host(cursor)))
    if any(one.kind is HostKind.ANY and not one.negated for one in hosts):
        hosts = ()
    numbers = None
    if cursor.skip("port"):
        numbers = Numbers()
        for some in cursor.several(lambda: ports(cursor)):
            numbers |= some
    return hosts, numbers


def host(cursor: Cursor) -> Host:
    negated = cursor.skip("!")
    if cursor.skip("<"):
        name = cursor.name("the name of a table")
        cursor.need(">")
        return Host(HostKind.TABLE, name, negated)
    if cursor.skip("("):
        name = cursor.name("the name of an interface")
        cursor.need(")")
        return _of_interface(cursor, name, negated, dynamic=True)
    if cursor.skip("any"):
        return Host(HostKind.ANY, "any", negated)
    for word in ("no-route", "route"):
        if cursor.skip(word):
            label = cursor.name("the label of a route") if word == "route" else ""
            return Host(HostKind.UNKNOWN, f"{word} {label}".strip(), negated)
    if cursor.skip("urpf-failed"):
        return Host(HostKind.ASTRAY, "urpf-failed", negated)
    return _address(cursor, negated)


def _address(cursor: Cursor, negated: bool) -> Host:
    word = cursor.peek()
    text = cursor.name("an address, an interface, a table or any").partition("%")[0]
    first, dash, last = text.partition("-")
    try:
        if dash and "." in first:
            return _range(first, last, negated)
        at = ip_address(text)
    except ValueError:
        if _SHORT.fullmatch(text) and cursor.at("/"):
            text += ".0" * (3 - text.count("."))
            return _prefix(cursor, text, negated)
        if word is not None and not _NAME.fullmatch(text.partition(":")[0]):
            cursor.refuse("an address or a name")
        return _of_interface(cursor, text, negated, dynamic=False)
    if cursor.at("/"):
        return _prefix(cursor, text, negated)
    if cursor.skip("-"):
        last = cursor.name("the last address of a range")
        try:
            return _range(text, last, negated)
        except ValueError:
            cursor.refuse("the last address of a range")
    return Host(HostKind.PREFIX, text, negated, ip_network(at))


def _range(first: str, last: str, negated: bool) -> Host:
    low, high = ip_address(first), ip_address(last)
    if low.version != high.version or int(low) > int(high):
        raise ValueError
    return Host(HostKind.RANGE, f"{first} - {last}", negated, ip_network(low), high)


def _prefix(cursor: Cursor, text: str, negated: bool) -> Host:
    cursor.need("/")
    length = cursor.name("the length of a prefix")
    try:
        prefix = ip_network(f"{text}/{length}", strict=False)
    except ValueError:
        cursor.refuse("the length of a prefix")
    return Host(HostKind.PREFIX, str(prefix), negated, prefix)


def _of_interface(cursor: Cursor, text: str, negated: bool, *, dynamic: bool) -> Host:
    name, *modifiers = text.split(":")
    length = None
    if cursor.skip("/"):
        word = cursor.name("the length of a prefix")
        length = int(word) if re.fullmatch(r"\d{1,3}", word) else -1
        if not 0 <= length <= 128:
            cursor.refuse("the length of a prefix")
    if any(one not in _MODIFIERS for one in modifiers):
        cursor.refuse(f"{', '.join(_MODIFIERS)}")
    return Host(HostKind.INTERFACE, name, negated, None, None, tuple(modifiers), length, dynamic)


# --- Ports and protocols ------------------------------------------------------------------------------------


def port(cursor: Cursor, text: str) -> int:
    if text in SERVICES:
        return SERVICES[text]
    if re.fullmatch(r"\d{1,5}", text) and int(text) <= MAX_PORT:
        return int(text)
    cursor.refuse("a port, or the name of a service that is known here")


def ports(cursor: Cursor) -> Numbers:
    """``80``, ``!= 80``, ``< 1024``, ``1024:65535``, ``80 >< 90`` (between), ``80 <> 90`` (outside)."""
    for mark in ("!=", "<=", ">=", "<", ">", "="):
        if cursor.skip(mark):
            number = port(cursor, cursor.name("a port"))
            return {
                "=": Numbers.one(number),
                "!=": PORTS - Numbers.one(number),
                "<": Numbers.of((0, number - 1)),
                "<=": Numbers.of((0, number)),
                ">": Numbers.of((number + 1, MAX_PORT)),
                ">=": Numbers.of((number, MAX_PORT)),
            }[mark]
    text = cursor.name("a port")
    low, colon, high = text.partition(":")
    if colon:
        return Numbers.of((port(cursor, low), port(cursor, high or cursor.name("the last port of a range"))))
    first = port(cursor, text)
    for mark in ("><", "<>"):
        if cursor.skip(mark):
            second = port(cursor, cursor.name("a port"))
            between = Numbers.of((first + 1, second - 1))
            return between if mark == "><" else PORTS - Numbers.of((first, second))
    return Numbers.one(first)


def protocol(cursor: Cursor) -> int:
    text = cursor.name("a protocol")
    if text in PROTOCOLS:
        return PROTOCOLS[text]
    if re.fullmatch(r"\d{1,3}", text) and int(text) <= 255:
        return int(text)
    cursor.refuse("a protocol")


# --- Targets ------------------------------------------------------------------------------------------------


def target(cursor: Cursor) -> Target:
    """What stands after ``rdr-to``, ``nat-to``, ``binat-to`` and ``->``."""
    hosts = tuple(cursor.several(lambda: host(cursor)))
    ports_: tuple[int, int] | None = None
    counts = False
    if cursor.skip("port"):
        low, colon, high = cursor.name("a port").partition(":")
        first = port(cursor, low)
        counts = colon == ":" and high == "*"
        ports_ = first, port(cursor, high) if high and not counts else first
        if ports_[1] < ports_[0]:
            cursor.refuse("a range of ports, the first one first")
    static = bitmask = False
    while True:
        if cursor.skip("static-port"):
            static = True
        elif cursor.skip("bitmask"):
            bitmask = True
        elif cursor.skip("source-hash"):
            word = cursor.peek()
            if word is not None and re.fullmatch(r"0x[0-9a-fA-F]+", word.text):
                cursor.take()
        elif not cursor.skip(*_POOL):
            return Target(hosts, ports_, counts, static, bitmask)
