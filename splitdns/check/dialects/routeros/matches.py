"""What stands in a RouterOS rule about packets, as conditions (help.mikrotik.com, "Common Matchers").

Rates and counts are for one connection, as everywhere here: what lets through up to a limit holds, what drops
beyond one does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from splitdns.check.dialects.routeros.interfaces import EVERY, note_ports
from splitdns.check.dialects.routeros.lists import is_in
from splitdns.check.dialects.routeros.rule import Reading
from splitdns.check.dialects.routeros.values import addresses, negated, number_ranges, protocols
from splitdns.check.model import (
    ICMP,
    ICMP6,
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Mark,
    Ports,
    Protocols,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
)
from splitdns.check.sets import Numbers

NEVER: Final = AnyOf(())
_SIDES = {"src": Side.SOURCE, "dst": Side.DESTINATION, "in": Side.SOURCE, "out": Side.DESTINATION}
_TYPES = ("local", "unicast", "broadcast", "multicast", "blackhole", "prohibit", "unreachable", "anycast")
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128}
_ONE_CODE = {4: frozenset({0, 8, 13, 14, 15, 16}), 6: frozenset({128, 129})}  # types with code 0 only
_NOT_REACHED = "taken as not reached: one connection is asked about"
_CLOSES = ("drop", "reject", "tarpit")

# Words of a rule that are no matchers: what it does, and what is only for people and logs.
NOT_MATCHERS = frozenset({
    "action", "chain", "disabled", "comment", "log", "log-prefix", "jump-target", "to-addresses", "to-ports",
    "to-address", "reject-with", "address-list", "address-list-timeout", "new-connection-mark",
    "new-packet-mark", "new-routing-mark", "passthrough", "new-mss", "new-ttl", "new-dscp", "new-priority",
    "new-hop-limit", "route-dst", "sniff-target", "sniff-target-port", "sniff-id", "randomise-ports",
    "same-not-by-dst", "hw-offload", "invalid", "dynamic", "bytes", "packets", "socks5-server",
    "socks5-port", "socks5-user", "socks5-password", "socksify-service",
})  # fmt: skip

# One connection cannot be told by these: what it carries, how big its packets are, when it comes, by chance.
WIDENED = frozenset({
    "connection-bytes", "connection-rate", "connection-type", "content", "dscp", "hotspot", "in-bridge-port",
    "in-bridge-port-list", "ingress-priority", "ipv4-options", "layer7-protocol", "nth", "out-bridge-port",
    "out-bridge-port-list", "p2p", "packet-size", "per-connection-classifier", "priority", "random", "realm",
    "routing-table", "src-mac-address", "tcp-mss", "time", "tls-host", "ttl", "headers", "hop-limit",
})  # fmt: skip


def conditions(rule: Reading) -> tuple[Condition, ...]:
    """Everything that must hold for a packet.

    Raises:
        ConfigError: a value that its matcher does not have.
    """
    found: list[Condition] = []
    for key, word in rule.item.words.items():
        if key in NOT_MATCHERS or not word.value:
            continue
        if key in MATCHERS:
            found += MATCHERS[key](rule, key)
        elif key in LIMITS:
            found += _at_rest(rule, key)
        elif key in WIDENED:
            found.append(rule.widened(key, f"{key} is not modelled"))
        else:
            found.append(rule.unknown(key))
    return tuple(found)


# --- Addresses ----------------------------------------------------------------------------------------------


def _address(rule: Reading, key: str) -> Iterable[Condition]:
    yield Addresses(_SIDES[key[:3]], addresses(rule.item, key, rule.around.family))


def _address_list(rule: Reading, key: str) -> Iterable[Condition]:
    name, is_negated = negated(rule.item, key)
    lists, family = rule.around.lists, rule.around.family
    condition, unsure = is_in(lists, name, _SIDES[key[:3]], family, negated=is_negated)
    if unsure:
        rule.widened(f"{key}={name}", unsure)
    yield condition


def _address_type(rule: Reading, key: str) -> Iterable[Condition]:
    text, is_negated = negated(rule.item, key)
    types = frozenset(text.split(","))
    if not types <= frozenset(_TYPES):
        raise rule.wrong(key, f"some of {', '.join(_TYPES)}")
    yield AddressTypes(_SIDES[key[:3]], types, is_negated)


# --- Interfaces ---------------------------------------------------------------------------------------------


def _interface(rule: Reading, key: str) -> Iterable[Condition]:
    name, is_negated = negated(rule.item, key)
    side = _SIDES[key.partition("-")[0]]
    names = rule.around.faces.meant(name)
    if name == "all":
        return
    note_ports(rule.around.config, rule.around.faces, rule.item, names)
    yield Interfaces(side, names, is_negated)


def _interface_list(rule: Reading, key: str) -> Iterable[Condition]:
    name, is_negated = negated(rule.item, key)
    side = _SIDES[key.partition("-")[0]]
    faces = rule.around.faces
    if name not in faces.lists:
        yield rule.widened(f"{key}={name}", f"nothing here says what is in the interface list {name}")
        return
    names = faces.lists[name]
    if names is None:
        yield rule.widened(f"{key}={name}", "which interfaces are dynamic is not known")
    elif names == EVERY and not is_negated:
        return
    else:
        yield Interfaces(side, names, is_negated)


# --- Protocols and ports ------------------------------------------------------------------------------------


def _protocol(rule: Reading, _key: str) -> Iterable[Condition]:
    yield Protocols(protocols(rule.item))


def _ports(rule: Reading, key: str) -> Iterable[Condition]:
    yield Ports(_SIDES[key[:3]], number_ranges(rule.item, key, 65_535))


def _any_port(rule: Reading, key: str) -> Iterable[Condition]:
    ports = number_ranges(rule.item, key, 65_535)
    yield AnyOf(((Ports(Side.SOURCE, ports),), (Ports(Side.DESTINATION, ports),)))


def _icmp(rule: Reading, key: str) -> Iterable[Condition]:
    text, is_negated = negated(rule.item, key)
    protocol = Protocols(Numbers.one(ICMP if rule.around.family == 4 else ICMP6))
    types: list[tuple[int, int]] = []
    is_exact = True
    for part in text.split(","):
        first, colon, code = part.partition(":")
        low, _, high = first.partition("-")
        high = high or low
        if not all(one.isdecimal() and one.isascii() and len(one) < 4 for one in (low, high)):
            raise rule.wrong(key, "types with codes, like 8:0")
        types.append((int(low), int(high)))
        one_code = _ONE_CODE[rule.around.family]
        is_exact &= not colon or code in ("0-255", "any") or (code == "0" and int(low) in one_code)
    numbers = Numbers.of(*types)
    if is_negated:
        numbers = Numbers(((0, 255),)) - numbers
    yield from (protocol, IcmpTypes(numbers))
    if not is_exact:
        yield rule.widened(key, "codes of ICMP are not modelled")


def _tcp_flags(rule: Reading, key: str) -> Iterable[Condition]:
    mask = value = 0
    for part in rule.item.get(key).split(","):
        bit = _FLAGS.get(part.removeprefix("!"))
        if bit is None:
            raise rule.wrong(key, f"some of {', '.join(_FLAGS)}")
        mask |= bit
        value |= 0 if part.startswith("!") else bit
    yield TcpFlags(mask, value)


# --- Connections --------------------------------------------------------------------------------------------


def _state(rule: Reading, key: str) -> Iterable[Condition]:
    text, is_negated = negated(rule.item, key)
    try:
        states = frozenset(State(one) for one in text.split(","))
    except ValueError:
        raise rule.wrong(key, f"some of {', '.join(State)}") from None
    yield States(frozenset(State) - states if is_negated else states)


def _nat_state(rule: Reading, key: str) -> Iterable[Condition]:
    text, is_negated = negated(rule.item, key)
    sides = {"srcnat": Side.SOURCE, "dstnat": Side.DESTINATION}
    if not set(text.split(",")) <= set(sides):
        raise rule.wrong(key, "srcnat or dstnat")
    found = tuple(Translated(sides[one]) for one in dict.fromkeys(text.split(",")))
    if len(found) == 1:
        yield Translated(found[0].side, not is_negated)
    else:
        yield AnyOf(tuple((one,) for one in found), is_negated)


def _mark(rule: Reading, key: str) -> Iterable[Condition]:
    name, is_negated = negated(rule.item, key)
    of, value, mask = rule.around.marks.of(key.removesuffix("-mark"), name)
    numbers = Numbers.one(value)
    yield Mark(of, Numbers(((0, 0xFFFF_FFFF),)) - numbers if is_negated else numbers, mask)


# --- What is the same for every packet, or for none ---------------------------------------------------------


def _fragment(rule: Reading, key: str) -> Iterable[Condition]:
    """Packets are put together before the firewall sees them."""
    value, is_negated = negated(rule.item, key)
    if (value in ("yes", "")) is not is_negated:
        yield NEVER


def _ipsec(rule: Reading, key: str) -> Iterable[Condition]:
    way, _, kind = rule.item.get(key).partition(",")
    if way not in ("in", "out") or kind not in ("ipsec", "none"):
        raise rule.wrong(key, "in or out, with ipsec or none")
    if rule.around.has_ipsec:
        yield rule.widened(key, "what IPsec policies take is not modelled")
    elif kind == "ipsec":
        yield NEVER


def _at_rest(rule: Reading, key: str) -> Iterable[Condition]:
    """Rates and counts, for a connection without others."""
    _, is_negated = negated(rule.item, key)
    beyond = LIMITS[key] is not is_negated
    if beyond and (rule.action in _CLOSES or rule.action.startswith("add-")):
        rule.ignored(key, _NOT_REACHED)
        yield NEVER
    elif not beyond and rule.action in ("accept", "return", "dst-nat", "src-nat", "masquerade"):
        rule.ignored(key, _NOT_REACHED)
    else:
        yield rule.widened(key, f"how many connections {key} counts is not known")


# Whether each holds beyond its limit, and not up to it.
LIMITS = {"limit": False, "dst-limit": False, "connection-limit": True, "psd": True}

MATCHERS: dict[str, Callable[[Reading, str], Iterable[Condition]]] = {
    "src-address": _address,
    "dst-address": _address,
    "src-address-list": _address_list,
    "dst-address-list": _address_list,
    "src-address-type": _address_type,
    "dst-address-type": _address_type,
    "in-interface": _interface,
    "out-interface": _interface,
    "in-interface-list": _interface_list,
    "out-interface-list": _interface_list,
    "protocol": _protocol,
    "src-port": _ports,
    "dst-port": _ports,
    "port": _any_port,
    "icmp-options": _icmp,
    "tcp-flags": _tcp_flags,
    "connection-state": _state,
    "connection-nat-state": _nat_state,
    "connection-mark": _mark,
    "packet-mark": _mark,
    "routing-mark": _mark,
    "fragment": _fragment,
    "ipsec-policy": _ipsec,
}
