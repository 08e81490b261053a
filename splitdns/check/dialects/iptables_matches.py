"""Matches of iptables as conditions: what stands after ``-m`` (iptables-extensions(8), "MATCH EXTENSIONS").

A match is a table of its options. Those that depend on anything but the packet and its connection (rates,
time, chance, the process that sent it) may hold or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from splitdns.check.dialects.iptables_conntrack import CONNTRACK, STATE, TRACKED, of_connection
from splitdns.check.dialects.iptables_icmp import type_and_code
from splitdns.check.dialects.iptables_rule import Reader, Reading, not_modelled
from splitdns.check.dialects.iptables_values import (
    MARKS,
    address_range,
    other_ports,
    ports,
    value_and_mask,
    without,
)
from splitdns.check.dialects.iptables_words import Option, Word, only_value
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    IcmpTypes,
    Mark,
    Of,
    Ports,
    ReversePath,
    Side,
    TcpFlags,
    Unknown,
)
from splitdns.check.sets import PROTOCOLS, Numbers, all_addresses

NEVER = AnyOf(())  # one of no alternatives
_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
_SYN_BITS, _SYN = 0x17, 0x02
_ADDRESS_TYPES = frozenset({
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT",
    "THROW", "NAT", "XRESOLVE",
})  # fmt: skip


# --- Ports --------------------------------------------------------------------------------------------------


def _ports(side: Side) -> Reader:
    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        found = ports(rule.line, only_value(rule.line, option))
        if found is None:
            return [rule.unknown(option.name, "the service's port is not known here")]
        return [Ports(side, other_ports(found, option.negated))]

    return read


def _either_port(rule: Reading, option: Option) -> Sequence[Condition]:
    found = ports(rule.line, only_value(rule.line, option))
    if found is None:
        return [rule.unknown(option.name, "the service's port is not known here")]
    return [AnyOf(((Ports(Side.SOURCE, found),), (Ports(Side.DESTINATION, found),)), option.negated)]


_SOURCE_PORTS, _DESTINATION_PORTS = _ports(Side.SOURCE), _ports(Side.DESTINATION)
_WITH_PORTS: dict[str, Reader] = {
    "--sport": _SOURCE_PORTS,
    "--source-port": _SOURCE_PORTS,
    "--dport": _DESTINATION_PORTS,
    "--destination-port": _DESTINATION_PORTS,
}

# --- TCP ----------------------------------------------------------------------------------------------------


def _tcp_flags(rule: Reading, option: Option) -> Sequence[Condition]:
    if len(option.values) != 2:
        raise rule.line.wrong(option, "--tcp-flags MASK SET", str(option))
    mask, value = (_flags(rule, word) for word in option.values)
    return [TcpFlags(mask, value, option.negated)]


def _flags(rule: Reading, word: Word) -> int:
    bits = 0
    for name in word.text.upper().split(","):
        if name not in _FLAGS:
            raise rule.line.wrong(word, "flags of TCP")
        bits |= _FLAGS[name]
    return bits


def _syn(rule: Reading, option: Option) -> Sequence[Condition]:
    return [TcpFlags(_SYN_BITS, _SYN, option.negated)]


def _tcp_option(rule: Reading, option: Option) -> Sequence[Condition]:
    return [rule.unknown("tcp --tcp-option", "the options of a TCP header are not modelled")]


# --- ICMP ---------------------------------------------------------------------------------------------------


def _icmp(rule: Reading, option: Option) -> Sequence[Condition]:
    word = only_value(rule.line, option)
    if word.text.lower() == "any" or (rule.line.family == 4 and word.text == "255"):
        return [IcmpTypes(without(PROTOCOLS, PROTOCOLS, option.negated))]
    kind, code = type_and_code(rule.line, word, word.text)
    types = Numbers.one(kind)
    if code is None:
        return [IcmpTypes(without(PROTOCOLS, types, option.negated))]
    unknown = rule.unknown("icmp code", f"code {code} of type {kind} is not modelled")
    if option.negated:
        return [AnyOf(((IcmpTypes(types), unknown),), negated=True)]
    return [IcmpTypes(types), unknown]


# --- Addresses ----------------------------------------------------------------------------------------------


def _range(side: Side) -> Reader:
    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        word = only_value(rule.line, option)
        found = address_range(rule.line, word, word.text)
        return [Addresses(side, without(all_addresses(rule.line.family), found, option.negated))]

    return read


def _address_type(side: Side) -> Reader:
    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        word = only_value(rule.line, option)
        names = frozenset(word.text.upper().split(","))
        if not names <= _ADDRESS_TYPES:
            raise rule.line.wrong(word, "kinds of addresses like LOCAL")
        return [AddressTypes(side, frozenset(name.lower() for name in names), option.negated)]

    return read


_PACKET_TYPES = {
    "unicast": (frozenset({"broadcast", "multicast"}), True),
    "broadcast": (frozenset({"broadcast"}), False),
    "multicast": (frozenset({"multicast"}), False),
}


def _packet_type(rule: Reading, option: Option) -> Sequence[Condition]:
    """Of the frame; that of an address that a frame goes to agrees with it."""
    word = only_value(rule.line, option)
    if word.text.lower() not in _PACKET_TYPES:
        return [rule.unknown("pkttype", f"the type {word.text!r} of a frame is not modelled")]
    types, negated = _PACKET_TYPES[word.text.lower()]
    return [AddressTypes(Side.DESTINATION, types, negated != option.negated)]


_OF_REVERSE_PATH = frozenset({"--loose", "--validmark", "--accept-local", "--invert"})


def _reverse_path(rule: Reading, names: set[str]) -> list[Condition]:
    """All options together; --accept-local is about the gateway's own addresses, which no client has."""
    unseen: list[Condition] = [rule.unseen(f"rpfilter {name}") for name in sorted(names - _OF_REVERSE_PATH)]
    found = ReversePath("--invert" not in names, loose="--loose" in names, marked="--validmark" in names)
    return [found, *unseen]


def _match_set(rule: Reading, option: Option) -> Sequence[Condition]:
    if len(option.values) != 2:
        raise rule.line.wrong(option, "--match-set NAME src|dst,…", str(option))
    name, flags = option.values
    sides: list[Side] = []
    for flag in flags.text.split(","):
        if flag not in ("src", "dst"):
            raise rule.line.wrong(flags, "src or dst for each part of an element")
        sides.append(Side.SOURCE if flag == "src" else Side.DESTINATION)
    found = rule.sets.of(name.text, sides, negated=option.negated)
    return [rule.unknown("set", found.reason) if isinstance(found, Unknown) else found]


# --- Marks --------------------------------------------------------------------------------------------------


def _mark(of: Of) -> Reader:
    has_one: list[Condition] = [TRACKED] if of is Of.CONNECTION else []

    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        value, mask = value_and_mask(rule.line, only_value(rule.line, option))
        if value & ~mask:
            numbers = Numbers()  # no mark has bits that the mask takes away
        else:
            numbers = Numbers.one(value)
        return [Mark(of, without(MARKS, numbers, option.negated), mask), *has_one]

    return read


# --- All of them --------------------------------------------------------------------------------------------


def _nothing(rule: Reading, option: Option) -> Sequence[Condition]:
    return []


_SET_SETTINGS = ("--update-counters", "--update-subcounters", "--return-nomatch")

MATCHES: dict[str, dict[str, Reader]] = {
    "tcp": {
        **_WITH_PORTS,
        "--tcp-flags": _tcp_flags,
        "--syn": _syn,
        "--tcp-option": _tcp_option,
    },
    "udp": _WITH_PORTS,
    "udplite": _WITH_PORTS,
    "sctp": _WITH_PORTS,
    "dccp": _WITH_PORTS,
    "multiport": {
        "--sports": _SOURCE_PORTS,
        "--source-ports": _SOURCE_PORTS,
        "--dports": _DESTINATION_PORTS,
        "--destination-ports": _DESTINATION_PORTS,
        "--ports": _either_port,
    },
    "icmp": {"--icmp-type": _icmp},
    "icmp6": {"--icmpv6-type": _icmp},
    "ipv6-icmp": {"--icmpv6-type": _icmp},
    "icmpv6": {"--icmpv6-type": _icmp},
    "iprange": {"--src-range": _range(Side.SOURCE), "--dst-range": _range(Side.DESTINATION)},
    "addrtype": {
        "--src-type": _address_type(Side.SOURCE),
        "--dst-type": _address_type(Side.DESTINATION),
        "--limit-iface-in": _nothing,  # see conditions_of
        "--limit-iface-out": not_modelled("addrtype --limit-iface-out", "it is not modelled"),
    },
    "pkttype": {"--pkt-type": _packet_type},
    "set": {
        "--match-set": _match_set,
        "--set": _match_set,  # its name of old
        **dict.fromkeys(_SET_SETTINGS, _nothing),
    },
    "state": STATE,
    "conntrack": CONNTRACK,
    "mark": {"--mark": _mark(Of.PACKET)},
    "connmark": {"--mark": _mark(Of.CONNECTION)},
    "comment": {"--comment": _nothing},
    "nfacct": {"--nfacct-name": _nothing},  # it counts, and holds for every packet
}

# Headers between IPv6's and its payload's, which the packets that are asked about do not have; these matches
# hold only where the header is there, negated or not.
_ABSENT = frozenset({"dst", "hbh", "rt", "frag"})

# Known, and not modelled: what each looks at.
WIDENED = {
    "limit": "it holds up to a rate",
    "hashlimit": "it holds up to a rate, or beyond",
    "recent": "it holds for addresses that were seen lately",
    "connlimit": "it counts connections",
    "connbytes": "it counts what was transferred",
    "quota": "it holds for a number of bytes",
    "quota2": "it holds for a number of bytes",
    "statistic": "it holds by chance or by turns",
    "random": "it holds by chance",
    "nth": "it holds by turns",
    "rateest": "it looks at an estimated rate",
    "time": "it holds at times",
    "string": "it looks into the packet",
    "u32": "it looks into the packet",
    "bpf": "it is a program",
    "length": "it looks at the packet's length",
    "ttl": "it looks at the time to live",
    "hl": "it looks at the hop limit",
    "dscp": "it looks at the class of service",
    "tos": "it looks at the class of service",
    "ecn": "it looks at congestion bits",
    "tcpmss": "it looks at a TCP option",
    "owner": "it looks at the process that sent the packet",
    "cgroup": "it looks at the process that sent the packet",
    "cpu": "it looks at the processor",
    "mac": "it looks at the hardware address",
    "physdev": "it looks at the bridge's ports",
    "socket": "it looks for a socket here",
    "geoip": "it looks at the country",
    "helper": "it looks at connection tracking helpers",
    "connlabel": "it looks at labels of connections",
    "cluster": "it looks at a cluster's node",
    "policy": "it looks at IPsec policies",
    "realm": "it looks at routing realms",
    "devgroup": "it looks at groups of interfaces",
    "osf": "it guesses the operating system",
    "ipvs": "it looks at virtual servers",
    "layer7": "it looks into the packet",
    "psd": "it looks for port scans",
    "condition": "it looks at a file",
    "ah": "it looks at an IPsec header",
    "esp": "it looks at an IPsec header",
    "ipcomp": "it looks at an IPsec header",
    "ipv6header": "it looks at IPv6 extension headers",
    "eui64": "it looks at the hardware address",
    "mh": "it looks at a mobility header",
    "srh": "it looks at a segment routing header",
    "unclean": "it looks for broken packets",
}


def conditions_of(rule: Reading, match: str, options: Sequence[Option]) -> list[Condition]:
    """The conditions that ``-m match`` with its options makes; those that are not modelled are noted.

    Raises:
        ConfigError: a value is not what the option takes.
    """
    if match in _ABSENT:
        return [NEVER]
    if match == "rpfilter":
        return _reverse_path(rule, {option.name for option in options})
    readers = MATCHES.get(match)
    if readers is None:
        if match in WIDENED:
            return [rule.unknown(match, WIDENED[match])]
        return [rule.unseen(f"match {match}")]
    names = [option.name for option in options]
    if "--return-nomatch" in names:
        return [rule.unknown("set --return-nomatch", "it is not modelled")]
    found: list[Condition] = []
    for option in options:
        reader = readers.get(option.name)
        found += reader(rule, option) if reader else [rule.unseen(f"{match} {option.name}")]
    if match == "conntrack":
        return of_connection(found, names)
    if "--limit-iface-in" in names:
        return [replace(one, interface=True) if isinstance(one, AddressTypes) else one for one in found]
    return found
