"""What keeps rules fresh: files are whole or stay as they were, a key shows no more, the page is right."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from splitdns.load.gateway import COMMANDS, Dialect
from tests.install.test_unit import analyzed
from tests.meta.examples import Block, blocks
from tests.meta.tree import ROOT

DEPLOY = ROOT / "deploy"
FETCH, SHOW = DEPLOY / "splitdns-fetch", DEPLOY / "splitdns-show"
PAGE = ROOT / "docs" / "fresh-rules.md"
EXAMPLES = blocks(PAGE)
UNITS = ["splitdns-rules", "splitdns-fetch"]
MAX_EXPOSURE = {"splitdns-rules": 3.2, "splitdns-fetch": 1.8}
# Says how it was called, then what the host `NAME` is to say, and ends as that host is to end. It reads its
# input, as ssh does.
SSH = """\
#!/bin/sh
cat >/dev/null
printf '%s\\n' "$@" >>"$HOSTS/calls"
for host in "$@"; do [ ! -e "$HOSTS/$host" ] || { cat "$HOSTS/$host"; break; }; done
[ ! -e "$HOSTS/$host.status" ] || exit "$(cat "$HOSTS/$host.status")"
"""


class Gateways:
    """Gateways elsewhere, as a false ssh has them, and where their files are fetched to."""

    def __init__(self, directory: Path) -> None:
        self.hosts, self.fetched, self.list = directory / "hosts", directory / "fetched", directory / "list"
        self._programs = directory / "programs"
        for made in (self.hosts, self.fetched, self._programs):
            made.mkdir()
        (self._programs / "ssh").write_text(SSH)
        (self._programs / "ssh").chmod(0o755)

    def says(self, host: str, text: str, status: int = 0) -> None:
        (self.hosts / host).write_text(text)
        (self.hosts / f"{host}.status").write_text(str(status))

    def fetch(self, listed: str) -> subprocess.CompletedProcess[str]:
        self.list.write_text(listed)
        env = {"PATH": f"{self._programs}:{os.environ['PATH']}", "HOSTS": str(self.hosts)}
        argv = [str(FETCH), str(self.list), str(self.fetched)]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300, check=False)

    @property
    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.fetched.iterdir()}

    @property
    def calls(self) -> str:
        return (self.hosts / "calls").read_text()


@pytest.fixture
def gateways(tmp_path: Path) -> Gateways:
    return Gateways(tmp_path)


def test_each_line_of_the_list_becomes_a_file(gateways: Gateways) -> None:
    gateways.says("one", "rules of one\n")
    gateways.says("two", "rules of two\n")

    done = gateways.fetch("# a comment\n\none.txt one  /export terse; :put \"$x\"\ntwo.txt  two cat *\n")

    assert (done.returncode, done.stderr) == (0, "")
    assert gateways.files == {"one.txt": "rules of one\n", "two.txt": "rules of two\n"}
    options = "-o\nBatchMode=yes\n-o\nConnectTimeout=10\n--\n"
    assert gateways.calls == f'{options}one\n/export terse; :put "$x"\n{options}two\ncat *\n'


def test_a_last_line_without_an_end_counts(gateways: Gateways) -> None:
    gateways.says("one", "rules\n")
    assert gateways.fetch("one.txt one export").returncode == 0
    assert gateways.files == {"one.txt": "rules\n"}


def test_a_file_is_for_its_owner_and_group(gateways: Gateways) -> None:
    gateways.says("one", "a password\n")
    gateways.fetch("one.txt one export\n")
    assert (gateways.fetched / "one.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("text", "status"), [("half of it", 255), ("", 0), ("", 1)])
def test_what_a_gateway_said_last_stays_when_it_fails(gateways: Gateways, text: str, status: int) -> None:
    gateways.says("one", "the last good one\n")
    gateways.says("two", "other\n")
    assert gateways.fetch("one.txt one export\ntwo.txt two export\n").returncode == 0
    gateways.says("one", text, status)
    gateways.says("two", "new\n")

    done = gateways.fetch("one.txt one export\ntwo.txt two export\n")

    assert done.returncode == 1
    assert done.stderr == "splitdns-fetch: one.txt: one did not say it; what it said last stays\n"
    assert gateways.files == {"one.txt": "the last good one\n", "two.txt": "new\n"}


def test_a_file_is_a_new_one_each_time_so_that_nobody_reads_half(gateways: Gateways) -> None:
    gateways.says("one", "rules\n")
    gateways.fetch("one.txt one export\n")
    with (gateways.fetched / "one.txt").open() as opened:
        gateways.says("one", "other rules\n")
        gateways.fetch("one.txt one export\n")
        assert opened.read() == "rules\n"
    assert gateways.files == {"one.txt": "other rules\n"}


@pytest.mark.parametrize("line", ["../one one x", ".one one x", "-one one x", "one -oProxyCommand=x", "one"])
def test_a_line_that_means_something_else_is_told(gateways: Gateways, line: str) -> None:
    done = gateways.fetch(f"{line}\n")
    assert (done.returncode, gateways.files) == (1, {})
    assert "expected" in done.stderr
    assert not (gateways.hosts / "calls").exists()


def show(directory: Path, asked: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "SSH_ORIGINAL_COMMAND": asked}
    return subprocess.run([str(SHOW), str(directory)], env=env, capture_output=True, text=True, check=False)


def test_a_key_shows_a_file_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}\n")
    done = show(tmp_path, "rules.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")


ELSEWHERE = ["", "../secret", "/etc/passwd", "..", ".hidden", "a; cat ../secret", "none", "sub"]


@pytest.mark.parametrize("asked", ELSEWHERE)
def test_a_key_shows_nothing_else(tmp_path: Path, asked: str) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "gateway" / "sub").mkdir(parents=True)
    (tmp_path / "gateway" / ".hidden").write_text("secret\n")
    done = show(tmp_path / "gateway", asked)
    assert done.returncode != 0
    assert done.stdout == ""


def test_a_key_shows_nothing_old(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}\n")
    old = time.time() - 3600
    os.utime(tmp_path / "rules.json", (old, old))
    done = show(tmp_path, "rules.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "rules.json is old" in done.stderr


# --- the units -------------------------------------------------------------------------------------------


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_the_units(unit: str, tmp_path: Path) -> None:
    service = (DEPLOY / f"{unit}.service").read_text()
    (tmp_path / f"{unit}.service").write_text(re.sub(r"/usr/local/s?bin/", f"{DEPLOY}/", service))
    (tmp_path / f"{unit}.timer").write_text((DEPLOY / f"{unit}.timer").read_text())
    done = analyzed("verify", "--man=no", f"{unit}.timer", f"{unit}.service", unit_path=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS)
def test_their_exposure_is_low(unit: str) -> None:
    threshold = f"--threshold={MAX_EXPOSURE[unit] * 10:.0f}"
    done = analyzed("security", "--offline=true", threshold, DEPLOY / f"{unit}.service")
    assert done.returncode == 0, done.stdout.strip().splitlines()[-1]


# --- the page --------------------------------------------------------------------------------------------


def named(title: str) -> Block:
    (block,) = (one for one in EXAMPLES if one.name == title)
    return block


def listed() -> dict[str, str]:
    """The files of the page's list, each with its command."""
    lines = (line.split(maxsplit=2) for line in named("/etc/splitdns-fetch").text.splitlines())
    return {words[0]: words[2] for words in lines if words and words[0] != "#" and len(words) == 3}


@pytest.mark.parametrize("unit", UNITS)
def test_the_page_installs_what_the_unit_starts(unit: str) -> None:
    shell = "".join(block.text for block in EXAMPLES if block.language == "sh")
    (start,) = re.findall(r"^ExecStart=(.*)", (DEPLOY / f"{unit}.service").read_text(), re.MULTILINE)
    program, *arguments = start.split()
    assert f"sudo install -m 755 deploy/{unit} {program}\n" in shell
    assert f"sudo cp deploy/{unit}.service deploy/{unit}.timer /etc/systemd/system/\n" in shell
    assert f"sudo systemctl enable --now {unit}.timer\n" in shell
    assert f"ls -l {arguments[-1]}\n" in shell


def test_the_page_s_list_is_one(gateways: Gateways) -> None:
    text = named("/etc/splitdns-fetch").text
    for host in set(re.findall(r"\S+@\S+", text)):
        gateways.says(host, "rules\n")
    done = gateways.fetch(text)
    assert (done.returncode, done.stderr) == (0, "")
    assert gateways.files.keys() == listed().keys()


def test_the_page_s_commands_are_the_usual_ones() -> None:
    usual = {"export.rsc": Dialect.ROUTEROS, "router.uci": Dialect.OPENWRT, "config.boot": Dialect.VYOS}
    for file, dialect in usual.items():
        command = COMMANDS[dialect]
        expected = command[-1] if len(command) == 1 or command[:2] == ("sh", "-c") else shlex.join(command)
        assert listed()[file] == expected


def bounds() -> list[str]:
    """What the page's lines for keys have the gateway run."""
    found = (re.search(r'command="([^"]*)"', block.text) for block in EXAMPLES)
    return [one[1] for one in found if one is not None]


def test_a_key_that_the_page_bounds_shows_what_its_list_fetches() -> None:
    linux, openwrt, xml, _ = bounds()
    assert linux == f"/usr/local/bin/{SHOW.name} /var/lib/splitdns/gateway"
    assert (openwrt, xml) == (listed()["router.uci"], listed()["config.xml"])


@pytest.mark.parametrize("file", ["pf.conf", "ifconfig.txt", "netstat.txt"])
def test_a_key_for_several_commands_runs_these(file: str, tmp_path: Path) -> None:
    program, _, argument = listed()[file].partition(" ")
    (tmp_path / program).write_text('#!/bin/sh\nprintf "%s" "$*"\n')
    (tmp_path / program).chmod(0o755)
    assert bounded(bounds()[-1], listed()[file], tmp_path) == argument


@pytest.mark.parametrize("asked", ["", "echo", "ifconfig -a; echo x", "ifconfig -a\necho", "cat /etc/group"])
def test_a_key_for_several_commands_runs_no_other(asked: str, tmp_path: Path) -> None:
    assert bounded(bounds()[-1], asked, tmp_path) == ""


def bounded(forced: str, asked: str, programs: Path) -> str:
    """What a forced command prints where a client asked for ``asked``."""
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "SSH_ORIGINAL_COMMAND": asked}
    return subprocess.run(["sh", "-c", forced], env=env, capture_output=True, text=True, check=False).stdout
