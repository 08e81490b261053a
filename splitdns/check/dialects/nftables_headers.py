"""Fields of headers that a rule of nft looks at: addresses, ports, protocols, flags, types.

The packets that the check asks about are ordinary ones: whole, without IP options and extension headers. What
looks into those is known to fail.
"""

from __future__ import annotations

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, word
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    NEVER,
    AnyField,
    Field,
    Terms,
    Unmodelled,
    nothing,
    of_protocol,
)
from splitdns.check.rules import (
    DCCP,
    ICMP,
    ICMP6,
    SCTP,
    TCP,
    UDP,
    UDPLITE,
    WITH_PORTS,
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Ports,
    Protocols,
    Side,
    TcpFlags,
    Unknown,
)
from splitdns.check.sets import PROTOCOLS, Numbers

FAMILY4, FAMILY6 = Terms(frozenset({4})), Terms(frozenset({6}))
_TRANSPORTS = {"tcp": TCP, "udp": UDP, "udplite": UDPLITE, "sctp": SCTP, "dccp": DCCP}
_SIDES = {"saddr": Side.SOURCE, "daddr": Side.DESTINATION, "sport": Side.SOURCE, "dport": Side.DESTINATION}
_OTHER_HEADERS = {
    "ah": 51, "esp": 50, "comp": 108, "icmp": ICMP, "icmpv6": ICMP6, "igmp": 2, "gre": 47, **_TRANSPORTS,
}  # fmt: skip


def header(body: dict[str, Json]) -> AnyField:
    """The field that a ``payload`` expression is.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    if "tunnel" in body:
        return Unmodelled(f"{body['tunnel']} {body.get('protocol')} {body.get('field')}", of_protocol(UDP))
    if "protocol" not in body:
        return Unmodelled(f"raw payload @{body.get('base')},{body.get('offset')},{body.get('len')}")
    protocol, name = word(body["protocol"], "a protocol"), word(body.get("field"), "a header's field")
    match protocol, name:
        case ("ip" | "ip6"), ("saddr" | "daddr"):
            return _address(4 if protocol == "ip" else 6, _SIDES[name])
        case "ip", "protocol":
            return protocol_field("ip protocol", FAMILY4)
        case "ip6", "nexthdr":
            return protocol_field("ip6 nexthdr", FAMILY6)
        case ("ip" | "ip6"), "version":
            family = 4 if protocol == "ip" else 6
            return _constant(f"{protocol} version", 4, family, Terms(frozenset({family})))
        case "ip", "hdrlength":
            return _constant("ip hdrlength", 4, 5, FAMILY4)
        case "ip", "frag-off":
            return _FRAGMENT
        case "th", ("sport" | "dport"):
            return _ports(_SIDES[name], None)
        case ("tcp" | "udp" | "udplite" | "sctp" | "dccp"), ("sport" | "dport"):
            return _ports(_SIDES[name], _TRANSPORTS[protocol])
        case "tcp", "flags":
            return _tcp_flags(0xFF)
        case "icmp", "type":
            return _icmp_types("icmp", ICMP, values.ICMP_TYPES)
        case "icmpv6", "type":
            return _icmp_types("icmpv6", ICMP6, values.ICMP6_TYPES)
        case ("ether" | "vlan"), "type":
            return ether_type(f"{protocol} type")
    if protocol in ("ip", "ip6"):
        return Unmodelled(f"{protocol} {name}", FAMILY4 if protocol == "ip" else FAMILY6)
    if protocol in _OTHER_HEADERS:
        return Unmodelled(f"{protocol} {name}", of_protocol(_OTHER_HEADERS[protocol]))
    known = protocol in ("ether", "vlan", "arp", "th", "geneve", "vxlan", "gretap")
    return Unmodelled(f"{protocol} {name}", known=known)


def _address(family: int, side: Side) -> Field:
    return Field(
        f"{'ip' if family == 4 else 'ip6'} {'saddr' if side is Side.SOURCE else 'daddr'}",
        f"address{family}",
        32 if family == 4 else 128,
        values.address4 if family == 4 else values.address6,
        lambda numbers: (Addresses(side, numbers),),
        Terms(frozenset({family})),
    )


def _ports(side: Side, protocol: int | None) -> Field:
    """``protocol`` None: of nft's ``th``, which reads the same octets of any header, whatever they mean."""
    name = next((name for name, number in _TRANSPORTS.items() if number == protocol), "th")

    def meaning(numbers: Numbers) -> tuple[Condition, ...]:
        if protocol is not None:
            return (Ports(side, numbers),)
        with_ports = Numbers.of(*((number, number) for number in WITH_PORTS))
        by_accident = Unknown("th reads the header of a protocol without ports")
        return (
            AnyOf(
                (
                    (Protocols(with_ports), Ports(side, numbers)),
                    (Protocols(PROTOCOLS - with_ports), by_accident),
                )
            ),
        )

    return Field(
        f"{name} {'sport' if side is Side.SOURCE else 'dport'}",
        "port",
        16,
        values.named({}, 16),
        meaning,
        ALWAYS if protocol is None else of_protocol(protocol),
    )


def protocol_field(name: str, basis: Terms) -> Field:
    """The protocol of a packet, under one of its ``name``s."""
    scalar = values.named(values.PROTOCOLS_BY_NAME, 8)
    return Field(name, "protocol", 8, scalar, lambda numbers: (Protocols(numbers),), basis)


def _icmp_types(name: str, protocol: int, names: dict[str, int]) -> Field:
    return Field(
        f"{name} type",
        f"{name} type",
        8,
        values.named(names, 8),
        lambda numbers: (IcmpTypes(numbers),),
        of_protocol(protocol),
    )


def _tcp_flags(mask: int) -> Field:
    """The flags under ``mask``: the model compares one value at a time, and so the fewer are named."""

    def meaning(numbers: Numbers) -> tuple[Condition, ...]:
        possible = [value for value in range(256) if not value & ~mask]
        wanted = [value for value in possible if value in numbers]
        if len(wanted) <= len(possible) // 2:
            return _any_of(tuple(TcpFlags(mask, value) for value in wanted))
        return tuple(TcpFlags(mask, value, negated=True) for value in possible if value not in numbers)

    return Field(
        "tcp flags",
        "tcp flags",
        8,
        values.flags(values.TCP_FLAGS, 8),
        meaning,
        of_protocol(TCP),
        masked=lambda other: _tcp_flags(mask & other),
        are_flags=True,
    )


def _any_of(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return conditions if len(conditions) == 1 else (AnyOf(tuple((one,) for one in conditions)),)


def _constant(name: str, bits: int, value: int, basis: Terms) -> Field:
    return Field(
        name,
        f"number{bits}",
        bits,
        values.named({}, bits),
        lambda numbers: () if value in numbers else (NEVER,),
        basis,
    )


def _fragment(numbers: Numbers) -> tuple[Condition, ...]:
    """A whole packet has neither offset nor "more fragments"; "don't fragment" (0x4000) it may have."""
    either = {0 in numbers, 0x4000 in numbers}
    if either == {True, False}:
        return (Unknown("ip frag-off is compared with the don't-fragment bit"),)
    return () if either == {True} else (NEVER,)


_FRAGMENT = Field("ip frag-off", "number16", 16, values.named({}, 16), _fragment, FAMILY4)


def ether_type(name: str) -> Field:
    """The family of a packet, as the frame says."""
    def families(numbers: Numbers) -> frozenset[int]:
        return frozenset(f for f, one in ((4, "ip"), (6, "ip6")) if values.ETHER_TYPES[one] in numbers)

    scalar = values.named(values.ETHER_TYPES, 16)
    return Field(name, "ether type", 16, scalar, nothing, families=families)
