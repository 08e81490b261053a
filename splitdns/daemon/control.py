"""The socket at which a person's commands meet a server that runs.

One line of JSON each way: ``{"flush": {"name": "www.example.org.", "subtree": false, "view": null}}`` and
``{"flushed": 12}`` or ``{"error": "…"}``. Only the server's own user and root can open the socket (unix(7)),
so that nobody else is heard. Without it, names are answered all the same.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from splitdns.daemon.channel import Flush
from splitdns.names import from_text, to_text

MAX_LINE_OCTETS = 4096  # of a command; beyond: the connection is closed
PATIENCE_S = 5.0  # that who connects has to say something


class Control:
    """The socket at ``path``, listening.

    Raises:
        OSError: it cannot be made there, or another server listens there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o755, exist_ok=True)
        _make_way(path)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        former = os.umask(0o177)
        try:
            self._sock.bind(str(path))
            self._sock.listen()
        except OSError:
            self._sock.close()
            raise
        finally:
            os.umask(former)

    async def serve(self, flush: Callable[[Flush], Awaitable[int]], end: asyncio.Event) -> None:
        """Obey what is said until ``end``; then the socket and its path are gone.

        ``flush`` may raise ``ValueError`` with what is wrong, for a person.
        """

        async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    line = await reader.readline()
                writer.write(json.dumps(await _answer(line, flush)).encode() + b"\n")
                await writer.drain()
            except (TimeoutError, ValueError, OSError):  # it said nothing, or too much, or is gone
                pass
            finally:
                writer.close()

        async with await asyncio.start_unix_server(obey, sock=self._sock, limit=MAX_LINE_OCTETS):
            await end.wait()
        with suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """Close the socket, and leave it to others."""
        self._sock.close()


def path_of(control: str, config: Path | None) -> Path:
    """The path that the setting means; it is relative to the configuration."""
    return (config.parent if config is not None else Path()) / control


def ask(path: Path, flush: Flush) -> int:
    """Have the server at ``path`` forget something; how many replies it forgot.

    Raises:
        ValueError: what it said is wrong with that.
        OSError: there is no server.
    """
    name = None if flush.name is None else to_text(flush.name)
    told = {"flush": {"name": name, "subtree": flush.subtree, "view": flush.view}}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(2 * PATIENCE_S)
        sock.connect(str(path))
        with sock.makefile("rwb") as stream:
            stream.write(json.dumps(told).encode() + b"\n")
            stream.flush()
            line = stream.readline()
    if not line:
        raise ConnectionError("the server is stopping")
    answer = json.loads(line)
    if "error" in answer:
        raise ValueError(answer["error"])
    return int(answer["flushed"])


async def _answer(line: bytes, flush: Callable[[Flush], Awaitable[int]]) -> dict[str, object]:
    try:
        told = json.loads(line)["flush"]
        name = None if told["name"] is None else from_text(str(told["name"]))
        what = Flush(name, bool(told["subtree"]), None if told["view"] is None else str(told["view"]))
    except (ValueError, KeyError, TypeError):
        return {"error": "not a command that this version knows"}
    try:
        return {"flushed": await flush(what)}
    except ValueError as error:
        return {"error": str(error)}


def _make_way(path: Path) -> None:
    """Remove a socket that a server left when it was killed."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another server listens there")
