"""What was asked and answered, one line a query, off the query's way.

A thread makes lines of the backlog and writes them. Where the reader of the log stands still, the backlog
fills up and further lines are dropped and counted.
"""

from __future__ import annotations

import json
import os
from time import sleep
from typing import Protocol

from splitdns.logs import Format, text_value, timestamp
from splitdns.metrics import QUERYLOG_DROPPED, Counts
from splitdns.names import to_text
from splitdns.records import Class, Rcode, type_to_text
from splitdns.serve.backlog import Backlog
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.value import value

MAX_LINES = 20_000  # that wait, per worker; beyond: dropped, and splitdns_querylog_dropped_total
WRITE_OCTETS = 4096  # of whole lines in one write: up to here workers do not cut each other's (PIPE_BUF)
RETRY_S = 0.05  # where there is no room now


class Sink(Protocol):
    """Where lines go."""

    def write(self, octets: bytes) -> int:
        """How many octets were taken.

        Raises:
            BlockingIOError: none, for now.
            OSError: none any more.
        """

    def close(self) -> None: ...


@value(frozen=True, slots=True)
class Stream:
    """A descriptor that stays its owner's."""

    fd: int

    def write(self, octets: bytes) -> int:
        return os.write(self.fd, octets)

    def close(self) -> None: ...


class QueryLog:
    """Lines into ``sink``, which is closed at the end; give it to a pipeline as its ``query_log``."""

    def __init__(self, sink: Sink, style: Format, counts: Counts, *, max_lines: int = MAX_LINES) -> None:
        self._sink = sink
        self._line = text_line if style == "text" else json_line
        self._backlog = Backlog("querylog", self._write_all, counts, QUERYLOG_DROPPED, max_lines)

    def __call__(self, entry: QueryLogEntry) -> None:
        self._backlog.put(entry)

    def start(self) -> None:
        self._backlog.start()

    def close(self, within_s: float) -> None:
        """Write what waits, as far as it is taken in this time."""
        self._backlog.close(within_s)

    def _write_all(self) -> None:
        try:
            while True:
                self._backlog.gather()
                while self._backlog.waiting:
                    self._write(self._batch())
                if self._backlog.is_closed:
                    return
        except OSError:  # nobody reads any more: the list fills up, and what follows is counted
            pass
        finally:
            self._sink.close()

    def _write(self, octets: bytes) -> None:
        while octets:
            try:
                octets = octets[self._sink.write(octets) :]
            except BlockingIOError:
                sleep(RETRY_S)

    def _batch(self) -> bytes:
        """Whole lines that one write takes; at least one."""
        batch, waiting = b"", self._backlog.waiting
        while waiting:
            line = self._line(waiting[0]).encode()
            if batch and len(batch) + len(line) > WRITE_OCTETS:
                break
            waiting.popleft()
            batch += line
        return batch


def text_line(entry: QueryLogEntry) -> str:
    """One line for people, in the form of ``logs``."""
    fields = " ".join(f"{name}={text_value(value)}" for name, value in _fields(entry).items())
    return f"{timestamp(entry.time_s)} QUERY   {fields}\n"


def json_line(entry: QueryLogEntry) -> str:
    """One JSON object."""
    return json.dumps({"time": timestamp(entry.time_s), "event": "query", **_fields(entry)}) + "\n"


def _fields(entry: QueryLogEntry) -> dict[str, str | int | float]:
    return {
        "client": entry.client,
        "transport": str(entry.transport),
        "name": to_text(entry.name) if entry.name else "",
        "class": _mnemonic(Class, entry.qclass, "CLASS"),
        "type": type_to_text(entry.qtype),
        "view": entry.view,
        "prefix": str(entry.prefix) if entry.prefix else "any" if entry.view else "",
        "rcode": _mnemonic(Rcode, entry.rcode, "RCODE"),
        "from": entry.provenance,
        "request_octets": entry.request_octets,
        "response_octets": entry.response_octets,
        "duration_ms": round(entry.duration_s * 1000, 3),
    }


def _mnemonic(names: type[Class] | type[Rcode], number: int, prefix: str) -> str:
    try:
        return names(number).name
    except ValueError:
        return f"{prefix}{number}"
