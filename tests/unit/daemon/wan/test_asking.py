from __future__ import annotations

import asyncio
import os
import select
from pathlib import Path

import pytest

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.asking import ask
from splitdns.load.wansources import OfCommand, OfFile, OfHttp, OfPcp, OfUpnp, Source

NOBODY = 9  # the discard port: nobody listens there


@pytest.mark.parametrize(
    "source",
    [OfCommand(("/bin/false",)), OfHttp((f"http://127.0.0.1:{NOBODY}/",)), OfUpnp(f"http://127.0.0.1:{NOBODY}/")],
    ids=str,
)
def test_each_kind_fails_in_its_own_words(source: Source, tmp_path: Path) -> None:
    with pytest.raises(WanError):
        asyncio.run(ask(source, 4, tmp_path, bytes(12)))


def test_a_router_that_does_not_listen_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WanError, match=r"^Connection refused$"):
        asyncio.run(ask(OfPcp("127.0.0.1", NOBODY), 4, tmp_path, bytes(12)))


def test_an_answer_comes_from_a_child_that_first_does_what_it_is_told(tmp_path: Path) -> None:
    here = tmp_path / "child"

    def in_child() -> None:
        here.write_text(str(os.getpid()))

    command = OfCommand(("/bin/echo", "203.0.113.7"))
    assert str(asyncio.run(ask(command, 4, tmp_path, bytes(12), in_child))) == "203.0.113.7"
    assert int(here.read_text()) != os.getpid()


def test_a_child_that_dies_costs_one_answer(tmp_path: Path) -> None:
    def in_child() -> None:
        os._exit(3)

    with pytest.raises(WanError, match="the process that asks ended with status 3"):
        asyncio.run(ask(OfPcp(), 4, tmp_path, bytes(12), in_child))


def test_a_child_ends_with_who_no_longer_wants_to_know(tmp_path: Path) -> None:
    command = OfCommand(("/bin/sh", "-c", "echo $$ > program; exec sleep 60"))

    async def give_up() -> None:
        asked = asyncio.create_task(ask(command, 4, tmp_path, bytes(12)))
        while not (tmp_path / "program").exists() or not (tmp_path / "program").read_text().strip():
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(give_up())

    try:
        program = os.pidfd_open(int((tmp_path / "program").read_text()))
    except ProcessLookupError:
        return
    try:
        assert select.select([program], [], [], 10.0)[0] == [program]  # it has ended, too
    finally:
        os.close(program)


def test_a_file_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text("203.0.113.7")

    assert str(asyncio.run(ask(OfFile("wan"), 4, tmp_path, bytes(12)))) == "203.0.113.7"
