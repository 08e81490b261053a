"""Every example in README and docs/ does what its page says. What becomes of a block: see ``examples``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import dns.exception
import dns.message
import dns.query
import pytest

from splitdns.load import marked
from splitdns.load.load import load
from tests.lab.daemon import Daemon
from tests.lab.machine import Here, free_port
from tests.meta.examples import Block, blocks, commands, is_as_shown
from tests.meta.tree import ROOT, name, pages

READY_S = 60.0
BLOCKS = [block for page in pages() for block in blocks(page)]


def _ids(block: Block) -> str:
    return f"{name(block.page)}:{block.line}"


def _of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


_FILE = re.compile(r"(in )?(splitdns\.yaml|zones/\S+)")
FILES = [block for block in _of("yaml", "zone") if _FILE.fullmatch(block.title)]
EXPORTS = [block for block in BLOCKS if re.fullmatch(r"(gateway|keys)/\S+", block.title)]


def _own_files(page: Path) -> list[Block]:
    """The whole files that stand in a page, in its order."""
    own = (block for block in (*FILES, *EXPORTS) if block.page == page and not block.title.startswith("in "))
    return sorted(own, key=lambda block: block.line)


def _sample(directory: Path) -> Path:
    """A copy of what ./dev run serves, so that a test may change it."""
    shutil.copytree(ROOT / "zones", directory / "zones")
    shutil.copytree(ROOT / "deploy" / "sample-gateway", directory / "deploy" / "sample-gateway")
    shutil.copy(ROOT / "splitdns.yaml", directory)
    return directory / "splitdns.yaml"


def _lay(files: Sequence[Block], directory: Path) -> Path:
    """Write files beside the samples; a configuration of one's own has its own zones too."""
    if any(block.title == "splitdns.yaml" for block in files):
        (directory / "zones").mkdir()
    else:
        _sample(directory)
    for block in files:
        path = directory / block.title
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)
    return directory / "splitdns.yaml"


# --- commands --------------------------------------------------------------------------------------------


class Desk:
    """Where a reader sits: a directory with a configuration, which is served on free ports when asked."""

    def __init__(self, directory: Path, here: Here) -> None:
        self.directory = directory
        self.ports = {"5353": str(free_port()), "9153": str(free_port())}
        self._here = here
        self._server: Daemon | None = None
        config = directory / "splitdns.yaml"
        text = config.read_text()
        if "admin:" not in text:
            text += 'admin: {listen: "127.0.0.1:9153"}\n'
        config.write_text(self.moved(text))
        (directory / ".venv").mkdir()
        (directory / ".venv" / "bin").symlink_to(Path(sys.executable).parent)

    def moved(self, text: str) -> str:
        """The text with the example's ports replaced by the free ones."""
        return re.sub(r"(?<=-p )5353|(?<=127\.0\.0\.1:)(5353|9153)", lambda port: self.ports[port[0]], text)

    def run(self, line: str) -> str:
        moved = self.moved(line)
        if moved != line:
            self._serve()
        path = f"{self.directory}/.venv/bin:{os.environ['PATH']}"
        done = subprocess.run(
            moved,
            shell=True,
            cwd=self.directory,
            env={**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        printed = done.stdout
        for sample, free in self.ports.items():
            printed = re.sub(rf"\b{free}\b", sample, printed)
        return printed

    def _serve(self) -> None:
        """Have a server that answers."""
        if self._server is None:
            command = str(self.directory / ".venv" / "bin" / "splitdns")
            self._server = self._here.start(command, "serve", "-c", str(self.directory / "splitdns.yaml"))
        until = time.monotonic() + READY_S
        while not self._answers():
            assert self._server.running, self._server.output
            assert time.monotonic() < until, self._server.output

    def _answers(self) -> bool:
        try:
            query = dns.message.make_query("www.example.com", "A")
            dns.query.udp(query, "127.0.0.1", port=int(self.ports["5353"]), timeout=0.5)
        except (OSError, dns.exception.DNSException):
            return False
        return True


class Office:
    """The desks: the project's directory, and one for the files that a page has its reader write."""

    def __init__(self, directory: Path, here: Here) -> None:
        self._directory = directory
        self._here = here
        self._desks: dict[tuple[Block, ...], Desk] = {}

    def desk_for(self, block: Block) -> Desk:
        """Where the commands of ``block`` run."""
        files = tuple(file for file in _own_files(block.page) if file.line < block.line)
        if files not in self._desks:
            directory = self._directory / str(len(self._desks))
            directory.mkdir()
            _lay(files, directory)
            self._desks[files] = Desk(directory, self._here)
        return self._desks[files]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    here = Here(tmp_path_factory.mktemp("logs"))
    try:
        yield Office(tmp_path_factory.mktemp("desks"), here)
    finally:
        here.stop()


@pytest.mark.xdist_group("examples")
@pytest.mark.needs("dig")
@pytest.mark.parametrize("block", _of("console"), ids=_ids)
def test_a_command_prints_what_its_page_shows(block: Block, office: Office) -> None:
    assert commands(block), "a console block without a `$ command`"
    desk = office.desk_for(block)
    for command in commands(block):
        printed = desk.run(command.line)
        assert is_as_shown(command.shown, printed), f"$ {command.line}\n{printed}"


@pytest.mark.parametrize("block", _of("sh"), ids=_ids)
def test_a_shell_example_is_one_and_names_commands_that_exist(block: Block) -> None:
    checked = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    known = re.findall(r"^#   \./dev ([\w-]+)", (ROOT / "dev").read_text(), re.MULTILINE)
    assert set(re.findall(r"\./dev ([\w-]+)", block.text)) <= set(known)


# --- files -----------------------------------------------------------------------------------------------


def _within(sample: Path, part: str) -> None:
    """Put a part of a file into the sample of that name: records beside its records, the rest in place."""
    whole: Any = marked.read(sample.read_text(), "the sample").data
    for key, value in cast(dict[str, Any], marked.read(part, "the part").data).items():
        whole[key] = {**whole[key], **value} if key == "records" else value
    sample.write_text(json.dumps(whole))  # JSON is YAML



@pytest.mark.parametrize("block", FILES, ids=_ids)
def test_a_file_in_a_page_loads_without_a_warning(block: Block, tmp_path: Path) -> None:
    if block.title.startswith("in "):
        config = _sample(tmp_path)
        _within(tmp_path / block.title.removeprefix("in "), block.text)
    else:
        config = _lay([*_own_files(block.page), block], tmp_path)
    loaded = load(config, previous=None, generation=1, now_s=1_700_000_000.0, strict=True)
    assert [str(warning) for warning in loaded.warnings] == []


def test_the_samples_load_without_a_warning(tmp_path: Path) -> None:
    loaded = load(_sample(tmp_path), previous=None, generation=1, now_s=1_700_000_000.0, strict=True)
    assert [str(warning) for warning in loaded.warnings] == []
