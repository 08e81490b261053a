import os
from pathlib import Path

import pytest

from splitdns.daemon.process import fork
from splitdns.serve.logfile import LogFile, Rotation

DAY_S = 86_400
NOON_S = 20_000 * DAY_S + DAY_S / 2


def rotation(path: Path, *, max_octets: int = 100, every_s: int = 0, keep: int = 3) -> Rotation:
    return Rotation(str(path / "q.log"), max_octets, every_s, keep)


def kept(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(path.iterdir())}


def test_it_is_put_aside_before_it_grows_beyond_its_size(tmp_path: Path) -> None:
    file = LogFile(rotation(tmp_path, max_octets=10))

    for line in (b"one\n", b"three\n", b"x", b"five\n"):
        assert file.write(line) == len(line)

    assert kept(tmp_path) == {"q.log": "xfive\n", "q.log.1": "one\nthree\n"}


def test_so_many_are_kept(tmp_path: Path) -> None:
    file = LogFile(rotation(tmp_path, max_octets=1, keep=2))

    for line in (b"1\n", b"2\n", b"3\n", b"4\n"):
        file.write(line)

    assert kept(tmp_path) == {"q.log": "4\n", "q.log.1": "3\n", "q.log.2": "2\n"}


def test_a_line_that_is_larger_than_a_file_is_written_all_the_same(tmp_path: Path) -> None:
    file = LogFile(rotation(tmp_path, max_octets=1))

    assert file.write(b"more than one\n") == 14
    assert kept(tmp_path) == {"q.log": "more than one\n"}


@pytest.mark.parametrize(("before_s", "is_over"), [(DAY_S / 2 - 1, False), (DAY_S / 2 + 1, True)])
def test_a_day_ends_at_midnight_also_over_a_restart(tmp_path: Path, before_s: float, is_over: bool) -> None:
    (tmp_path / "q.log").write_text("before\n")
    os.utime(tmp_path / "q.log", (NOON_S - before_s, NOON_S - before_s))

    LogFile(rotation(tmp_path, every_s=DAY_S), lambda: NOON_S).write(b"now\n")

    there = kept(tmp_path)
    assert there == ({"q.log": "now\n", "q.log.1": "before\n"} if is_over else {"q.log": "before\nnow\n"})


def test_an_empty_file_is_not_put_aside(tmp_path: Path) -> None:
    (tmp_path / "q.log").touch()
    os.utime(tmp_path / "q.log", (0, 0))

    LogFile(rotation(tmp_path, every_s=DAY_S), lambda: NOON_S).write(b"now\n")

    assert kept(tmp_path) == {"q.log": "now\n"}


def test_who_moves_it_away_gets_what_was_written_and_the_rest_goes_into_a_new_one(tmp_path: Path) -> None:
    file = LogFile(rotation(tmp_path, keep=0, max_octets=1))
    file.write(b"before\n")
    (tmp_path / "q.log").rename(tmp_path / "moved")
    file.write(b"after\n")

    assert kept(tmp_path) == {"moved": "before\n", "q.log": "after\n"}


def test_what_was_copied_and_cut_off_goes_on_at_its_beginning(tmp_path: Path) -> None:
    file = LogFile(rotation(tmp_path, keep=0))
    file.write(b"before\n")
    os.truncate(tmp_path / "q.log", 0)
    file.write(b"after\n")

    assert kept(tmp_path) == {"q.log": "after\n"}


def test_what_cannot_be_written_is_told_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "later"
    file = LogFile(rotation(directory))

    for _ in range(3):
        with pytest.raises(BlockingIOError):
            file.write(b"line\n")
    directory.mkdir()

    assert file.write(b"line\n") == 5
    (told,) = [record for record in caplog.records if record.message == "querylog.failed"]
    assert (getattr(told, "path", ""), getattr(told, "reason", "")) == (
        str(directory / "q.log"),
        "No such file or directory",
    )


def test_only_its_owner_and_group_may_read_it(tmp_path: Path) -> None:
    LogFile(rotation(tmp_path)).write(b"line\n")

    assert (tmp_path / "q.log").stat().st_mode & 0o007 == 0


def test_processes_that_share_it_lose_no_line_and_cut_none(tmp_path: Path) -> None:
    processes, lines = 4, 400
    policy = rotation(tmp_path, max_octets=2000, keep=1000)

    def write(process: int) -> None:
        file = LogFile(policy)
        for number in range(lines):
            file.write(f"{process} {number:04} {'x' * 40}\n".encode())

    children = [fork(lambda process=process: write(process)) for process in range(processes)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0

    files = kept(tmp_path)
    written = [line for text in files.values() for line in text.splitlines()]
    assert sorted(written) == [f"{p} {n:04} {'x' * 40}" for p in range(processes) for n in range(lines)]
    # Each process may have found room for a line just before the others took it.
    assert len(files) >= processes * lines * 48 // (2000 + processes * 48)
