"""Live probes: does it work from here, and is it what the check says of clients like this one?

From where the command runs, each declared address is connected to, and nothing else. A connection ends in one
of three facts, which are not the same: it works, it is refused, or nobody answers in time. Of TLS the
certificate is kept, so that the inside and the public address can be seen to be the same host.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from ipaddress import ip_address

from splitdns.check.judge import Cell, Judgement
from splitdns.check.promises import Service
from splitdns.check.sets import Address
from splitdns.check.traffic import DNS_PORT, resolver_addresses
from splitdns.check.verdict import Verdict
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.response import Response
from splitdns.names import ROOT, from_text
from splitdns.records import Class, Type
from splitdns.value import value

PATIENCE_S = 3.0  # for one connection; a SYN that got lost is sent again after one second
AT_ONCE = 32  # connections on their way
TLS_PORTS = frozenset({443, 465, 563, 636, 853, 989, 990, 993, 995, 5061, 8443})
HTTP_PORTS = frozenset({80, 443, 8000, 8080, 8443})
_QUERY = bytes.fromhex("01000001000000000000")  # a header but for the id: RD, one question
_ROOT_NS = ROOT + bytes((0, Type.NS, 0, Class.IN))  # every DNS server has something to say to that


class Fact(StrEnum):
    """How a connection ended."""

    WORKS = "works"
    REFUSED = "refused"
    TIME_OUT = "time-out"
    UNREACHABLE = "unreachable"
    SILENT = "silent"  # over UDP: open, or lost; nobody can tell


@value(frozen=True, slots=True)
class Probed:
    """What was met at one address of a service, from ``source``.

    ``certificate`` is the SHA-256 of the TLS leaf, ``http`` the first line of the answer. ``cell`` is what
    the check says of clients like this one (None: it knows of none). ``remark`` says where both differ.
    """

    service: Service
    address: Address
    fact: Fact
    source: Address | None = None
    certificate: str = ""
    http: str = ""
    cell: Cell | None = None
    remark: str = ""


async def probe(judgement: Judgement, patience_s: float = PATIENCE_S) -> list[Probed]:
    """Every service at every address that any view is told, from here."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(service: Service, address: Address) -> Probed:
        async with free:
            return await _probed(service, address, patience_s)

    wanted = [(service, address) for service in judgement.services for address in service.addresses]
    found = await asyncio.gather(*(one(service, address) for service, address in wanted))
    return [*_reconciled(judgement, found)]


@value(frozen=True, slots=True)
class Told:
    """What this server really tells here for a name, at one of its addresses; ``remark``: it should not."""

    name: str
    resolver: Address
    fact: Fact
    addresses: tuple[Address, ...] = ()
    view: str | None = None
    remark: str = ""


async def ask(judgement: Judgement, patience_s: float = PATIENCE_S) -> list[Told]:
    """Each service's name at each address where clients ask, and whether that is what their view is told."""
    free = asyncio.Semaphore(AT_ONCE)
    services = {one.name: one for one in judgement.services if not one.name.startswith("*")}

    async def one(service: Service, resolver: Address) -> Told:
        async with free:
            return await _told(judgement, service, resolver, patience_s)

    resolvers = resolver_addresses(judgement.settings, judgement.loaded)
    wanted = [(service, resolver) for service in services.values() for resolver in resolvers]
    return list(await asyncio.gather(*(one(service, resolver) for service, resolver in wanted)))


async def _told(judgement: Judgement, service: Service, resolver: Address, patience_s: float) -> Told:
    source = _source_towards(resolver)
    if source is None:
        return Told(service.name, resolver, Fact.UNREACHABLE)
    name = from_text(service.name)
    query = os.urandom(2) + _QUERY + name + bytes((0, Type.A, 0, Class.IN))
    fact, said = await over_udp(resolver, DNS_PORT, patience_s, query)
    if fact is not Fact.WORKS:
        return Told(service.name, resolver, fact)
    try:
        reply = reduce(Response(said), name, Type.A)
    except (UpstreamError, struct.error) as error:
        return Told(service.name, resolver, fact, remark=f"an answer that is none: {error}")
    found = [rdata for rrset in reply.answer if rrset.rdtype == Type.A for rdata in rrset.rdatas]
    rrsets = sorted(map(ip_address, found), key=int)
    match = judgement.loaded.snapshot.match(str(source))
    view = match.view.name if match is not None else None
    expected = sorted((one for one in service.answers.get(view or "", ()) if one.version == 4), key=int)
    remark = ""
    if rrsets != expected:
        should = ", ".join(map(str, expected)) or "no address"
        remark = f"the zones tell {view or 'nobody'} here {should}: another view is met, or another server"
    return Told(service.name, resolver, fact, tuple(rrsets), view, remark)


async def _probed(service: Service, address: Address, patience_s: float) -> Probed:
    source = _source_towards(address)
    if source is None:
        return Probed(service, address, Fact.UNREACHABLE)
    port = service.exposed.public
    if port.protocol == "udp":
        packet = os.urandom(2) + _QUERY + _ROOT_NS if port.first == DNS_PORT else b"\0"
        fact, _ = await over_udp(address, port.first, patience_s, packet)
        return Probed(service, address, fact, source)
    fact = await _over_tcp(address, port.first, patience_s)
    certificate = http = ""
    if fact is Fact.WORKS and port.first in TLS_PORTS | HTTP_PORTS:
        name = service.name.removeprefix("*.").removesuffix(".")
        certificate, http = await _spoken(address, port.first, name, patience_s)
    return Probed(service, address, fact, source, certificate, http)


def _source_towards(address: Address) -> Address | None:
    """This machine's own address for packets to ``address``; no packet is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((str(address), DNS_PORT))
        except OSError:
            return None
        return ip_address(sock.getsockname()[0])


async def _over_tcp(address: Address, port: int, patience_s: float) -> Fact:
    try:
        async with asyncio.timeout(patience_s):
            _, writer = await asyncio.open_connection(str(address), port)
    except TimeoutError:
        return Fact.TIME_OUT
    except ConnectionError:
        return Fact.REFUSED
    except OSError:
        return Fact.UNREACHABLE
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Fact.WORKS


async def over_udp(address: Address, port: int, patience_s: float, packet: bytes) -> tuple[Fact, bytes]:
    """How it ended, and the answer; only what comes from where it was asked counts."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.connect((str(address), port))
            sock.send(packet)
            async with asyncio.timeout(patience_s):
                return Fact.WORKS, await loop.sock_recv(sock, 65_535)
        except TimeoutError:
            return (Fact.TIME_OUT if port == DNS_PORT else Fact.SILENT), b""
        except ConnectionError:
            return Fact.REFUSED, b""
        except OSError:
            return Fact.UNREACHABLE, b""


async def _spoken(address: Address, port: int, name: str, patience_s: float) -> tuple[str, str]:
    """The certificate's SHA-256 and the first line of an HTTP answer; nothing where it speaks neither.

    Who signed the certificate does not matter here, only whether it is the same one everywhere.
    """
    context = None
    if port in TLS_PORTS:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = http = ""
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(
                str(address), port, ssl=context, server_hostname=name if context else None
            )
            try:
                tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
                leaf = tls.getpeercert(binary_form=True) if tls is not None else None
                certificate = hashlib.sha256(leaf).hexdigest() if leaf else ""
                if port in HTTP_PORTS:
                    head = f"HEAD / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
                    writer.write(head.encode())
                    http = (await reader.readline()).decode("latin-1").strip()[:80]
            finally:
                writer.close()
    except (TimeoutError, OSError, ssl.SSLError, ValueError):
        pass  # it accepted the connection, and that is what is asked
    return certificate, http


def _reconciled(judgement: Judgement, found: Sequence[Probed]) -> Iterator[Probed]:
    """Each probe with the cell of clients like this one, and what does not fit together."""
    for one in found:
        cell = _cell(judgement, one)
        yield replace(one, cell=cell, remark=_remark(one, cell, found))


def _cell(judgement: Judgement, one: Probed) -> Cell | None:
    if one.source is None:
        return None
    for cell in judgement.of(one.service):
        packets = cell.result.packets
        if cell.address == one.address and int(one.source) in packets.source:
            return cell
    return None


def _remark(one: Probed, cell: Cell | None, found: Sequence[Probed]) -> str:
    others = {
        other.certificate for other in found if other.service is one.service and other.certificate
    } - {one.certificate}
    if one.certificate and others:
        return "another certificate than at the service's other address: it is another host"
    if cell is None or cell.verdict is Verdict.MAYBE or one.fact is Fact.SILENT:
        return ""
    if cell.works and one.fact is not Fact.WORKS:
        return "the rules let it through: look at the host's own firewall, and whether it listens"
    if not cell.works and one.fact is Fact.WORKS:
        return f"the rules say {cell.verdict.value}: what the sources tell is not what the gateway does"
    return ""
