"""What a rule asks of a packet, in firewall and NAT alike, as conditions.

Rates and counts are read for one connection, at rest: what lets through up to a rate holds, and what drops
beyond one does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from splitdns.check.dialects.vyos.groups import of_group, of_interfaces
from splitdns.check.dialects.vyos.reading import WORDS_ONLY, Reading, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import (
    Wrong,
    addresses,
    icmp_type,
    interfaces,
    negated,
    ports,
    protocols,
)
from splitdns.check.model import (
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Addresses,
    Condition,
    IcmpTypes,
    Pass,
    Ports,
    Protocols,
    Rule,
    Side,
    State,
    States,
    Support,
    TcpFlags,
    Translated,
)
from splitdns.check.sets import NONE, Numbers

Conditions = list[Condition]

_SIDES = {"source": Side.SOURCE, "destination": Side.DESTINATION}
_INTERFACES = {"inbound-interface": Side.SOURCE, "outbound-interface": Side.DESTINATION}
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128, "all": 63}
_WIDENED = frozenset(
    {
        "add-address-to-group", "application", "connection-mark", "conntrack-helper", "dscp", "dscp-exclude",
        "geoip", "gre", "hop-limit", "ipsec", "ipv6-options", "mark", "p2p", "packet-length",
        "packet-length-exclude", "packet-type", "statistic", "time", "ttl", "ethernet-type", "vlan",
    }
)  # fmt: skip
_WIDENED_OF_SIDE = frozenset({"mac-address", "fqdn", "geoip", "address-mask"})
_MADE_FOR_PORTS = Numbers.of((TCP, TCP), (UDP, UDP))


class Never(Exception):  # noqa: N818 - an answer, not an error
    """No packet of a new connection matches the rule."""


def inert(rule: Node, family: int) -> Rule:
    """A rule that no packet meets, so that its number stays taken."""
    return Rule((Protocols(NONE),), Pass(), origin(rule), frozenset({family}))


def conditions_of(
    reading: Reading, rule: Node, family: int, *, lets_through: bool, besides: frozenset[str]
) -> Conditions:
    """All that ``rule`` asks; ``besides`` are the words that say what it does.

    Raises:
        Never: it matches nothing.
    """
    found: Conditions = []
    for child in rule.children.values():
        if child.word not in besides and child.word not in WORDS_ONLY:
            found += _asked(reading, child, family, lets_through)
    of_protocols = [one for one in found if isinstance(one, Protocols)]
    if not of_protocols and any(isinstance(one, Ports) for one in found):
        found.insert(0, Protocols(_MADE_FOR_PORTS))
    return found


def _asked(reading: Reading, child: Node, family: int, lets_through: bool) -> Conditions:
    match child.word:
        case "protocol":
            return _protocol(reading, child)
        case "source" | "destination":
            return _side(reading, child, family)
        case "inbound-interface" | "outbound-interface":
            return _interface(reading, child)
        case "state":
            return list(_states(reading, child))
        case "icmp" | "icmpv6":
            return list(_icmp(reading, child, 6 if child.word == "icmpv6" else 4))
        case "tcp":
            return list(_tcp(reading, child))
        case "fragment":
            if "match-frag" in child.children:
                raise Never  # packets are put together before any rule sees them
            return []
        case "limit" | "recent":
            return _rate(reading, child, lets_through)
        case "connection-status":
            sides = {"destination": Side.DESTINATION, "source": Side.SOURCE}
            kind = child.value("nat")
            if kind in sides:
                return [Translated(sides[kind])]
    support = Support.WIDENED if child.word in _WIDENED else Support.UNKNOWN
    return [reading.unknown(child, "not modelled", support)]


def _read(reading: Reading, node: Node, read: Callable[[str], Condition | None]) -> Iterator[Condition]:
    """The condition of a value; a name that is not known may be anything."""
    try:
        found = read(node.word)
    except Wrong as wrong:
        reading.wrong(node, str(wrong))
        return
    yield found if found is not None else reading.unknown(node, "the name is not known")


def _protocol(reading: Reading, child: Node) -> Conditions:
    name = child.leaf()
    if name is None:
        return []
    numbers = protocols(name.word)
    if numbers is None:
        return [reading.unknown(name, "the name is not known")]
    return [] if numbers.size == 256 else [Protocols(numbers)]


def _side(reading: Reading, node: Node, family: int) -> Conditions:
    side = _SIDES[node.word]
    found: Conditions = []
    for child in node.children.values():
        match child.word:
            case "address" | "prefix" if child.children:
                value = next(reversed(child.children.values()))
                if negated(value.word)[1] != "any":
                    found += _read(reading, value, lambda text: Addresses(side, addresses(text, family)))
            case "port" if child.children:
                found += _ports(reading, child, side)
            case "group":
                for kind in child.children.values():
                    found += of_group(reading, kind, side, family)
            case "address" | "prefix" | "port":
                reading.wrong(child, f"a value after {child.word}")
            case word:
                support = Support.WIDENED if word in _WIDENED_OF_SIDE else Support.UNKNOWN
                found.append(reading.unknown(child, "not modelled", support))
    return found


def _ports(reading: Reading, child: Node, side: Side) -> Iterator[Condition]:
    """One value, or, in some versions, several."""
    values = [one for one in child.children.values() if one.word not in ("any", "all")]
    if len(values) < 2:
        for one in values:
            yield from _read(reading, one, lambda text: _as_ports(side, ports(text)))
        return
    whole = Node(",".join(one.word for one in values), values[0].where, child.path)
    yield from _read(reading, whole, lambda text: _as_ports(side, ports(text)))


def _as_ports(side: Side, numbers: Numbers | None) -> Ports | None:
    return None if numbers is None else Ports(side, numbers)


def _interface(reading: Reading, child: Node) -> Conditions:
    """``inbound-interface eth0``, or since 1.4 ``… name eth0`` and ``… group LAN``."""
    side = _INTERFACES[child.word]
    found: Conditions = []
    for one in child.children.values():
        named = one.word in ("name", "interface-name", "group", "interface-group") and one.children
        if named and "group" in one.word:
            found.append(of_interfaces(reading, next(reversed(one.children.values())), side))
        else:
            name = next(reversed(one.children.values())) if named else one
            condition = interfaces(name.word, side)
            found += [] if condition is None else [condition]
    return found


def _states(reading: Reading, child: Node) -> Iterator[Condition]:
    found: set[State] = set()
    for one in child.children.values():
        if one.value() == "disable":
            continue
        if one.word in [*State]:
            found.add(State(one.word))
        else:
            reading.wrong(one, f"one of {', '.join(State)}")
    if found:
        yield States(frozenset(found))


def _icmp(reading: Reading, child: Node, family: int) -> Iterator[Condition]:
    yield Protocols(Numbers.one(ICMP6 if family == 6 else ICMP))
    for one in child.children.values():
        value = one.leaf()
        if value is None:
            reading.wrong(one, f"a value after {one.word}")
            continue
        if one.word not in ("type", "type-name"):
            yield reading.unknown(one, "codes are not modelled")
            continue
        try:
            found = icmp_type(value.word, family)
        except Wrong as wrong:
            reading.wrong(value, str(wrong))
            continue
        if found is None:
            if value.word != "any":
                yield reading.unknown(value, "the name is not known")
            continue
        yield IcmpTypes(Numbers.one(found[0]))
        if found[1] is not None:
            yield reading.unknown(value, "codes are not modelled")


def _tcp(reading: Reading, child: Node) -> Iterator[Condition]:
    """``flags SYN,!ACK``, or since 1.4 ``flags syn`` and ``flags not ack``."""
    reading.rest(child, ("flags", "mss"))
    mask = value = 0
    for one in child.beneath("flags"):
        if one.word == "not":
            words = [f"!{flag.word}" for flag in one.children.values()]
        else:
            words = one.word.split(",")
        for word in words:
            is_negated, name = negated(word.lower())
            bit = _FLAGS.get({"ece": "ecn", "urgent": "urg"}.get(name, name))
            if bit is None:
                reading.wrong(one, f"flags of TCP: {', '.join(_FLAGS)}")
                continue
            mask |= bit
            value |= 0 if is_negated else bit
    if "mss" in child.children:
        yield reading.unknown(child.children["mss"], "not modelled")
    if mask:
        yield TcpFlags(mask, value)


def _rate(reading: Reading, child: Node, lets_through: bool) -> Conditions:
    if child.word == "limit" and lets_through:
        reading.note(Support.IGNORED, child, "one connection is below the rate")
        return []
    if child.word == "recent" and not lets_through:
        reading.note(Support.IGNORED, child, "one connection is below the count")
        raise Never
    return [reading.unknown(child, "a rate or a count")]
