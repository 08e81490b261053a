"""Queries and answers as dnstap, for programs that collect them: the messages themselves, octet for octet.

Like the query log it is off the query's way: a thread packs the backlog and sends it. Where nobody takes it
the backlog fills up, and what comes then is dropped and counted. The connection is made again and again until
it stands.

The schema is the part that is used here of dnstap.proto (https://github.com/dnstap/dnstap.pb; Farsight
Security, public domain by CC0), with its names and field numbers.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

from splitdns.metrics import DNSTAP_DROPPED, Counts
from splitdns.serve.backlog import Backlog
from splitdns.serve.framestreams import FrameWriter
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.value import value
from splitdns.view import fold_address
from splitdns.wire.message import Transport

log = logging.getLogger("splitdns.serve")

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
MAX_WAITING = 5000  # queries, per worker: some megabytes; beyond: dropped, and splitdns_dnstap_dropped_total
BATCH_QUERIES = 500  # that are sent together at the most
PEER_S = 2.0  # that the collector has to connect, to shake hands, or to take a batch
RETRY_S = (1.0, 2.0, 5.0, 10.0)  # between two attempts to connect, and the last for all that follow

_IS_MESSAGE = 1  # Dnstap.Type
_INET, _INET6 = 1, 2  # SocketFamily
_PROTOCOLS = {Transport.UDP: 1, Transport.TCP: 2}  # SocketProtocol
# Message.Type: of a client that wants recursion (RD), and of a resolver that does not.
_CLIENT_QUERY, _CLIENT_RESPONSE = 5, 6
_AUTH_QUERY, _AUTH_RESPONSE = 1, 2
_RD = 0x01  # in the third octet of a message


@value(frozen=True, slots=True)
class Collector:
    """Where it goes: the path of a socket, or host and port; and the name of this server in it."""

    address: str | tuple[str, int]
    identity: str

    def __str__(self) -> str:
        if isinstance(self.address, str):
            return self.address
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def connect(self) -> socket.socket:
        """A connection to it, on which everything has its time.

        Raises:
            OSError: there is none.
        """
        if not isinstance(self.address, str):
            return socket.create_connection(self.address, PEER_S)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PEER_S)
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            raise
        return sock


class Dnstap:
    """Sends to ``collector``; one of those who hear of a pipeline's queries.

    Raises:
        ModuleNotFoundError: protobuf is not installed.
    """

    def __init__(
        self, collector: Collector, version: str, counts: Counts, *, max_waiting: int = MAX_WAITING
    ) -> None:
        schema()
        self._collector = collector
        self._identity = collector.identity.encode()
        self._version = version.encode()
        self._backlog = Backlog("dnstap", self._send_all, counts, DNSTAP_DROPPED, max_waiting)

    def __call__(self, entry: QueryLogEntry) -> None:
        self._backlog.put(entry)

    def start(self) -> None:
        self._backlog.start()

    def close(self, within_s: float) -> None:
        """Send what waits, if there is a connection that takes it in this time."""
        self._backlog.close(within_s)

    def _send_all(self) -> None:
        attempts = 0
        while not self._backlog.is_closed:
            try:
                writer = self._connected()
                log.info("dnstap.connected", extra={"to": str(self._collector)})
                attempts = 0
                self._send(writer)
            except OSError as error:
                if not attempts:
                    fields = {"to": str(self._collector), "reason": error.strerror or str(error)}
                    log.warning("dnstap.failed", extra=fields)
                self._backlog.rest(RETRY_S[min(attempts, len(RETRY_S) - 1)])
                attempts += 1

    def _connected(self) -> FrameWriter:
        sock = self._collector.connect()
        try:
            return FrameWriter(sock, CONTENT_TYPE)
        except OSError:
            sock.close()
            raise

    def _send(self, writer: FrameWriter) -> None:
        """Send until closed; a batch that did not get through waits for the next connection."""
        backlog, waiting = self._backlog, self._backlog.waiting
        backlog.recall()  # what is left of a connection that broke
        try:
            while not (backlog.is_closed and not waiting):
                backlog.gather()
                while batch := list(islice(waiting, BATCH_QUERIES)):
                    writer.write(
                        frame for entry in batch for frame in frames(entry, self._identity, self._version)
                    )
                    for _ in batch:
                        waiting.popleft()
        finally:
            with suppress(OSError):  # the collector is gone
                writer.finish()


def frames(entry: QueryLogEntry, identity: bytes, version: bytes) -> tuple[bytes, bytes]:
    """The query and the answer of ``entry``, packed."""
    wants_recursion = bool(entry.query[2] & _RD)
    address = fold_address(entry.client).packed
    asked_s, told_s = entry.time_s - entry.duration_s, entry.time_s

    query = schema()(identity=identity, version=version, type=_IS_MESSAGE)
    message = query.message
    message.type = _CLIENT_QUERY if wants_recursion else _AUTH_QUERY
    message.socket_family = _INET if len(address) == 4 else _INET6
    message.socket_protocol = _PROTOCOLS[entry.transport]
    message.query_address = address
    message.query_time_sec, message.query_time_nsec = _time(asked_s)
    answer = schema()()
    answer.CopyFrom(query)
    message.query_message = entry.query

    message = answer.message
    message.type = _CLIENT_RESPONSE if wants_recursion else _AUTH_RESPONSE
    message.response_time_sec, message.response_time_nsec = _time(told_s)
    message.response_message = entry.answer
    return query.SerializeToString(), answer.SerializeToString()


def _time(time_s: float) -> tuple[int, int]:
    whole_s = int(time_s)
    return whole_s, int((time_s - whole_s) * 1e9)


# Numbers of FieldDescriptorProto.Type; an enumeration is a number to who packs and who reads it.
_BYTES, _FIXED32, _MESSAGE_TYPE, _UINT32, _UINT64 = 12, 7, 11, 13, 4
_OPTIONAL = 1
_FIELDS = {
    "Message": {
        "type": (1, _UINT32),
        "socket_family": (2, _UINT32),
        "socket_protocol": (3, _UINT32),
        "query_address": (4, _BYTES),
        "query_time_sec": (8, _UINT64),
        "query_time_nsec": (9, _FIXED32),
        "query_message": (10, _BYTES),
        "response_time_sec": (12, _UINT64),
        "response_time_nsec": (13, _FIXED32),
        "response_message": (14, _BYTES),
    },
    "Dnstap": {
        "identity": (1, _BYTES),
        "version": (2, _BYTES),
        "message": (14, _MESSAGE_TYPE),
        "type": (15, _UINT32),
    },
}


@cache
def schema() -> Any:
    """The class of the message ``Dnstap``.

    Raises:
        ModuleNotFoundError: protobuf is not installed.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="dnstap.proto", package="dnstap", syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, of_type) in fields.items():
            inner = ".dnstap.Message" if of_type == _MESSAGE_TYPE else None
            message.field.add(name=field, number=number, type=of_type, label=_OPTIONAL, type_name=inner)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("dnstap.Dnstap"))
