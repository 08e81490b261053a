"""Events with fields, as lines for a person or as JSON for a machine, on standard error.

    log.info("snapshot.swapped", extra={"generation": 7, "zones": 12, "seconds": 0.041})

becomes

    2026-03-01T12:00:00.123Z INFO  snapshot.swapped generation=7 zones=12 seconds=0.041
    {"time": "2026-03-01T12:00:00.123Z", "level": "info", "event": "snapshot.swapped", "generation": 7, ...}

An event is one line whatever a field holds, so that nobody who chooses a name can forge a line. A field whose
name says that it is a secret is not shown.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Literal, TextIO

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

# What every record has besides the fields of its event.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET = re.compile(r"secret|password|token|private_key|cookie", re.IGNORECASE)
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without blank, quote, backslash and equals sign


def configure(
    level: Level = "info",
    style: Format = "text",
    *,
    stream: TextIO | None = None,
    always: Mapping[str, object] | None = None,
) -> None:
    """Let all events go to ``stream`` (standard error) from now on, with the fields ``always`` in each.

    Libraries speak from warnings upwards only.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter((TextFormatter if style == "text" else JsonFormatter)(always))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("splitdns").setLevel(level.upper())


class _Formatter(logging.Formatter):
    def __init__(self, always: Mapping[str, object] | None = None) -> None:
        super().__init__()
        self._always = dict(always or {})

    def fields(self, record: logging.LogRecord) -> Iterator[tuple[str, object]]:
        for name, value in (*vars(record).items(), *self._always.items()):
            if name not in _STANDARD:
                yield name, "***" if _SECRET.search(name) else value

    def traceback(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class TextFormatter(_Formatter):
    """``time LEVEL event name=value …``; a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={text_value(value)}" for name, value in self.fields(record))
        event = _one_line(record.getMessage())
        line = f"{timestamp(record.created)} {record.levelname:<7} {event}{fields}"
        if trace := self.traceback(record):
            line += "\n" + "\n".join("    " + part for part in trace.splitlines())
        return line


class JsonFormatter(_Formatter):
    """One JSON object a line; what JSON has no form for is given as text."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        event.update(self.fields(record))
        if trace := self.traceback(record):
            event["traceback"] = trace
        return json.dumps(event, default=str)


def timestamp(time_s: float) -> str:
    """Unix time as UTC, to the millisecond (RFC 3339)."""
    whole, milliseconds = divmod(int(time_s * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03}Z"


def text_value(value: object) -> str:
    """A field's value: as it is where it is one plain word, else quoted as JSON quotes."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]
