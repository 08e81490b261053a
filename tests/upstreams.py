"""Upstreams that follow a script, on real loopback sockets with ports of their own.

A script is a function from what was asked to the messages that go back: none is silence, several are sent one
after the other. dnspython writes them, so that what is tested does not come from the code that reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from splitdns.view import Upstream, UpstreamSet


@dataclass(frozen=True)
class Asked:
    """A query as it came: over ``udp`` or ``tcp``, from ``source``."""

    wire: bytes
    transport: str
    source: Any = None

    @property
    def message(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire)

    @property
    def question(self) -> str:
        """``NAME TYPE``, as text, the name in lower case."""
        question = self.message.question[0]
        return f"{question.name.canonicalize()} {question.rdtype.name}"


Script = Callable[[Asked], Iterable[bytes]]


def answer(
    asked: Asked | dns.message.Message,
    *records: str,
    rcode: str = "NOERROR",
    authority: Iterable[str] = (),
    truncated: bool = False,
) -> bytes:
    """The answer to ``asked``; each of ``records`` and ``authority`` is one ``OWNER TTL TYPE RDATA``."""
    message = asked.message if isinstance(asked, Asked) else asked
    response = dns.message.make_response(message, recursion_available=True)
    response.set_rcode(dns.rcode.from_text(rcode))
    response.answer = rrsets(records)
    response.authority = rrsets(authority)
    if truncated:
        response.flags |= dns.flags.TC
    return response.to_wire(max_size=65_535)


def rrsets(lines: Iterable[str]) -> list[dns.rrset.RRset]:
    """Records from text, each on its own, so that what dnspython would not put together can be sent too."""
    parts = (line.split(None, 3) for line in lines)
    return [dns.rrset.from_text(owner, int(ttl), "IN", rdtype, rdata) for owner, ttl, rdtype, rdata in parts]


@dataclass
class ScriptedUpstream:
    """One that runs; ``asked`` is what came so far."""

    upstream: Upstream
    script: Script
    asked: list[Asked] = field(default_factory=list)
    datagrams: socket.socket | None = None

    def send(self, wire: bytes, asked: Asked) -> None:
        """A datagram to who asked, whenever."""
        assert self.datagrams is not None
        self.datagrams.sendto(wire, asked.source)

    def reply(self, asked: Asked) -> Sequence[bytes]:
        self.asked.append(asked)
        return list(self.script(asked))


def only(*scripted: ScriptedUpstream, timeout_s: float = 2.0) -> UpstreamSet:
    """The set of these, in this order."""
    return UpstreamSet(tuple(each.upstream for each in scripted), timeout_s)


@contextlib.asynccontextmanager
async def upstream(script: Script, host: str = "127.0.0.1") -> AsyncIterator[ScriptedUpstream]:
    """An upstream that follows ``script``, over UDP and TCP on the same port."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as sockets:
        datagrams, streams = bound_pair(sockets, family, host)
        scripted = ScriptedUpstream(Upstream(host, datagrams.getsockname()[1]), script, datagrams=datagrams)

        def on_datagram() -> None:
            wire, source = datagrams.recvfrom(65_535)
            for response in scripted.reply(Asked(wire, "udp", source)):
                datagrams.sendto(response, source)

        async def on_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                    for response in scripted.reply(Asked(wire, "tcp", writer.get_extra_info("peername"))):
                        writer.write(len(response).to_bytes(2, "big") + response)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        loop.add_reader(datagrams, on_datagram)
        server = await asyncio.start_server(on_stream, sock=streams)
        try:
            yield scripted
        finally:
            loop.remove_reader(datagrams)
            server.close()
            await server.wait_closed()


def bound_pair(
    sockets: contextlib.ExitStack, family: socket.AddressFamily, host: str
) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same free port."""
    while True:
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        datagrams.setblocking(False)
        datagrams.bind((host, 0))
        streams = socket.socket(family, socket.SOCK_STREAM)
        try:
            streams.bind((host, datagrams.getsockname()[1]))
        except OSError:
            streams.close()
            datagrams.close()
            continue
        sockets.enter_context(datagrams)
        sockets.enter_context(streams)
        return datagrams, streams
