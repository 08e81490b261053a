"""One question to one server, over a socket that is kept."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.differential.questions import Question

_ANSWER_S = 30.0


class Asker:
    """Asks a server on loopback; a UDP socket and a TCP connection are kept from question to question."""

    def __init__(self, address: str, port: int) -> None:
        self._where = (address, port)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.settimeout(_ANSWER_S)
        self._udp.connect(self._where)
        self._tcp: socket.socket | None = None

    def ask(self, question: Question) -> bytes:
        """The reply's bytes.

        Raises:
            TimeoutError: there is none.
        """
        wire = question.to_wire()
        return self._ask_tcp(wire) if question.tcp else self._ask_udp(wire)

    def close(self) -> None:
        self._udp.close()
        if self._tcp:
            self._tcp.close()

    def _ask_udp(self, wire: bytes) -> bytes:
        self._udp.send(wire)
        while True:
            reply = self._udp.recv(65535)
            if reply[:2] == wire[:2]:
                return reply

    def _ask_tcp(self, wire: bytes) -> bytes:
        framed = struct.pack("!H", len(wire)) + wire
        if self._tcp is not None:
            try:
                return self._exchange(self._tcp, framed)
            except (ConnectionError, EOFError):  # closed for idling or after so many queries: a new one
                self._tcp.close()
        self._tcp = socket.create_connection(self._where, _ANSWER_S)
        return self._exchange(self._tcp, framed)

    def _exchange(self, connection: socket.socket, framed: bytes) -> bytes:
        connection.sendall(framed)
        (length,) = struct.unpack("!H", _exactly(connection, 2))
        return _exactly(connection, length)


def _exactly(connection: socket.socket, octets: int) -> bytes:
    data = b""
    while len(data) < octets:
        more = connection.recv(octets - len(data))
        if not more:
            raise EOFError("the connection was closed")
        data += more
    return data


@contextmanager
def asking(*where: tuple[str, int]) -> Iterator[list[Asker]]:
    """An asker for each (address, port)."""
    askers = [Asker(*place) for place in where]
    try:
        yield askers
    finally:
        for asker in askers:
            asker.close()
