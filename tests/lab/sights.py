"""What went over the wires: each packet that opens, answers or refuses a connection, wherever it was seen.

Four ways to lose a connection look alike to its client, a time-out. Seen at every interface of every host,
they differ. A connection is followed through any rewriting by what no gateway rewrites: the first sequence
number of TCP, and of UDP the number that our own clients write into the datagram.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from tests.lab.network import Host

ASKING, ANSWERING = b"splitdns-lab?", b"splitdns-lab!"  # how our datagrams begin; 8 octets of number follow

_ETH_P_ALL = 0x0003
_ETH_P_IP, _ETH_P_ARP, _ETH_P_IPV6 = 0x0800, 0x0806, 0x86DD
_SO_RCVBUFFORCE = 33
_BUFFER_OCTETS = 16 * 1024 * 1024  # nothing may be lost
_OTHER_HOST, _OUTGOING = 3, 4  # packet types, packet(7)

_NEIGHBOUR_SOLICITATION = 135  # RFC 4861 4.3

_SYN, _RST, _ACK = 0x02, 0x04, 0x10

# ARP, TCP with SYN or RST, UDP, ICMP; the rest is not even copied (the kernel's classic filter language).
_LOAD_OCTET, _LOAD_OCTET_X, _LOAD_HEADER_X = 0x30, 0x50, 0xB1
_AND, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x54, 0x15, 0x45, 0x06
_FILTER = (
    (_LOAD_OCTET, 0, 0, 0),
    (_AND, 0, 0, 0xF0),
    (_IF_EQUAL, 16, 0, 0x00),  # ARP: its first octet is 0
    (_IF_EQUAL, 0, 7, 0x40),
    (_LOAD_OCTET, 0, 0, 9),  # IPv4: protocol
    (_IF_EQUAL, 13, 0, socket.IPPROTO_UDP),
    (_IF_EQUAL, 12, 0, socket.IPPROTO_ICMP),
    (_IF_EQUAL, 0, 10, socket.IPPROTO_TCP),
    (_LOAD_HEADER_X, 0, 0, 0),
    (_LOAD_OCTET_X, 0, 0, 13),
    (_IF_ANY_BIT, 8, 7, _SYN | _RST),
    (_IF_EQUAL, 0, 6, 0x60),
    (_LOAD_OCTET, 0, 0, 6),  # IPv6: next header
    (_IF_EQUAL, 5, 0, socket.IPPROTO_UDP),
    (_IF_EQUAL, 4, 0, socket.IPPROTO_ICMPV6),
    (_IF_EQUAL, 0, 2, socket.IPPROTO_TCP),
    (_LOAD_OCTET, 0, 0, 40 + 13),
    (_IF_ANY_BIT, 1, 0, _SYN | _RST),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFF),
)


class Step(StrEnum):
    """What a packet is to its connection."""

    ASKS = "asks"
    ANSWERS = "answers"
    RESETS = "resets"
    TELLS = "tells"  # an ICMP error


@dataclass(frozen=True, slots=True)
class Sight:
    """A packet of connection ``number`` as it passed an interface of a host, out of it or into it.

    An ICMP error stands for the one whom its sender could not reach: ``source`` is that one, not the sender.
    """

    host: str
    interface: str
    outgoing: bool
    step: Step
    protocol: int
    number: int
    source: str
    source_port: int
    destination: str
    destination_port: int
    hops_left: int
    icmp: tuple[int, int] = (0, 0)  # type and code of an error
    own_number: int = 0  # of TCP, the answering side's first sequence number: errors about answers quote it

    def __str__(self) -> str:
        way = "->" if self.outgoing else "<-"
        icmp = f" icmp {self.icmp[0]}/{self.icmp[1]}" if self.step is Step.TELLS else ""
        ends = f"{self.source}:{self.source_port} > {self.destination}:{self.destination_port}"
        return f"{self.host} {way} {self.interface}: {self.step} {ends}{icmp} ttl {self.hops_left}"


class Lookout:
    """Sees all packets of ``host`` from now on; on ``ports``, of its bridges, also those for others.

    ``sought``: the addresses for which the host has asked its links (ARP, or RFC 4861).
    """

    def __init__(self, host: Host, ports: Collection[str] = ()) -> None:
        self.sought: set[str] = set()
        self._host = host.name
        self._ports = ports
        with host.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_OCTETS)
            _attach(self._socket)
        self._socket.setblocking(False)

    def seen(self) -> Iterator[Sight]:
        """What has passed since it was asked last."""
        with suppress(BlockingIOError):
            while True:
                packet, (interface, ethertype, kind, *_) = self._socket.recvfrom(2048)
                if ethertype == _ETH_P_ARP and kind == _OUTGOING:
                    self.sought.add(socket.inet_ntop(socket.AF_INET, packet[24:28]))
                if ethertype == _ETH_P_IPV6 and kind == _OUTGOING and _solicits(packet):
                    self.sought.add(socket.inet_ntop(socket.AF_INET6, packet[48:64]))
                is_for_others = kind == _OTHER_HOST and interface not in self._ports
                if is_for_others or ethertype not in {_ETH_P_IP, _ETH_P_IPV6}:
                    continue
                sight = _sight(self._host, interface, kind == _OUTGOING, packet)
                if sight is not None:
                    yield sight

    def close(self) -> None:
        self._socket.close()


def _solicits(packet: bytes) -> bool:
    return packet[6] == socket.IPPROTO_ICMPV6 and packet[40] == _NEIGHBOUR_SOLICITATION


@dataclass(frozen=True, slots=True)
class _Header:
    protocol: int
    source: str
    destination: str
    hops_left: int
    payload: bytes


def _header(packet: bytes) -> _Header:
    if packet[0] >> 4 == 4:
        payload = packet[(packet[0] & 0xF) * 4 :]
        ends = (socket.inet_ntop(socket.AF_INET, packet[at : at + 4]) for at in (12, 16))
        return _Header(packet[9], *ends, packet[8], payload)
    ends = (socket.inet_ntop(socket.AF_INET6, packet[at : at + 16]) for at in (8, 24))
    return _Header(packet[6], *ends, packet[7], packet[40:])


def _sight(host: str, interface: str, outgoing: bool, packet: bytes) -> Sight | None:
    header = _header(packet)
    match header.protocol:
        case socket.IPPROTO_TCP:
            found = _tcp(header.payload)
        case socket.IPPROTO_UDP:
            found = _udp(header.payload)
        case socket.IPPROTO_ICMP | socket.IPPROTO_ICMPV6:
            return _told(host, interface, outgoing, header)
        case _:
            return None
    if found is None:
        return None
    step, number, source_port, destination_port = found
    own = int.from_bytes(header.payload[4:8]) if header.protocol == socket.IPPROTO_TCP else 0
    return Sight(
        host,
        interface,
        outgoing,
        step,
        header.protocol,
        number,
        header.source,
        source_port,
        header.destination,
        destination_port,
        header.hops_left,
        own_number=own,
    )


def _tcp(segment: bytes) -> tuple[Step, int, int, int] | None:
    source, destination, sequence, acknowledged = struct.unpack_from("!HHII", segment)
    flags = segment[13]
    if flags & _RST:
        number = acknowledged - 1 if flags & _ACK else sequence - 1
        return Step.RESETS, number & 0xFFFF_FFFF, source, destination
    if flags & _ACK:
        return Step.ANSWERS, (acknowledged - 1) & 0xFFFF_FFFF, source, destination
    return Step.ASKS, sequence, source, destination


def _udp(datagram: bytes) -> tuple[Step, int, int, int] | None:
    source, destination = struct.unpack_from("!HH", datagram)
    text = datagram[8:]
    for step, beginning in ((Step.ASKS, ASKING), (Step.ANSWERS, ANSWERING)):
        if text.startswith(beginning):
            return step, int.from_bytes(text[len(beginning) : len(beginning) + 8]), source, destination
    return None


def _told(host: str, interface: str, outgoing: bool, header: _Header) -> Sight | None:
    """An ICMP error bears the beginning of the packet that it is about, with any rewriting undone."""
    kind, code = header.payload[0], header.payload[1]
    errors = {3, 11} if header.protocol == socket.IPPROTO_ICMP else {1, 3}
    if kind not in errors or len(header.payload) < 8 + 20 + 8:
        return None
    about = _header(header.payload[8:])
    if about.protocol == socket.IPPROTO_TCP:
        source_port, about_port, number = struct.unpack_from("!HHI", about.payload)
    elif about.protocol == socket.IPPROTO_UDP and (found := _udp(about.payload)):
        _, number, source_port, about_port = found
    else:
        return None
    return Sight(
        host,
        interface,
        outgoing,
        Step.TELLS,
        about.protocol,
        number,
        about.destination,
        about_port,
        about.source,
        source_port,
        header.hops_left,
        (kind, code),
    )


def _attach(sniffer: socket.socket) -> None:
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _FILTER)
    buffer = ctypes.create_string_buffer(program)
    description = struct.pack("HL", len(_FILTER), ctypes.addressof(buffer))  # struct sock_fprog
    sniffer.setsockopt(socket.SOL_SOCKET, 26, description)  # SO_ATTACH_FILTER
