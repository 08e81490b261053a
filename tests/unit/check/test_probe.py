"""Probes against real sockets on loopback, which stand for the services' hosts."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import dns.message
import dns.rrset
import pytest
import trustme

from splitdns.check import probe as probing
from splitdns.check.judge import Cell, Judgement
from splitdns.check.probe import Fact, Probed, ask, probe
from splitdns.check.sets import numbers_of
from splitdns.load.declared import Port
from tests.check.world import SPLIT, World
from tests.lab.machine import free_port

PATIENCE_S = 0.5
HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    return World(tmp_path, zone=SPLIT).checked().judgement


def serving(judgement: Judgement, port: int, *addresses: object, protocol: str = "tcp") -> Judgement:
    """The judgement with its one service at ``port`` of loopback addresses instead."""
    (service,) = judgement.services
    exposed = replace(service.exposed, public=Port(protocol, port, port))
    told = {"lan": tuple(addresses)}
    return replace(judgement, services=(replace(service, exposed=exposed, answers=told),), cells=())  # type: ignore[arg-type]


def probed(judgement: Judgement) -> list[Probed]:
    return asyncio.run(probe(judgement, PATIENCE_S))


def test_working_refused_and_silent_are_three_facts(judgement: Judgement) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as full:
        full.bind(("127.0.0.2", 0))
        (works,) = probed(serving(judgement, server.getsockname()[1], HERE))
        (refused,) = probed(serving(judgement, full.getsockname()[1], THERE))

    assert (works.fact, works.source) == (Fact.WORKS, HERE)
    assert refused.fact is Fact.REFUSED


def test_nobody_answers_in_time(judgement: Judgement) -> None:
    """A queue that is full drops what comes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        (found,) = probed(serving(judgement, port, HERE))
        for one in waiting:
            one.close()

    assert found.fact is Fact.TIME_OUT


def test_over_udp_silence_is_no_fact_but_an_icmp_error_is(judgement: Judgement) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        (silent,) = probed(serving(judgement, port, HERE, protocol="udp"))
    (refused,) = probed(serving(judgement, free_port(), HERE, protocol="udp"))

    assert (silent.fact, refused.fact) == (Fact.SILENT, Fact.REFUSED)


def test_certificates_tell_two_hosts_apart(judgement: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("www.example.com").configure_cert(made)
        return made

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        writer.close()

    async def both(same: bool) -> list[Probed]:
        one = context()
        first = await asyncio.start_server(web, "127.0.0.1", 0, ssl=one)
        port = first.sockets[0].getsockname()[1]
        monkeypatch.setattr(probing, "TLS_PORTS", frozenset({port}))
        monkeypatch.setattr(probing, "HTTP_PORTS", frozenset({port}))
        async with first, await asyncio.start_server(web, "127.0.0.2", port, ssl=one if same else context()):
            return await probe(serving(judgement, port, HERE, THERE), 5.0)

    alike, different = asyncio.run(both(True)), asyncio.run(both(False))

    assert {one.http for one in alike} == {"HTTP/1.1 204 No Content"}
    assert [one.remark for one in alike] == ["", ""]
    assert all(len(one.certificate) == 64 for one in alike)
    assert all("it is another host" in one.remark for one in different)


def test_what_is_met_is_compared_with_what_the_rules_say(judgement: Judgement) -> None:
    cell = next(one for one in judgement.cells if one.works)

    def at(address: object, works: bool) -> Cell:
        packets = replace(cell.result.packets, source=numbers_of(HERE))
        verdict = cell.verdict if works else type(cell.verdict).DROPPED
        result = replace(cell.result, packets=packets)
        return replace(cell, service=moved.services[0], address=address, verdict=verdict, result=result)  # type: ignore[arg-type]

    with socket.create_server(("127.0.0.1", 0)) as server:
        moved = serving(judgement, server.getsockname()[1], HERE)
        (gap,) = probed(replace(moved, cells=(at(HERE, works=False),)))
        (fine,) = probed(replace(moved, cells=(at(HERE, works=True),)))
    (firewall,) = probed(replace(moved, cells=(at(HERE, works=True),)))

    assert "what the sources tell is not what the gateway does" in gap.remark
    assert fine.remark == ""
    assert "the host's own firewall" in firewall.remark


def answering(address: str) -> Callable[[bytes], bytes]:
    def answer(wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.answer = [dns.rrset.from_text(query.question[0].name, 60, "IN", "A", address)]
        return response.to_wire()

    return answer


@pytest.mark.parametrize(
    ("address", "remark"), [("192.168.1.20", ""), ("203.0.113.7", "the zones tell lan here")]
)
def test_what_the_server_tells_here_is_compared_with_the_zones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, remark: str
) -> None:
    config = World.config.replace("192.168.0.0/16", "192.168.0.0/16, 127.0.0.1/32")
    world = World(tmp_path, config=config, gateway="{resolver: [127.0.0.1]}")
    judged = world.checked().judgement

    async def told() -> str:
        loop = asyncio.get_running_loop()

        class Server(asyncio.DatagramProtocol):
            def connection_made(self, transport: object) -> None:
                self.transport = transport

            def datagram_received(self, wire: bytes, sender: object) -> None:
                self.transport.sendto(answering(address)(wire), sender)  # type: ignore[attr-defined]

        transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        monkeypatch.setattr(probing, "DNS_PORT", transport.get_extra_info("sockname")[1])
        (one,) = await ask(judged, 5.0)
        transport.close()
        assert [*map(str, one.addresses)] == [address]
        return one.remark

    assert asyncio.run(told()).startswith(remark)
