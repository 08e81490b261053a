"""Files as another system names them; what cannot be read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.errors import Where
from splitdns.imports import texts
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts

HERE = Where("main.conf", 3, 1)


def test_an_absolute_path_may_have_been_copied_beside_the_first_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "a.conf").write_text("a")
    found = Found()
    read = Texts(tmp_path, found).read("/etc/a.conf", HERE)

    assert read is not None
    assert (read.text, read.file) == ("a", str(tmp_path / "etc" / "a.conf"))
    assert found.left == []


def test_files_of_a_directory_or_a_pattern_are_in_order(tmp_path: Path) -> None:
    for name in ("b.conf", "a.conf", "c.txt", ".d.conf"):
        (tmp_path / name).write_text("")
    own = Texts(tmp_path, Found())

    assert own.matching("*.conf", HERE) == ["a.conf", "b.conf"]
    assert own.matching(".", HERE) == ["./a.conf", "./b.conf", "./c.txt"]


@pytest.mark.parametrize("name", ["nothing", ".", "a\0b", "latin"])
def test_what_cannot_be_read_is_told_where_it_was_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    found = Found()

    assert Texts(tmp_path, found).read(name, HERE) is None
    (told,) = found.left
    assert str(told).startswith("main.conf:3:1: warning: left out: ")


def test_there_is_an_end_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_FILES", 1)
    monkeypatch.setattr(texts, "MAX_OCTETS", 1)
    (tmp_path / "a").write_text("aa")
    found = Found()
    own = Texts(tmp_path, found)

    assert own.read("a", HERE) is None
    assert own.read("a", HERE) is None
    assert own.matching("nowhere/*.conf", HERE) == []
    assert [one.message.partition("; ")[0].partition(": ")[2] for one in found.left] == [
        "a cannot be read: more than 1 octets",
        "a",
        "nowhere/*.conf cannot be read: No such file or directory",
    ]
