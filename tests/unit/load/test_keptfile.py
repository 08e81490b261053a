"""What a kept file must be before it is believed."""

from __future__ import annotations

import errno
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import pytest

from splitdns.load import keptfile
from splitdns.load.keptfile import DIGEST_OCTETS, KeptError, digest_of
from splitdns.names import from_text
from splitdns.zone import Node, Zone, pack

WRITER = b"w" * DIGEST_OCTETS
MAX_OCTETS = 1_000_000
APEX = from_text("example.org.")


@dataclass(frozen=True)
class Thing:
    zones: tuple[Zone, ...]
    text: str = "text"


TYPES = (Thing, Zone)
NAMES = [from_text(f"{at}.example.org.") for at in range(3)]
THING = Thing(tuple(Zone(APEX, pack([Node(name, name)])) for name in NAMES))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "thing"
    keptfile.write(made, WRITER, THING)
    return made


def read(path: Path) -> object:
    return keptfile.read(path, WRITER, TYPES, MAX_OCTETS)


def reason(path: Path) -> str:
    with pytest.raises(KeptError) as caught:
        read(path)
    return str(caught.value)


def test_a_value_comes_back_with_its_blocks(path: Path) -> None:
    found = read(path)

    assert isinstance(found, Thing)
    assert found.text == "text"
    assert [bytes(zone.block) for zone in found.zones] == [zone.block for zone in THING.zones]
    assert [zone.node(NAMES[1]) is not None for zone in found.zones] == [False, True, False]


def test_only_its_user_can_read_it_and_nothing_else_is_left(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_blocks_are_views_of_one_piece_of_memory(path: Path) -> None:
    found = read(path)

    assert isinstance(found, Thing)
    blocks = [zone.block for zone in found.zones]
    assert all(isinstance(block, memoryview) and block.readonly for block in blocks)
    assert len({id(block.obj) for block in blocks if isinstance(block, memoryview)}) == 1


def test_where_there_is_none_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_a_file_cut_short_anywhere_is_not_believed(path: Path) -> None:
    whole = path.read_bytes()
    for octets in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:octets])
        assert reason(path) in ("it is cut short", "its checksum is wrong")


def test_a_wrong_bit_anywhere_is_not_believed(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert reason(path)
    path.write_bytes(whole + b"\0")
    assert reason(path) == "its checksum is wrong"


def test_another_writer_s_is_not_believed(path: Path) -> None:
    keptfile.write(path, b"v" * DIGEST_OCTETS, THING)
    assert reason(path) == "another version wrote it"


def test_another_program_s_is_not_believed(path: Path) -> None:
    path.write_bytes(b"GIF89a" * 100)
    assert reason(path) == "it is something else"


def test_one_that_is_too_large_is_not_read(path: Path) -> None:
    with pytest.raises(KeptError, match="larger than 10 octets"):
        keptfile.read(path, WRITER, TYPES, 10)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_one_that_others_can_write_to_is_not_believed(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert reason(path) == "others can write to it"


@pytest.mark.root
def test_one_of_another_owner_is_not_believed(path: Path) -> None:
    os.chown(path, 10053, -1)
    assert reason(path) == "others can write to it"


def test_a_link_a_directory_and_a_pipe_are_no_such_files(path: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(path)
    os.mkfifo(pipe)
    assert reason(link).startswith("cannot read it: ")
    assert reason(tmp_path) == "cannot read it: Is a directory"
    assert reason(pipe) == "it is not a file"


def test_values_of_other_types_are_not_made(path: Path) -> None:
    done = path.with_name("done")

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(done),)

    keptfile.write(path, WRITER, Trap())
    assert reason(path) == f"expected none of the type {os.mkdir.__module__}.mkdir"
    assert not done.exists()
    assert pickle.dumps(Trap())  # which anybody else would fall into


def test_a_disk_that_is_full_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keptfile.write(path, WRITER, Thing((), "another"))

    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize(
    ("one", "other"), [([b"ab"], [b"a", b"b"]), ([b"a", b""], [b"a"]), ([b"a", b"b"], [b"b", b"a"])]
)
def test_no_two_lists_have_one_digest(one: list[bytes], other: list[bytes]) -> None:
    assert digest_of(one) != digest_of(other)
    assert len(digest_of(one)) == DIGEST_OCTETS
