"""Packets as octets, and whether a condition of the model holds for one: yes, no, or not known (None)."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from splitdns.check.rules import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Original,
    Ports,
    Protocols,
    ReversePath,
    Rule,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
    Unknown,
)

OWN = {ip_address(one) for one in ("10.0.0.254", "192.0.2.2", "2001:db8::fe", "2001:db8:2::2")}
ON_LAN = {ip_address(one) for one in ("10.0.0.254", "2001:db8::fe")}
BROADCAST = {ip_address(one) for one in ("10.255.255.255", "192.0.2.255", "255.255.255.255")}
WITH_PORTS = (6, 17, 33, 132, 136)
# Protocols of which conntrack wants to see a proper beginning, with which these packets do not bother.
UNTRACEABLE = (33, 132, 136)
OPENING = {1: (8, 13, 15, 17), 58: (128,)}  # messages with which an exchange begins


@dataclass(frozen=True)
class Packet:
    """A first packet, which comes in by ``lan``; ``kind`` is the type of an ICMP message."""

    source: str
    destination: str
    protocol: int
    source_port: int = 40_000
    destination_port: int = 0
    flags: int = 2
    kind: int = 8
    mark: int = 0
    connection_mark: int = 0

    @property
    def family(self) -> int:
        return ip_address(self.source).version

    @property
    def opens(self) -> bool:
        """Whether conntrack is sure to take it for a new connection's first."""
        if self.protocol == 6:
            return self.flags == 2
        return self.protocol not in UNTRACEABLE and self.kind in OPENING.get(self.protocol, (self.kind,))

    @property
    def octets(self) -> bytes:
        payload = self._payload()
        source, destination = ip_address(self.source).packed, ip_address(self.destination).packed
        if self.family == 6:
            return (
                struct.pack("!IHBB", 6 << 28, len(payload), self.protocol, 64)
                + source
                + destination
                + payload
            )
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, self.protocol, 0)
        checksum = _checksum(header + source + destination)
        return header[:10] + struct.pack("!H", checksum) + source + destination + payload

    def _payload(self) -> bytes:
        ports = struct.pack("!HH", self.source_port, self.destination_port)
        match self.protocol:
            case socket.IPPROTO_TCP:
                return ports + struct.pack("!IIBBHHH", 1, 0, 0x50, self.flags, 1024, 0, 0)
            case socket.IPPROTO_UDP | 136:
                return ports + struct.pack("!HH", 12, 0) + b"ping"
            case socket.IPPROTO_ICMP | socket.IPPROTO_ICMPV6:
                return struct.pack("!BBHHH", self.kind, 0, 0, 5, 1)
        return ports + bytes(28)


def _checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def matches(rule: Rule, packet: Packet) -> bool | None:
    """Whether all conditions hold in prerouting, after conntrack."""
    if packet.family not in rule.families:
        return False
    return _all([holds(one, packet) for one in rule.conditions])


def holds(condition: Condition, packet: Packet) -> bool | None:
    source, destination = ip_address(packet.source), ip_address(packet.destination)
    match condition:
        case Addresses(side, numbers):
            return int(source if side is Side.SOURCE else destination) in numbers
        case Protocols(numbers):
            return packet.protocol in numbers
        case Ports(side, numbers):
            port = packet.source_port if side is Side.SOURCE else packet.destination_port
            return packet.protocol in WITH_PORTS and port in numbers
        case IcmpTypes(numbers):
            return packet.protocol in (1, 58) and packet.kind in numbers
        case TcpFlags(mask, value, negated):
            return packet.protocol == 6 and (packet.flags & mask == value) is not negated
        case Interfaces(side, names, negated):
            name = "lan" if side is Side.SOURCE else ""
            return (
                any(name == one or (one[-1] == "*" and name.startswith(one[:-1])) for one in names)
                is not negated
            )
        case AddressTypes(side, types, negated, interface):
            address = source if side is Side.SOURCE else destination
            local = address in (ON_LAN if interface else OWN)
            ends = address in BROADCAST
            multicast = address.is_multicast
            kind = "local" if local else "broadcast" if ends else "multicast" if multicast else "unicast"
            if interface and address in OWN and not local:
                return None  # what else it is, is not asked of the model
            return (kind in types) is not negated
        case States(states):
            return State.NEW in states if packet.opens else None
        case Direction(reply):
            return not reply if packet.opens else None
        case Translated(_, expected):
            return not expected if packet.opens else None
        case Original(side, addresses, ports):
            if not packet.opens:
                return None
            port = packet.source_port if side is Side.SOURCE else packet.destination_port
            if ports is not None and packet.protocol in (1, 58):
                return None
            inside = addresses is None or int(source if side is Side.SOURCE else destination) in addresses
            return inside and (ports is None or (packet.protocol in WITH_PORTS and port in ports))
        case ReversePath(expected, loose, _):  # all else is behind the wan
            on_lan = source in ip_network("10.0.0.0/8" if packet.family == 4 else "2001:db8::/64")
            return (loose or on_lan) is expected
        case Mark(Of.PACKET, numbers, mask):
            return packet.mark & mask in numbers
        case Mark(_, numbers, mask):
            return packet.connection_mark & mask in numbers if packet.opens else None
        case AnyOf(alternatives, negated):
            found = [_all([holds(each, packet) for each in some]) for some in alternatives]
            either = True if True in found else None if None in found else False
            return None if either is None else either is not negated
        case Unknown():
            return None
    raise AssertionError(condition)


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True
