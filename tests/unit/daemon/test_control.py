"""Commands to a server that runs, from a socket of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from splitdns.daemon.channel import Flush
from splitdns.daemon.control import MAX_LINE_OCTETS, Control, ask, path_of
from splitdns.names import from_text

WWW = from_text("www.example.org.")


async def flushes(what: Flush) -> int:
    if what.view == "wpn":
        raise ValueError("no such view")
    return 12


async def obeyed(
    path: Path, test: Callable[[], Awaitable[None]], flush: Callable[[Flush], Awaitable[int]] = flushes
) -> None:
    """Have ``test`` meet a server that listens at ``path``."""
    end = asyncio.Event()
    serving = asyncio.create_task(Control(path, None).serve(flush, end))
    try:
        await test()
    finally:
        end.set()
        await serving
    assert not path.exists()


@pytest.mark.parametrize(
    "what",
    [Flush(), Flush(WWW), Flush(WWW, subtree=True), Flush(from_text("a\\.b\\\".example.org."), view="lan")],
)
def test_what_is_told_is_what_is_heard_and_the_number_comes_back(what: Flush, tmp_path: Path) -> None:
    heard = []

    async def hears(flush: Flush) -> int:
        heard.append(flush)
        return 3

    async def test() -> None:
        assert await asyncio.to_thread(ask, tmp_path / "control.sock", what, None) == 3

    asyncio.run(obeyed(tmp_path / "control.sock", test, hears))
    assert heard == [what]


@pytest.mark.parametrize("other", ["other.yaml", None])
def test_what_is_meant_for_another_configuration_is_not_obeyed(other: str | None, tmp_path: Path) -> None:
    heard = []

    async def hears(flush: Flush) -> int:
        heard.append(flush)
        return 3

    async def main() -> None:
        path, end = tmp_path / "control.sock", asyncio.Event()
        serving = asyncio.create_task(Control(path, tmp_path / "splitdns.yaml").serve(hears, end))
        with pytest.raises(ValueError, match=f"is that of {tmp_path}/splitdns.yaml"):
            await asyncio.to_thread(ask, path, Flush(), tmp_path / other if other else None)
        assert heard == []
        (tmp_path / "link").symlink_to(tmp_path)
        assert await asyncio.to_thread(ask, path, Flush(), tmp_path / "link" / "splitdns.yaml") == 3
        end.set()
        await serving

    asyncio.run(main())


def test_what_is_wrong_comes_back_too(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(ValueError, match="no such view"):
            await asyncio.to_thread(ask, tmp_path / "control.sock", Flush(view="wpn"), None)

    asyncio.run(obeyed(tmp_path / "control.sock", test))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"flush\n",
        b"[]\n",
        b"{}\n",
        b'{"flush": {}}\n',
        b'{"flush": 7}\n',
        b'{"config": null, "flush": {"name": "a..b", "subtree": false, "view": null}}\n',
        b'{"flush": {"name": null, "subtree": false, "view": null}}\n',
        b"\xff\n",
        b"x" * (MAX_LINE_OCTETS + 10) + b"\n",
    ],
)
def test_nonsense_flushes_nothing_and_the_next_command_is_obeyed(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def test() -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        writer.write_eof()
        said = await reader.read()
        assert not said or "error" in json.loads(said)
        writer.close()
        assert await asyncio.to_thread(ask, path, Flush(), None) == 12

    asyncio.run(obeyed(path, test))


def test_only_its_own_user_and_root_can_open_it(tmp_path: Path) -> None:
    control = Control(tmp_path / "run" / "control.sock", None)
    assert stat.S_IMODE(control.path.stat().st_mode) == 0o600
    control.close()


def test_what_a_killed_server_left_gives_way_and_what_is_alive_does_not(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    Control(path, None).close()
    assert path.exists()
    alive = Control(path, None)
    with pytest.raises(OSError, match="another server"):
        Control(path, None)
    alive.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("mine")
    with pytest.raises(OSError, match="in use"):
        Control(path, None)
    assert path.read_text() == "mine"


def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        ask(tmp_path / "control.sock", Flush(), None)


def test_a_server_that_ends_says_nothing_and_that_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(path))
            listening.listen()
            asking = asyncio.create_task(asyncio.to_thread(ask, path, Flush(), None))
            connection, _ = await asyncio.to_thread(listening.accept)
            connection.recv(4096)
            connection.close()
            with pytest.raises(ConnectionError, match="stopping"):
                await asking

    asyncio.run(main())


@pytest.mark.parametrize(
    ("control", "config", "path"),
    [
        ("/run/splitdns/control.sock", "/etc/splitdns/splitdns.yaml", "/run/splitdns/control.sock"),
        ("control.sock", "/etc/splitdns/splitdns.yaml", "/etc/splitdns/control.sock"),
        ("control.sock", None, "control.sock"),
    ],
)
def test_the_path_is_relative_to_the_configuration(control: str, config: str | None, path: str) -> None:
    assert path_of(control, Path(config) if config else None) == Path(path)
