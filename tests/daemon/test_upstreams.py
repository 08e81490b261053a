"""The daemon and its upstreams: over TLS with a certificate of our own, and in a circle with dnsmasq."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import dns.message
import dns.rcode
import pytest
import trustme

from tests.daemon.server import PATIENCE_S, Server, Site
from tests.lab.machine import Here, free_port
from tests.upstreams import answer

RESOLVER = "resolver.example"


@contextlib.contextmanager
def over_tls(directory: Path) -> Iterator[int]:
    """A resolver that answers every A with 192.0.2.7; ``own.pem`` in ``directory`` says whom to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "own.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(RESOLVER).configure_cert(context)
    threads: list[threading.Thread] = []

    def serve(stream: ssl.SSLSocket) -> None:
        with stream, stream.makefile("rb") as reader, contextlib.suppress(OSError):
            while octets := reader.read(2):
                asked = dns.message.from_wire(reader.read(int.from_bytes(octets, "big")))
                wire = answer(asked, f"{asked.question[0].name} 300 A 192.0.2.7")
                stream.sendall(len(wire).to_bytes(2, "big") + wire)

    def accept() -> None:
        while True:
            try:
                stream = context.wrap_socket(listener.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(stream,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    for each in threads:
        each.join()


@pytest.mark.parametrize("name", [RESOLVER, "another.example"])
def test_an_upstream_over_tls_is_asked_if_it_proves_its_name__semantics_17(
    tmp_path: Path, name: str
) -> None:
    with over_tls(tmp_path) as port:
        site = Site(tmp_path, workers=1)
        upstream = f'{{url: "tls://{name}:{port}", addresses: [127.0.0.1], ca: own.pem}}'
        site.configure(site.settings.replace('"127.0.0.1:1"', upstream))
        with Server(site) as server:
            names = (f"host{number}.elsewhere.example" for number in count())
            if name == RESOLVER:
                # Where this machine stands still for as long as a handshake may take, the next name does it.
                answers = next(found for each in names if (found := server.ask(each).answer))
                assert str(answers[0][0]) == "192.0.2.7"
                assert server.address(next(names)) == "192.0.2.7"
            else:
                assert server.ask(next(names)).rcode() == dns.rcode.SERVFAIL
                told = server.wait_for("upstream.down") if server.ask(next(names)) else {}
                assert "does not prove that it is another.example" in told["reason"]


@pytest.mark.needs("dnsmasq")
def test_a_circle_with_a_real_forwarder_ends_at_once__semantics_17(tmp_path: Path) -> None:
    machine, port = Here(tmp_path), free_port()
    site = Site(tmp_path, workers=1, upstream=f"127.0.0.1:{port}")
    try:
        with Server(site) as server:
            machine.start(
                "/usr/sbin/dnsmasq",
                "--no-daemon",
                "--conf-file=/dev/null",
                "--user=",
                "--group=",
                f"--port={port}",
                "--listen-address=127.0.0.1",
                "--bind-interfaces",
                "--no-resolv",
                "--no-hosts",
                f"--server=127.0.0.1#{server.port}",
            )
            until_s, number = time.monotonic() + PATIENCE_S, 0
            while not server.total("forward_loops_total"):  # until dnsmasq listens
                assert time.monotonic() < until_s, server.text
                response = server.ask(f"host{number}.elsewhere.example")
                assert response.rcode() == dns.rcode.SERVFAIL
                number += 1
                time.sleep(0.05)
            told = server.wait_for("forward.loop")
            assert told["upstream"] == f"127.0.0.1:{port}"
            response = server.ask("once-more.elsewhere.example")
            assert response.rcode() == dns.rcode.SERVFAIL
            assert server.total("forward_loops_total") >= 2
    finally:
        machine.stop()
