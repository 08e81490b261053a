"""``splitdns health``: whether the server that runs here is ready and answers, for a container's check.

It asks from outside, as Prometheus and a client do: what the server thinks of itself is one half, an answer
on its port is the other. A configuration that is broken now says nothing against a server that still answers
by its last good one: where that is asked is then read from what is left of the file.
"""

from __future__ import annotations

import re
import secrets
import socket
import struct
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from splitdns.cli.console import Status, printer, problems, report
from splitdns.cli.loading import told
from splitdns.errors import Problems, SplitdnsError
from splitdns.load import configvalues, marked
from splitdns.load.configvalues import Listen
from splitdns.load.load import settings_of
from splitdns.load.sections import AdminSettings

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
    admin, listen = _places(config)
    if admin is not None:
        yield f"http://{admin}/ready", not_ready(admin)
    if listen is not None:
        yield f"dns://{listen}", not_answering(listen)
    if admin is None and listen is None:
        yield "no server was asked", "the configuration does not say where it is"


def _places(config: Path | None) -> tuple[Listen | None, Listen | None]:
    """Where the admin endpoint and the first address for queries are, as far as that is known."""
    path = told(config)
    try:
        settings = settings_of(path)
    except (SplitdnsError, ExceptionGroup) as error:
        report([*problems(error)])
    else:
        return settings.admin.listen, settings.listen[0]
    try:
        text = path.read_text(errors="replace") if path is not None else ""
    except OSError:
        text = ""
    return left_of(text)


def left_of(text: str) -> tuple[Listen | None, Listen | None]:
    """The same of a configuration that is broken somewhere; what cannot be read of the two is not asked.

    The usual admin endpoint is asked only where nothing is said of one, for it may be another server's.
    """
    admin, listen = _setting(text, "admin", absent={}), _setting(text, "listen", absent=[])
    at = admin.get("listen", str(AdminSettings().listen)) if isinstance(admin, dict) else None
    return _address(at), _address(listen[0] if isinstance(listen, list) and listen else None)


def _setting(text: str, key: str, absent: object) -> object:
    """What a setting's own lines say, from its key to the next one; None where they are broken themselves."""
    lines = re.search(rf"^{key}[ \t]*:.*(?:\n(?:[ \t#\-\]}}].*)?)*", text, re.MULTILINE)
    if lines is None:
        return absent
    document = marked.scan(lines[0], "", Problems())
    data = document.data if document is not None else None
    return data.get(key) if isinstance(data, dict) else None


def _address(value: object) -> Listen | None:
    try:
        return configvalues.listen(value)
    except ValueError:
        return None


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
