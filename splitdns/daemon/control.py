"""The socket at which a person's commands meet a server that runs.

One line of JSON each way: ``{"config": "/etc/splitdns/splitdns.yaml", "flush": {"name": "example.org.",
"subtree": false, "view": null}}`` and ``{"flushed": 12}`` or ``{"error": "…"}``. Two servers of a machine may
be told the same path, so each obeys only what is said to its own configuration. Only the server's own user
and root can open the socket (unix(7)), and nobody else is heard. Without it, names are answered all the same.
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

MAX_LINE_OCTETS = 16_384  # of a command, with two paths of 4096 to spare; beyond: the connection is closed
PATIENCE_S = 5.0  # that who connects has to say something


class Control:
    """The socket at ``path``, listening, of the server with that configuration (None: the embedded default).

    Raises:
        OSError: it cannot be made there, or another server listens there.
    """

    def __init__(self, path: Path, config: Path | None) -> None:
        self.path = path
        self._config = _named(config)
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
                writer.write(json.dumps(await _answer(line, flush, self._config)).encode() + b"\n")
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


def ask(path: Path, flush: Flush, config: Path | None) -> int:
    """Have the server at ``path`` forget something; how many replies it forgot.

    Raises:
        ValueError: what it said is wrong with that, as where it is the server of another configuration.
        OSError: there is no server.
    """
    name = None if flush.name is None else to_text(flush.name)
    what = {"name": name, "subtree": flush.subtree, "view": flush.view}
    told = {"config": _named(config), "flush": what}
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


def _named(config: Path | None) -> str | None:
    """A configuration, as every process names it; where the file itself is a link, that may change."""
    return None if config is None else str(config.parent.resolve() / config.name)


async def _answer(
    line: bytes, flush: Callable[[Flush], Awaitable[int]], config: str | None
) -> dict[str, object]:
    try:
        command = json.loads(line)
        told, meant = command["flush"], command["config"]
        name = None if told["name"] is None else from_text(str(told["name"]))
        what = Flush(name, bool(told["subtree"]), None if told["view"] is None else str(told["view"]))
    except (ValueError, KeyError, TypeError):
        return {"error": "not a command that this version knows"}
    if meant != config:
        of = config or "the embedded default"
        return {"error": f"nothing is flushed: the server that listens at this `control` is that of {of}"}
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
