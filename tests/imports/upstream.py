"""An upstream that knows an answer to everything, so that what was forwarded is told from what was not.

Names of which a label begins with ``absent`` do not exist; all others have an address, a text and a mail
server, of which the text names the upstream that was asked. The addresses are not the documentation's: some
servers take those out of answers as private.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab.network import Host


@contextlib.contextmanager
def answering(host: Host, *upstreams: str) -> Iterator[None]:
    """An upstream at port 53 of each of these addresses of ``host``, over UDP and TCP.

    Several addresses in one text are those of one upstream, and give the same answers.
    """
    doors = []
    threads = []
    for who, address in ((one.split()[0], address) for one in upstreams for address in one.split()):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp, tcp = (host.socket(family, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM))
        for door in (udp, tcp):
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((address, 53))
            doors.append(door)
        tcp.listen()
        threads += [
            threading.Thread(target=_datagrams, args=(udp, who), daemon=True),
            threading.Thread(target=_streams, args=(tcp, who), daemon=True),
        ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for door in doors:
            with contextlib.suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()
        for thread in threads:
            thread.join(60)


def _datagrams(door: socket.socket, address: str) -> None:
    while door.fileno() >= 0:
        with contextlib.suppress(OSError):  # the client may be gone by now
            wire, client = door.recvfrom(4096)
            if wire:
                door.sendto(_answer(wire, address), client)


def _streams(door: socket.socket, address: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = door.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(60)
                size = int.from_bytes(connection.recv(2), "big")
                wire = _answer(connection.recv(size), address)
                connection.sendall(len(wire).to_bytes(2, "big") + wire)


def _answer(wire: bytes, address: str) -> bytes:
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query, recursion_available=True)
    (question,) = query.question
    if not query.flags & dns.flags.RD:  # who does not want recursion takes it for a zone's server
        reply.flags |= dns.flags.AA
    soa = "ns.upstream.example. host.upstream.example. 1 3600 900 604800 60"
    above = question.name.parent() if len(question.name) > 1 else question.name
    if any(label.lower().startswith(b"absent") for label in question.name.labels):
        reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.authority = [dns.rrset.from_text(above, 60, "IN", "SOA", soa)]
        return reply.to_wire()
    last = address.rpartition(".")[2] if "." in address else "6"
    known = {
        dns.rdatatype.A: f"9.9.9.{last}",
        dns.rdatatype.AAAA: f"2620:fe::{last}",
        dns.rdatatype.TXT: f'"asked at {address}"',
        dns.rdatatype.MX: "10 mail.upstream.example.",
        dns.rdatatype.SOA: soa,
        dns.rdatatype.NS: "ns.upstream.example.",
    }
    if question.rdtype in known:
        text = known[question.rdtype]
        rrset = dns.rrset.from_text(question.name, 60, "IN", dns.rdatatype.to_text(question.rdtype), text)
        reply.answer = [rrset]
    else:
        reply.authority = [dns.rrset.from_text(question.name, 60, "IN", "SOA", soa)]
    return reply.to_wire()
