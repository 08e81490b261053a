"""Files as another system names them; what cannot be read is an error."""

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
    assert found.missing == []


def test_files_of_a_directory_or_a_pattern_are_in_order(tmp_path: Path) -> None:
    for name in ("b.conf", "a.conf", "c.txt", ".d.conf"):
        (tmp_path / name).write_text("")
    own = Texts(tmp_path, Found())

    assert own.matching("*.conf", HERE) == ["a.conf", "b.conf"]
    assert own.matching(".", HERE) == ["./a.conf", "./b.conf", "./c.txt"]


@pytest.mark.parametrize("place", ["etc/bind/db.lan", "bind/db.lan", "db.lan"])
def test_an_absolute_path_may_have_been_copied_with_less_of_its_front(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("a")
    found = Found()
    own = Texts(tmp_path, found)

    assert own.path("/etc/bind/db.lan") == tmp_path / place
    assert own.read("/etc/bind/db.lan", HERE) is not None
    assert own.read("/etc/bind//db.lan", HERE) is not None  # the same once more
    assert found.missing == []


def test_more_of_a_path_goes_before_less(tmp_path: Path) -> None:
    (tmp_path / "etc" / "x.d").mkdir(parents=True)
    (tmp_path / "x.d").mkdir()
    (tmp_path / "etc" / "x.d" / "a").write_text("")
    (tmp_path / "x.d" / "b").write_text("")

    assert Texts(tmp_path, Found()).matching("/etc/x.d", HERE) == ["/etc/x.d/a"]


def test_the_inside_and_the_outside_file_of_a_zone_are_not_one_copy(tmp_path: Path) -> None:
    (tmp_path / "db.lan").write_text("")
    found = Found()
    own = Texts(tmp_path, found)

    assert own.read("/etc/inside/db.lan", HERE) is not None
    assert own.read("/etc/outside/db.lan", HERE) is None
    (told,) = found.missing
    assert "was read as /etc/inside/db.lan already: copy both with their directories" in told.message


def test_a_file_of_this_machine_is_not_taken_for_a_copy(tmp_path: Path) -> None:
    """An import is made on any machine, and many have such a file of their own."""
    base = tmp_path / "copy"
    own, beside = tmp_path / "hosts", base / "hosts"
    base.mkdir()
    own.write_text("own")
    found = Found()
    texts = Texts(base, found)

    assert texts.path(str(own)) == own
    beside.write_text("copied")
    assert texts.read(str(own), HERE) is None
    (told,) = found.missing
    assert f"{beside} is there as well: copy the one that is meant to " in told.message
    meant = base / str(own).lstrip("/")
    meant.parent.mkdir(parents=True)
    meant.write_text("meant")
    assert texts.path(str(own)) == meant


@pytest.mark.parametrize("name", ["nothing", ".", "a\0b", "latin", "", "a/" * 5000])
def test_what_cannot_be_read_is_an_error_where_it_was_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    found = Found()

    assert Texts(tmp_path, found).read(name, HERE) is None
    (told,) = found.missing
    assert str(told).startswith(f"main.conf:3:1: {name[:200]} cannot be read: ")


def test_the_places_are_named_where_a_file_was_looked_for() -> None:
    found = Found()

    assert Texts(Path("new"), found).read("/gone.d/hosts.lan", HERE) is None
    assert Texts(Path("new"), found).matching("/gone.d/*.conf", HERE) == []
    assert [one.message for one in found.missing] == [
        "/gone.d/hosts.lan cannot be read: No such file or directory; looked for new/gone.d/hosts.lan, "
        "/gone.d/hosts.lan, new/hosts.lan: copy it there, or take this line out",
        "/gone.d cannot be read: No such file or directory; looked for new/gone.d, /gone.d: copy it there, "
        "or take this line out",
    ]


def test_there_is_an_end_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_FILES", 1)
    monkeypatch.setattr(texts, "MAX_OCTETS", 1)
    (tmp_path / "a").write_text("aa")
    found = Found()
    own = Texts(tmp_path, found)

    assert [own.read("a", HERE) for _ in range(3)] == [None] * 3
    assert [one.message for one in found.missing] == [
        "a cannot be read: more than 1 octets",
        "expected at most 1 files, found another: a",
    ]
