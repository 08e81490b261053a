"""``splitdns health``: whether the server that runs here is ready and answers, for a container's check.

It asks from outside, as Prometheus and a client do: what the server thinks of itself is one half, an answer
on its port is the other. A configuration that is broken now says nothing against a server that still answers
by its last good one, so the check then goes on with what it knows without it.
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from splitdns.cli.console import Status, printer, problems, report
from splitdns.cli.loading import chosen
from splitdns.errors import SplitdnsError
from splitdns.load.configvalues import Listen
from splitdns.load.load import settings_of
from splitdns.load.settings import Settings, read_settings

PATIENCE_S = 3.0  # for each of both; an image's HEALTHCHECK has to wait longer than their sum

_QUESTION = b"\tlocalhost\0" + struct.pack(">HH", 1, 1)  # A, IN: RFC 6761 has it answered without going out
_QR = 0x8000  # the bit that makes a message a response (RFC 1035 4.1.1)


def run(config: Path | None) -> None:
    """Say what was asked and is well, or else what is not, with status 1."""
    asked: list[str] = []
    wrong: list[str] = []
    for url, reason in _looks(config):
        if reason is None:
            asked.append(url)
        else:
            wrong.append(f"{url}: {reason}")
    if wrong:
        report(wrong)
        raise SystemExit(Status.NEGATIVE)
    printer().line("well: " + ", ".join(asked))


def _looks(config: Path | None) -> Iterator[tuple[str, str | None]]:
    """What is asked, and what is wrong with the answer."""
    settings, is_broken = _settings(config)
    if (admin := settings.admin.listen) is not None:
        yield f"http://{admin}/ready", not_ready(admin)
    if not is_broken:
        yield f"dns://{settings.listen[0]}", not_answering(settings.listen[0])


def _settings(config: Path | None) -> tuple[Settings, bool]:
    try:
        return settings_of(chosen(config)), False
    except (SplitdnsError, ExceptionGroup) as error:
        report([*problems(error)])
        return read_settings("", ""), True


def not_ready(admin: Listen) -> str | None:
    """What the admin endpoint has against this server; None: nothing."""
    connection = HTTPConnection(_here(admin), admin.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/ready")
        response = connection.getresponse()
        body = response.read(200).decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if response.status == 200 else f"{response.status} {body}"


def not_answering(listen: Listen) -> str | None:
    """Why no answer comes over UDP; None: one came, whichever, for this client may be in no view."""
    number = secrets.randbelow(1 << 16)
    host = _here(listen)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect((host, listen.port))
            sock.send(struct.pack(">6H", number, 0, 1, 0, 0, 0) + _QUESTION)
            head = sock.recv(512)[:4]
        except OSError as error:
            return str(error)
    if len(head) < 4 or head[:2] != number.to_bytes(2) or not int.from_bytes(head[2:]) & _QR:
        return "what came back is no answer"
    return None


def _here(listen: Listen) -> str:
    """An address of this machine at which a listener on every address is met."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
