import contextlib
import dataclasses
import ipaddress
import logging
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.metrics import DNSTAP_DROPPED, Counts
from splitdns.serve import dnstap
from splitdns.serve.dnstap import CONTENT_TYPE, Collector, Dnstap, frames
from splitdns.serve.framestreams import Control, control_frame
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.wire.message import Transport

PATIENCE_S = 60.0
QUERY = bytes.fromhex("1234 0100 0001 0000 0000 0000 03777777 0474657374 00 0001 0001")
ANSWER = bytes.fromhex("1234 8180 0001 0000 0000 0000 03777777 0474657374 00 0001 0001")


def entry(number: int = 0, *, client: str = "192.168.1.5", rd: bool = True) -> QueryLogEntry:
    query = number.to_bytes(2) + (QUERY[2:] if rd else b"\0" + QUERY[3:])
    return QueryLogEntry(
        time_s=1_772_366_400.5,
        client=client,
        transport=Transport.UDP,
        view="lan",
        prefix=ipaddress.ip_network("192.168.0.0/16"),
        name=QUERY[12:22],
        qtype=1,
        qclass=1,
        rcode=0,
        provenance="zone",
        request_octets=len(query),
        response_octets=len(ANSWER),
        duration_s=0.25,
        query=query,
        answer=ANSWER,
    )


class Peer:
    """A collector that keeps what it reads, a connection after the other."""

    def __init__(self, listener: socket.socket) -> None:
        self.frames: list[bytes] = []
        self.got = threading.Condition()
        self._listener = listener
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_for(self, number: int) -> None:
        with self.got:
            assert self.got.wait_for(lambda: len(self.frames) >= number, PATIENCE_S), self.frames

    def close(self) -> None:
        for sock in (self._listener, *self._connections):
            with contextlib.suppress(OSError):  # it is closed already
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._connections.append(sock)
                with sock, sock.makefile("rb") as stream:
                    self._read(sock, stream)

    def _read(self, sock: socket.socket, stream: object) -> None:
        def read(octets: int) -> bytes:
            return stream.read(octets)  # type: ignore[attr-defined, no-any-return]

        while octets := read(4):
            (length,) = struct.unpack("!L", octets)
            if length:
                with self.got:
                    self.frames.append(read(length))
                    self.got.notify_all()
                continue
            control = read(struct.unpack("!L", read(4))[0])[3]
            if control == Control.READY:
                sock.sendall(control_frame(Control.ACCEPT, CONTENT_TYPE))
            if control == Control.STOP:
                sock.sendall(control_frame(Control.FINISH))


@contextlib.contextmanager
def collecting(path: Path) -> Iterator[Peer]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        peer = Peer(listener)
        try:
            yield peer
        finally:
            peer.close()
    path.unlink()


def sending(path: Path, counts: Counts) -> Dnstap:
    return Dnstap(Collector(str(path), "ns1"), "splitdns 0", counts)


@pytest.mark.needs("dnstap")
@pytest.mark.parametrize(
    ("client", "rd", "shown"),
    [
        ("192.168.1.5", True, ("CLIENT", "192.168.1.5", "INET")),
        ("::ffff:192.168.1.5", False, ("AUTH", "192.168.1.5", "INET")),
        ("fe80::1%eth0", True, ("CLIENT", "fe80::1", "INET6")),
    ],
)
def test_another_program_reads_it(tmp_path: Path, client: str, rd: bool, shown: tuple[str, ...]) -> None:
    whole = control_frame(Control.START, CONTENT_TYPE)
    for frame in frames(entry(client=client, rd=rd), b"ns1", b"splitdns 0"):
        whole += struct.pack("!L", len(frame)) + frame
    (tmp_path / "tap").write_bytes(whole + control_frame(Control.STOP))

    command = ["dnstap", "-y", "-r", str(tmp_path / "tap")]
    read = subprocess.run(command, capture_output=True, text=True, check=True)

    side, address, family = shown
    query, answer = read.stdout.strip("-\n").split("---")[:2]
    for text in (query, answer):
        assert 'identity: "ns1"' in text
        assert 'version: "splitdns 0"' in text
        assert f"socket_family: {family}" in text
        assert "socket_protocol: UDP" in text
        assert f"query_address: {address}\n" in text
        assert "query_time: !!timestamp 2026-03-01 12:00:00.25" in text
        assert "www.test." in text
    assert f"type: {side}_QUERY" in query
    assert "response_message" not in query
    assert f"type: {side}_RESPONSE" in answer
    assert "response_time: !!timestamp 2026-03-01 12:00:00.5" in answer


def test_everything_has_arrived_when_it_is_closed(tmp_path: Path) -> None:
    counts = Counts()
    with collecting(tmp_path / "s") as peer:
        tap = sending(tmp_path / "s", counts)
        for number in range(1200):
            tap(entry(number))
        tap.start()
        peer.wait_for(1)
        tap.close(PATIENCE_S)

    expected = [frame for number in range(1200) for frame in frames(entry(number), b"ns1", b"splitdns 0")]
    assert peer.frames == expected
    assert counts.value(DNSTAP_DROPPED) == 0


def test_what_has_no_room_is_dropped_and_counted() -> None:
    counts = Counts()
    tap = Dnstap(Collector("/nowhere", ""), "", counts, max_waiting=10)

    for _ in range(25):
        tap(entry())

    assert counts.value(DNSTAP_DROPPED) == 15


def test_a_collector_may_come_late_and_go_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dnstap, "RETRY_S", (0.01,))
    caplog.set_level(logging.INFO, logger="splitdns.serve")
    tap = sending(tmp_path / "s", Counts())
    tap(entry())
    tap.start()
    with collecting(tmp_path / "s") as peer:
        peer.wait_for(2)
    with collecting(tmp_path / "s") as peer:
        for number in range(1, 1000):
            tap(entry(number))
            if peer.frames:
                break
            threading.Event().wait(0.01)
        peer.wait_for(2)
        tap.close(PATIENCE_S)

    assert {record.message for record in caplog.records} == {"dnstap.connected", "dnstap.failed"}


def test_a_peer_that_never_reads_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        tap = sending(tmp_path / "s", Counts())
        tap(entry())
        tap.start()
        tap.close(0.0)


def test_a_collector_is_named_as_it_is_written() -> None:
    assert str(Collector(("::1", 6000), "")) == "[::1]:6000"
    assert str(Collector(("127.0.0.1", 6000), "")) == "127.0.0.1:6000"
    assert dataclasses.replace(Collector("/run/s", ""), identity="x").address == "/run/s"
