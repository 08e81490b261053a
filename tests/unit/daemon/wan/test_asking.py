from __future__ import annotations

import asyncio
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


def test_a_router_that_does_not_listen_is_an_error_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="refused"):
        asyncio.run(ask(OfPcp("127.0.0.1", NOBODY), 4, tmp_path, bytes(12)))


def test_a_file_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text("203.0.113.7")

    assert str(asyncio.run(ask(OfFile("wan"), 4, tmp_path, bytes(12)))) == "203.0.113.7"
