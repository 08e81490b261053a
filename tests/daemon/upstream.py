"""An upstream for a server that runs in another process: a thread that gives one address to every name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.message
import dns.query

from tests.upstreams import answer


@dataclass
class Upstream:
    """Where it listens, and the names that it was asked for, in order."""

    address: str
    asked: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """What was asked, and what still waits to be read: servers that wait for long ask again."""
        host, _, port = self.address.rpartition(":")
        dns.query.udp(dns.message.make_query("last.", "A"), host, 60.0, int(port))
        self.asked.clear()


@contextmanager
def answering(ttl_s: int = 300, address: str = "192.0.2.1") -> Iterator[Upstream]:
    """One that runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        upstream = Upstream(f"127.0.0.1:{sock.getsockname()[1]}")
        ending = threading.Event()
        sock.settimeout(0.1)

        def run() -> None:
            while not ending.is_set():
                try:
                    wire, source = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(wire)
                name = query.question[0].name.to_text()
                upstream.asked.append(name.lower())
                sock.sendto(answer(query, f"{name} {ttl_s} A {address}"), source)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield upstream
        finally:
            ending.set()
            thread.join()
