"""The address that a gateway tells over NAT-PMP (RFC 6886) or PCP (RFC 6887).

NAT-PMP has a question for it. PCP has none but a mapping (RFC 6887 11.6): one of the discard port, for a
short time, and only where the gateway does not speak NAT-PMP.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from splitdns.daemon.wan.answer import Address, WanError
from splitdns.load.wansources import OfPcp

PAUSES_S = (0.25, 0.5, 1.0, 2.0)  # for an answer, before the question is sent again (RFC 6886 3.1)
LIFETIME_S = 120  # of a mapping: the least that PCP servers have to grant (RFC 6887 15)
ANNOUNCED = ("224.0.0.1", 5350)  # where servers tell of a change (RFC 6886 3.2.1, RFC 6887 14.1)
ROUTES = Path("/proc/net/route")

_ADDRESS_WANTED = bytes(2)  # NAT-PMP: version 0, opcode 0
_NATPMP = struct.Struct("!BBHI4s")
_PCP_HEAD = struct.Struct("!BBHI16s")
_PCP_MAP = struct.Struct("!12sB3xHH16s")
_PCP_ANSWER = struct.Struct("!BBBBII12x")
_UNSUPPORTED = 1  # the result of either for a version that is not spoken
_UDP, _DISCARD = 17, 9
_MAX_OCTETS = 1100  # RFC 6887 7


async def ask(source: OfPcp, nonce: bytes, pauses_s: tuple[float, ...] = PAUSES_S) -> Address:
    """The gateway's external address; ``nonce`` is the same each time, so that a mapping stays ours.

    Raises:
        WanError: it does not answer, or has none.
        OSError: there is no way to it.
    """
    server = source.server or default_router()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((server, source.port))
        answer = await _exchanged(sock, _ADDRESS_WANTED, pauses_s)
        if int.from_bytes(answer[2:4], "big") == _UNSUPPORTED:
            own = IPv4Address(sock.getsockname()[0])
            return mapped(await _exchanged(sock, mapping(own, nonce), pauses_s), nonce)
        return told(answer)


async def _exchanged(sock: socket.socket, question: bytes, pauses_s: tuple[float, ...]) -> bytes:
    loop = asyncio.get_running_loop()
    for pause_s in pauses_s:
        await loop.sock_sendall(sock, question)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                answer = await loop.sock_recv(sock, _MAX_OCTETS)
                while len(answer) < 4 or answer[1] != 0x80 | question[1]:
                    answer = await loop.sock_recv(sock, _MAX_OCTETS)
                return answer
    raise WanError(f"{sock.getpeername()[0]} answers neither NAT-PMP nor PCP")


def told(answer: bytes) -> Address:
    """The address in NAT-PMP's answer (RFC 6886 3.2).

    Raises:
        WanError: there is none.
    """
    if len(answer) < _NATPMP.size:
        raise WanError("the gateway's answer over NAT-PMP is too short")
    _, _, result, _, packed = _NATPMP.unpack_from(answer)
    if result:
        raise WanError(f"the gateway refuses over NAT-PMP, with code {result}")
    return _filled(IPv4Address(packed))


def mapping(own: IPv4Address, nonce: bytes) -> bytes:
    """PCP's request for a mapping of UDP's discard port (RFC 6887 7.1, 11.1)."""
    any_address = _in_six(IPv4Address(0))
    head = _PCP_HEAD.pack(2, 1, 0, LIFETIME_S, _in_six(own))
    return head + _PCP_MAP.pack(nonce, _UDP, _DISCARD, 0, any_address)


def mapped(answer: bytes, nonce: bytes) -> Address:
    """The address in PCP's answer (RFC 6887 7.2, 11.1).

    Raises:
        WanError: there is none.
    """
    if len(answer) < _PCP_ANSWER.size:
        raise WanError("the gateway's answer over PCP is too short")
    _, _, _, result, _, _ = _PCP_ANSWER.unpack_from(answer)
    if result:
        raise WanError(f"the gateway refuses over PCP, with code {result}")
    if len(answer) < _PCP_ANSWER.size + _PCP_MAP.size:
        raise WanError("the gateway's answer over PCP is too short")
    echoed, _, _, _, external = _PCP_MAP.unpack_from(answer, _PCP_ANSWER.size)
    found = IPv6Address(external).ipv4_mapped
    if echoed != nonce or found is None:
        raise WanError("the gateway's answer over PCP is not to our question")
    return _filled(found)


def _in_six(address: IPv4Address) -> bytes:
    return bytes(10) + b"\xff\xff" + address.packed


def _filled(address: IPv4Address) -> IPv4Address:
    if int(address) == 0:
        raise WanError("the gateway has no external address now")
    return address


def default_router(routes: Path = ROUTES) -> str:
    """The router of the best default route (proc_net(5)).

    Raises:
        WanError: there is none.
    """
    found = sorted(_defaults(routes.read_text()))
    if not found:
        raise WanError("there is no default route over IPv4, so no gateway to ask")
    return str(found[0][1])


def _defaults(table: str) -> Iterator[tuple[int, IPv4Address]]:
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) >= 8 and columns[1] == columns[7] == "00000000" and int(columns[3], 16) & 2:
            yield int(columns[6]), IPv4Address(bytes.fromhex(columns[2])[::-1])


class Announcements:
    """A socket that becomes readable when a gateway announces a change; it is a hint, and no more."""

    def __init__(self, at: tuple[str, int] = ANNOUNCED) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._sock.bind(at)
        except OSError:
            self._sock.close()
            raise

    def fileno(self) -> int:
        return self._sock.fileno()

    def drain(self) -> None:
        """Forget what has been said until now."""
        with suppress(OSError):
            while self._sock.recv(_MAX_OCTETS):
                pass

    def close(self) -> None:
        self._sock.close()
