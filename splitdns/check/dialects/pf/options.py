"""What stands behind the hosts of a rule: state, flags, tags, translation, and what cannot be known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from splitdns.check.dialects.pf import hosts
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.names import ICMP, ICMP6
from splitdns.check.dialects.pf.values import Filter, On, Target
from splitdns.check.model import Support
from splitdns.check.sets import Numbers

_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "W": 128}
ROUTING = ("route-to", "reply-to", "dup-to", "fastroute")  # in FreeBSD's grammar before the hosts
SYN_ALONE = (2, 18)  # S/SA, which rules that keep state have
Noted = Callable[[Support, str, str], None]
"""Told of a construct that is not modelled: what it is, and why."""


@dataclass(slots=True)
class Options:
    """Those of one rule, while it is read."""

    when: Filter
    note: Noted
    stateful: bool | None = None
    flags: tuple[int, int] | None = None
    any_flags: bool = False
    tag: str = ""
    rdr: Target | None = None
    nat: Target | None = None
    binat: Target | None = None
    opaque: str = ""
    overloaded: set[str] = field(default_factory=set)

    def unknown(self, name: str, reason: str) -> None:
        """A condition that may hold or not."""
        self.note(Support.WIDENED, name, reason)
        self.when = replace(self.when, unknown=(*self.when.unknown, reason))

    def anything(self, name: str, reason: str) -> None:
        """An action that may do anything."""
        self.note(Support.WIDENED, name, reason)
        self.opaque = reason


def read(cursor: Cursor, options: Options) -> None:
    """All options up to the end of the line."""
    while not cursor.at_end() and not cursor.at("{"):
        read_one(cursor, options)


def read_one(cursor: Cursor, options: Options) -> None:
    """One option, and what belongs to it."""
    word = cursor.peek()
    assert word is not None
    name = word.text if word.kind == "word" else ""
    if cursor.skip("!"):
        if cursor.skip("tagged"):
            options.when = replace(options.when, tagged=On(cursor.name("a tag"), negated=True))
        elif cursor.skip("received-on"):
            options.when = replace(options.when, received_on=(On(cursor.name("an interface"), negated=True),))
        else:
            cursor.wrong("tagged or received-on")
        return
    known = _OPTIONS.get(name)
    if known is None:
        cursor.wrong("an option of a rule")
    cursor.take()
    known(cursor, options)


def _state(cursor: Cursor, options: Options) -> None:
    cursor.need("state")
    options.stateful = True
    if not cursor.at("("):
        return
    words = [word.text for word in cursor.in_brackets()]
    for at, text in enumerate(words):
        if text == "overload" and words[at + 1 : at + 2] == ["<"] and len(words) > at + 2:
            options.overloaded.add(words[at + 2])
    options.note(Support.IGNORED, "state options", "one connection is asked about, which is within limits")


def _no_state(cursor: Cursor, options: Options) -> None:
    cursor.need("state")
    options.stateful = False


def _read_flags(cursor: Cursor, options: Options) -> None:
    if cursor.skip("any"):
        options.any_flags = True
        return
    value = "" if cursor.at("/") else cursor.name("TCP flags, like S/SA, or any")
    mask = "".join(_FLAGS)
    if cursor.skip("/"):
        mask = cursor.name("the flags that are looked at")
    if not set(value + mask) <= set(_FLAGS):
        cursor.refuse(f"flags of {''.join(_FLAGS)}")
    options.flags = sum(_FLAGS[one] for one in set(value)), sum(_FLAGS[one] for one in set(mask))


def _icmp(names: dict[str, int], number: int) -> Callable[[Cursor, Options], None]:
    def read_types(cursor: Cursor, options: Options) -> None:
        types = Numbers()

        def one_type() -> None:
            nonlocal types
            text = cursor.name("a type of ICMP messages")
            kind = names.get(text, int(text) if re.fullmatch(r"\d{1,3}", text) else 256)
            if kind > 255:
                cursor.refuse("a type of ICMP messages")
            types |= Numbers.one(kind)
            if cursor.skip("code"):
                cursor.name("a code of ICMP messages")
                options.unknown("icmp code", "the code of ICMP messages is not modelled")

        cursor.several(one_type)
        options.when = replace(options.when, icmp={**options.when.icmp, number: types})

    return read_types


def _tag(cursor: Cursor, options: Options) -> None:
    options.tag = cursor.name("a tag")


def _tagged(cursor: Cursor, options: Options) -> None:
    options.when = replace(options.when, tagged=On(cursor.name("a tag")))


def _received(cursor: Cursor, options: Options) -> None:
    options.when = replace(options.when, received_on=hosts.interfaces(cursor))


def _fragment(cursor: Cursor, options: Options) -> None:
    if cursor.skip("reassemble", "crop", "drop-ovl"):
        return  # as scrub rules had it
    options.when = replace(options.when, never=True)  # packets are put together before any rule sees them


def _rdr(cursor: Cursor, options: Options) -> None:
    options.rdr = hosts.target(cursor)


def _nat(cursor: Cursor, options: Options) -> None:
    options.nat = hosts.target(cursor)


def _binat(cursor: Cursor, options: Options) -> None:
    options.binat = hosts.target(cursor)


def _af_to(cursor: Cursor, options: Options) -> None:
    cursor.name("inet or inet6")
    for word in ("from", "to"):
        if cursor.skip(word):
            hosts.target(cursor)
    options.anything("af-to", "translation between IPv4 and IPv6 is not modelled")


def _divert(reason: str) -> Callable[[Cursor, Options], None]:
    def read_divert(cursor: Cursor, options: Options) -> None:
        if not cursor.at("port"):
            hosts.host(cursor)
        if cursor.skip("port"):
            cursor.name("a port")
        options.anything("divert-to", reason)

    return read_divert


def _route_to(cursor: Cursor, options: Options) -> None:
    _hop(cursor, options)
    options.anything("route-to", "another way than the routing table's is not modelled")


def _hop(cursor: Cursor, _options: Options) -> None:
    """A router, as ``192.0.2.1``, ``192.0.2.1@em0`` or ``(em0 192.0.2.1)``; one or several."""

    def one() -> None:
        if cursor.at("("):
            cursor.in_brackets()
            return
        cursor.name("a router")
        if cursor.skip("/"):
            cursor.name("the length of a prefix")

    cursor.several(one)
    while cursor.skip("round-robin", "random", "bitmask", "sticky-address", "least-states", "source-hash"):
        pass


def _ignored_hop(name: str, reason: str) -> Callable[[Cursor, Options], None]:
    def read_hop(cursor: Cursor, options: Options) -> None:
        _hop(cursor, options)
        options.note(Support.IGNORED, name, reason)

    return read_hop


def _ignored(name: str, *values: str) -> Callable[[Cursor, Options], None]:
    """``values``: what stands behind it, each in brackets or one word."""

    def read_ignored(cursor: Cursor, options: Options) -> None:
        for value in values:
            if cursor.at("("):
                cursor.in_brackets()
            else:
                cursor.name(value)
                if value == "a rate":
                    cursor.need("/")
                    cursor.name(value)
        options.note(Support.IGNORED, name, "it does not change where a packet goes")

    return read_ignored


def _set(cursor: Cursor, options: Options) -> None:
    if cursor.at("("):
        cursor.in_brackets()
    else:
        cursor.name("prio, queue, tos or delay")
        if cursor.at("("):
            cursor.in_brackets()
        else:
            cursor.name("a value")
    options.note(Support.IGNORED, "set", "it does not change where a packet goes")


def _unknown(name: str, value: str, reason: str) -> Callable[[Cursor, Options], None]:
    def read_unknown(cursor: Cursor, options: Options) -> None:
        def one() -> None:
            cursor.skip("=", "!=", "<", "<=", ">", ">=")
            cursor.name(value)
            if cursor.skip("><", "<>"):
                cursor.name(value)

        if value:
            cursor.several(one)
        if cursor.skip("%"):
            pass
        options.unknown(name, reason)

    return read_unknown


def _rtable(cursor: Cursor, options: Options) -> None:
    if cursor.name("the number of a routing table") != "0":
        options.anything("rtable", "other routing tables are not modelled")


def _reassemble(cursor: Cursor, _options: Options) -> None:
    cursor.skip("tcp")


def _plain(_cursor: Cursor, _options: Options) -> None:
    """A word that stands alone and changes nothing here."""


_PROXY = "what a program makes of diverted packets is not known"
_OPTIONS: dict[str, Callable[[Cursor, Options], None]] = {
    **dict.fromkeys(("keep", "modulate", "synproxy"), _state),
    "no": _no_state,
    "flags": _read_flags,
    "icmp-type": _icmp(ICMP, 1),
    "icmp6-type": _icmp(ICMP6, 58),
    "tag": _tag,
    "tagged": _tagged,
    "received-on": _received,
    "fragment": _fragment,
    "rdr-to": _rdr,
    "nat-to": _nat,
    "binat-to": _binat,
    "af-to": _af_to,
    "divert-to": _divert(_PROXY),
    "divert-packet": _divert(_PROXY),
    "divert-reply": _plain,
    "route-to": _route_to,
    "reply-to": _ignored_hop("reply-to", "answers leave by the interface by which the connection came"),
    "dup-to": _ignored_hop("dup-to", "a copy goes elsewhere; the packet itself goes on"),
    "scrub": _ignored("scrub", "the options of scrub"),
    "label": _ignored("label", "a label"),
    "ridentifier": _ignored("ridentifier", "a number"),
    "queue": _ignored("queue", "a queue"),
    "set": _set,
    "max-pkt-rate": _ignored("max-pkt-rate", "a rate"),
    "min-ttl": _ignored("min-ttl", "a number"),
    "max-mss": _ignored("max-mss", "a number"),
    "set-tos": _ignored("set-tos", "a value"),
    "reassemble": _reassemble,
    **dict.fromkeys(("allow-opts", "no-df", "random-id", "fastroute"), _plain),
    "once": _unknown("once", "", "a rule that holds once may be used up"),
    "user": _unknown("user", "a user", "the user of a socket is not known"),
    "group": _unknown("group", "a group", "the group of a socket is not known"),
    "tos": _unknown("tos", "a value", "the type of service is not known"),
    "prio": _unknown("prio", "a number", "the priority of frames is not known"),
    "probability": _unknown("probability", "a probability", "it is a matter of chance"),
    "rtable": _rtable,
}
