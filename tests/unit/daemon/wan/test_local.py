from __future__ import annotations

import os
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.local import look
from splitdns.load.wansources import OfFile, OfInterface, OfPcp, Static

ADDRESS = IPv4Address("203.0.113.7")


def test_a_file_and_the_configuration_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text("203.0.113.7\n")

    assert look(OfFile("wan"), 4, tmp_path) == ADDRESS
    assert look(OfFile(str(tmp_path / "wan")), 4, Path("/nowhere")) == ADDRESS
    assert look(Static(ADDRESS), 4, tmp_path) == ADDRESS


def test_who_must_be_asked_is_not(tmp_path: Path) -> None:
    assert look(OfPcp(), 4, tmp_path) is None


def test_what_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WanError, match=r"cannot read .*/wan: No such file"):
        look(OfFile("wan"), 4, tmp_path)
    with pytest.raises(WanError, match="there is no interface"):
        look(OfInterface("none-such"), 4, tmp_path)
    (tmp_path / "wan").write_bytes(b"\xff\xfe")
    with pytest.raises(WanError, match="expected an IPv4 address"):
        look(OfFile("wan"), 4, tmp_path)


def test_nobody_waits_for_who_writes_into_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "wan")

    with pytest.raises(WanError, match="expected an IPv4 address"):
        look(OfFile("wan"), 4, tmp_path)
    with pytest.raises(WanError, match="Is a directory"):
        look(OfFile("."), 4, tmp_path)
