from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.entries import Found


def test_what_is_left_keeps_its_place() -> None:
    found = Found()

    found.leave(Where("export.rsc", 3, 1), "left out: x")

    assert [str(one) for one in found.left] == ["export.rsc:3:1: warning: left out: x"]
