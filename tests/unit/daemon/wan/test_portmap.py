"""Against gateways on the loopback that speak NAT-PMP, PCP, both, or neither."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.portmap import Announcements, ask, default_router, mapped, mapping, told
from splitdns.load.wansources import OfPcp

GOOD = IPv4Address("203.0.113.7")
NONCE = bytes(range(12))
Answer = Callable[[bytes], list[bytes]]


def natpmp(address: IPv4Address = GOOD, result: int = 0) -> bytes:
    return struct.pack("!BBHI4s", 0, 128, result, 1, address.packed)


def pcp(question: bytes, address: IPv4Address = GOOD, result: int = 0) -> bytes:
    head = struct.pack("!BBBBII12x", 2, 0x81, 0, result, 120, 1)
    return head + question[24:40] + question[40:44] + bytes(10) + b"\xff\xff" + address.packed


def pcp_only(question: bytes) -> list[bytes]:
    if question[0] == 0:
        return [struct.pack("!BBBBII12x", 2, 0x80, 0, 1, 0, 1)]
    return [pcp(question)]


class _Gateway(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.answer, self.heard = answer, 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1
        for one in self.answer(data):
            self.transport.sendto(one, addr)


async def asked(answer: Answer, pauses_s: tuple[float, ...] = (2.0,)) -> tuple[str, int]:
    loop = asyncio.get_running_loop()
    transport, gateway = await loop.create_datagram_endpoint(lambda: _Gateway(answer), ("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        return str(await ask(OfPcp("127.0.0.1", port), NONCE, pauses_s)), gateway.heard
    finally:
        transport.close()


def test_natpmp_is_asked_first_and_changes_nothing() -> None:
    assert asyncio.run(asked(lambda _: [natpmp()])) == ("203.0.113.7", 1)


def test_a_router_that_knows_pcp_only_is_asked_for_a_mapping() -> None:
    assert asyncio.run(asked(pcp_only)) == ("203.0.113.7", 2)


def test_a_lost_question_is_asked_again() -> None:
    answers: list[list[bytes]] = [[], [b"noise", natpmp()]]

    assert asyncio.run(asked(lambda _: answers.pop(0), (0.1, 2.0))) == ("203.0.113.7", 2)


def test_silence_is_said_to_be_silence() -> None:
    with pytest.raises(WanError, match=r"127\.0\.0\.1 answers neither NAT-PMP nor PCP"):
        asyncio.run(asked(lambda _: [], (0.05, 0.05)))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (natpmp(result=2), "refuses over NAT-PMP, with code 2"),
        (natpmp(IPv4Address(0)), "no external address now"),
        (natpmp()[:8], "too short"),
    ],
)
def test_natpmp_without_an_address(answer: bytes, complaint: str) -> None:
    with pytest.raises(WanError, match=complaint):
        told(answer)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (pcp(mapping(GOOD, NONCE), result=4), "refuses over PCP, with code 4"),
        (pcp(mapping(GOOD, bytes(12))), "not to our question"),
        (pcp(mapping(GOOD, NONCE))[:40], "too short"),
        (pcp(mapping(GOOD, NONCE))[:20], "too short"),
        (pcp(mapping(GOOD, NONCE), IPv4Address(0)), "no external address now"),
    ],
)
def test_pcp_without_an_address(answer: bytes, complaint: str) -> None:
    with pytest.raises(WanError, match=complaint):
        mapped(answer, NONCE)


def test_a_mapping_is_of_the_discard_port_and_short__rfc6887_11_1() -> None:
    question = mapping(IPv4Address("192.168.1.9"), NONCE)

    assert len(question) == 60
    assert question[:8] == bytes([2, 1, 0, 0]) + struct.pack("!I", 120)
    assert question[8:24] == bytes(10) + b"\xff\xff" + IPv4Address("192.168.1.9").packed
    assert question[24:36] == NONCE
    assert (question[36], question[40:42]) == (17, struct.pack("!H", 9))


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_no_octets_confuse_the_reader(octets: bytes) -> None:
    for read in (told, lambda one: mapped(one, NONCE)):
        try:
            read(octets)
        except WanError:
            continue


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wlan0\t00000000\t0201A8C0\t0003\t0\t0\t50\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
"""


def test_the_best_default_route_names_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTES)
    (tmp_path / "none").write_text(ROUTES.splitlines()[0])

    assert default_router(tmp_path / "route") == "192.168.1.2"
    with pytest.raises(WanError, match="no default route"):
        default_router(tmp_path / "none")


def test_an_announcement_is_a_hint() -> None:
    heard = Announcements(("127.0.0.1", 0))
    try:
        heard.drain()
        assert heard.fileno() >= 0
    finally:
        heard.close()
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            Announcements(taken.getsockname())
