"""What was asked and answered, one line a query, off the query's way.

The query only puts an entry into a list; a thread makes lines of them and writes. Where the reader of the log
stands still, the list fills up and further lines are dropped and counted: answers are worth more than lines.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from time import sleep

from splitdns.logs import Format, text_value, timestamp
from splitdns.metrics import QUERYLOG_DROPPED, Counts
from splitdns.names import to_text
from splitdns.records import Class, Rcode, type_to_text
from splitdns.serve.pipeline import QueryLogEntry

MAX_LINES = (
    20_000  # that wait to be written, per worker; beyond: dropped, and splitdns_querylog_dropped_total
)
BATCH_S = 0.1  # how long lines are gathered before they are written together
WRITE_OCTETS = 4096  # of whole lines in one write: up to here workers do not cut each other's (PIPE_BUF)
RETRY_S = 0.05  # where the stream is full and does not block


class QueryLog:
    """Lines on the stream ``fd``; give it to a pipeline as its ``query_log``."""

    def __init__(self, fd: int, style: Format, counts: Counts, *, max_lines: int = MAX_LINES) -> None:
        self._fd = fd
        self._line = text_line if style == "text" else json_line
        self._counts = counts
        self._max_lines = max_lines
        self._waiting: deque[QueryLogEntry] = deque()
        self._something = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="querylog", daemon=True)

    def __call__(self, entry: QueryLogEntry) -> None:
        waiting = self._waiting
        if len(waiting) >= self._max_lines:
            self._counts.add(QUERYLOG_DROPPED)
            return
        waiting.append(entry)
        if len(waiting) == 1:
            self._something.set()

    def start(self) -> None:
        self._thread.start()

    def close(self, within_s: float) -> None:
        """Write what waits, as far as the stream takes it in this time."""
        self._closed.set()
        self._something.set()
        self._thread.join(within_s)

    def _write_all(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            self._closed.wait(BATCH_S)
            try:
                while self._waiting:
                    _write(self._fd, self._batch())
            except OSError:  # nobody reads any more: the list fills up, and what follows is counted
                return
            if self._closed.is_set():
                return

    def _batch(self) -> bytes:
        """Whole lines that one write takes; at least one."""
        batch = b""
        while self._waiting:
            line = self._line(self._waiting[0]).encode()
            if batch and len(batch) + len(line) > WRITE_OCTETS:
                break
            self._waiting.popleft()
            batch += line
        return batch


def _write(fd: int, octets: bytes) -> None:
    while octets:
        try:
            octets = octets[os.write(fd, octets) :]
        except BlockingIOError:
            sleep(RETRY_S)


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
