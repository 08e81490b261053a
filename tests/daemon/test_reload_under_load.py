"""Reloads while clients ask without a pause: no query is lost, no message is made from two generations.

Everything in the zones bears the number of its version: the MX preference and the address beside it, both
ends of an alias from one zone into another, the serial of a negative answer. A message with two numbers is
from two generations.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from tests.daemon.server import Server, Site

LOST_S = 30.0  # a query that has no answer by then is lost
QUESTIONS = (
    ("example.org", "MX"),
    ("www.example.org", "A"),
    ("_sip._tcp.example.org", "SRV"),
    ("alias.example.org", "A"),
    ("nothing.example.org", "A"),
    ("mail.example.net", "TXT"),
)


def version(number: int) -> dict[str, str]:
    """The zone files of one version."""
    address = f"198.18.{number // 256}.{number % 256}"
    head = f"ns: [ns.example.com.]\nsoa: {{serial: {number}}}\nrecords:\n"
    return {
        "example.org.yaml": f"zone: example.org\n{head}"
        f'  "@": {{MX: "{number} mail"}}\n'
        f"  mail: {{A: {address}}}\n"
        f"  www: {{A: {address}}}\n"
        f'  _sip._tcp: {{SRV: "{number} 0 5060 mail"}}\n'
        f"  alias: {{CNAME: alias{number}.example.net.}}\n",
        "example.net.yaml": f"zone: example.net\n{head}"
        f"  alias{number}: {{A: {address}}}\n"
        f'  mail: {{TXT: "{number}"}}\n',
        "example.com.yaml": "zone: example.com\nns: [ns]\nrecords:\n  ns: {A: 198.18.255.1}\n",
    }


def numbers(message: dns.message.Message) -> set[int]:
    """The versions that the records of a message are from."""
    found = set()
    for rrset in (*message.answer, *message.authority, *message.additional):
        found |= {_number(rrset, rdata) for rdata in rrset}
    return found


def _number(rrset: dns.rrset.RRset, rdata: object) -> int:
    words = str(rdata).split()
    match rrset.rdtype:
        case dns.rdatatype.A:
            _, _, high, low = words[0].split(".")
            return int(high) * 256 + int(low)
        case dns.rdatatype.MX | dns.rdatatype.SRV:
            return int(words[0])
        case dns.rdatatype.TXT:
            return int(words[0].strip('"'))
        case dns.rdatatype.CNAME:
            return int(words[0].removeprefix("alias").removesuffix(".example.net."))
        case dns.rdatatype.SOA:
            return int(words[2])
    raise AssertionError(rrset)


@dataclass
class Client:
    """Asks all questions over and over, a window of them at a time; one socket, so one worker."""

    port: int
    tcp: bool
    asked: int = 0
    lost: int = 0
    mixed: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    newest: int = 0
    failure: BaseException | None = None

    def run(self, over: threading.Event) -> None:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM) as sock:
                sock.settimeout(LOST_S)
                sock.connect(("127.0.0.1", self.port))
                while not over.is_set():
                    self._window(sock)
                self._window(sock)  # what it sees at the end is what there is at the end
        except BaseException as error:
            self.failure = error

    def _window(self, sock: socket.socket) -> None:
        waiting: dict[int, str] = {}
        for name, rdtype in QUESTIONS:
            query = dns.message.make_query(name, rdtype, id=(self.asked + len(waiting)) % 65_536)
            waiting[query.id] = f"{name} {rdtype}"
            wire = query.to_wire()
            sock.sendall(struct.pack("!H", len(wire)) + wire if self.tcp else wire)
        self.asked += len(waiting)
        try:
            while waiting:
                message = dns.message.from_wire(self._receive(sock))
                self._check(message, waiting.pop(message.id))
        except TimeoutError:
            self.lost += len(waiting)

    def _receive(self, sock: socket.socket) -> bytes:
        if not self.tcp:
            return sock.recv(65_535)
        octets = _exactly(sock, 2)
        return _exactly(sock, int.from_bytes(octets, "big"))

    def _check(self, message: dns.message.Message, question: str) -> None:
        found = numbers(message)
        if len(found) != 1:
            self.mixed.append(f"{question}: {sorted(found)}\n{message}")
            return
        (number,) = found
        if number < self.newest:
            self.backwards.append(f"{question}: {number} after {self.newest}")
        self.newest = max(self.newest, number)


def _exactly(sock: socket.socket, octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        part = sock.recv(octets - len(found))
        if not part:
            raise ConnectionError("closed by the server")
        found += part
    return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    (made.zones / "example.org.yaml").unlink()
    made.zones.rmdir()
    publish(made, 1, version(1))
    return made


def publish(site: Site, number: int, files: dict[str, str]) -> None:
    """A new directory of zones in the place of the old one, in one step, as deployments do it."""
    directory = site.path / f"version{number}"
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    (site.path / "next").symlink_to(directory.name)
    (site.path / "next").rename(site.zones)


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    with Server(site) as running:
        yield running


@pytest.mark.parametrize(
    "reloads", [25, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_no_query_is_lost_and_none_answered_from_two_generations__semantics_21(
    site: Site, server: Server, reloads: int
) -> None:
    clients = [Client(server.port, tcp) for tcp in (False, False, True, True)]
    over = threading.Event()
    threads = [threading.Thread(target=client.run, args=(over,)) for client in clients]
    for thread in threads:
        thread.start()
    swapped = refused = broken = 0
    try:
        for number in range(2, reloads + 2):
            if number % 20 == 10:
                site.configure(site.settings + "workres: 3\n")
                assert server.wait_for("config.broken")["where"] == f"{site.config}:10:1"
                server.wait_for("reload.failed")
                refused += 1
                site.configure(site.settings)
                server.wait_for("generation.swapped")
            elif number % 20 == 0:
                bad = "zone: example.com\nns: [ns]\nrecords:\n  ns: {A: 198.18.255.256}\n"
                publish(site, number, version(number) | {"example.com.yaml": bad})
                assert server.wait_for("zone.broken")["where"] == f"{site.zones}/example.com.yaml:4:11"
                server.wait_for("generation.swapped", broken=1)
                broken += 1
                assert server.address("ns.example.com") == "198.18.255.1"
            else:
                publish(site, number, version(number))
                server.wait_for("generation.swapped", broken=0)
            swapped += 1
    finally:
        over.set()
        for thread in threads:
            thread.join()

    assert [client.failure for client in clients] == [None] * 4
    assert [client.lost for client in clients] == [0] * 4
    assert [client.mixed for client in clients] == [[]] * 4
    assert [client.backwards for client in clients] == [[]] * 4
    assert sum(client.asked for client in clients) > 50 * reloads
    assert {client.newest for client in clients} == {max(n for n in range(2, reloads + 2) if n % 20 != 10)}
    metrics = server.metrics()
    assert metrics["reload_success_total"] == swapped
    assert metrics["reload_failed_total"] == refused
    assert metrics["zone_load_failures_total"] == broken
    assert server.total("worker_restarts_total") == 0
    assert metrics["panics_total"] == 0
