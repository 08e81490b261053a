"""The commands from the outside: their usage, their exit status, what they import."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from splitdns import __version__, accelerator
from tests.unit.cli.conftest import BROKEN, Run


def command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, as a shell would start it."""
    return subprocess.run(
        [sys.executable, "-m", "splitdns", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def imported_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has imported after ``code``."""
    text = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_version_names_python_and_the_accelerator(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"splitdns {__version__}",
        f"Python {platform.python_version()} (CPython)",
        f"accelerator: {accelerator.state()}",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["nonsense"],
        ["query"],
        ["query", "www.example.org"],
        ["query", "www.example.org", "--from", "10.8.0.1", "--format", "xml"],
        ["query", "www.example.org", "--from", "nowhere"],
        ["query", "www.example.org", "BANANA", "--from", "10.8.0.1"],
        ["query", "a..b", "--from", "10.8.0.1"],
        ["explain", "www.example.org"],
        ["query", "www.example.org", "--from", "10.8.0.1", "-c", "absent.yaml"],
        ["zone", "check", "absent.yaml"],
        ["zone", "show", "example.org"],
        ["zone", "show", "example.org", "--view", "nobody"],
        ["zone", "show", "example.com", "--view", "lan"],
        ["schema", "everything"],
        [],
    ],
    ids=" ".join,
)
def test_a_wrong_usage_ends_with_status_2_and_an_explanation_on_stderr(
    arguments: list[str], run: Run
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [[], ["serve"], ["query"], ["explain"], ["zone"], ["zone", "check"], ["schema"]]
)
def test_every_command_has_help(arguments: list[str], run: Run) -> None:
    for option in ("--help", "-h"):
        result = run(*arguments, option)
        assert result.exit_code == 0
        assert "Usage: splitdns" in result.stdout.replace("root", "splitdns")
        assert "─" not in result.stdout


def test_the_configuration_comes_from_c_then_the_environment_then_here_then_the_default(
    run: Run, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view() -> str:
        return (
            run("query", "www.example.org", "--from", "10.8.0.1")
            .stdout.split(" meets view ")[1]
            .split(",")[0]
        )

    other = (desk / "splitdns.yaml").read_text().replace("vpn:", "other:")
    (desk / "other.yaml").write_text(other)
    assert view() == "vpn"
    monkeypatch.setenv("SPLITDNS_CONFIG", "other.yaml")
    assert view() == "other"
    given = run("query", "www.example.org", "--from", "10.8.0.1", "-c", "splitdns.yaml")
    assert "view vpn" in given.stdout
    monkeypatch.delenv("SPLITDNS_CONFIG")
    (desk / "splitdns.yaml").unlink()
    (desk / "zones" / "example.org.yaml").write_text("zone: example.org\nrecords: {www: {A: 10.0.0.1}}\n")
    assert view() == "inside"


def test_all_mistakes_are_printed_at_once_with_their_places(desk: Path) -> None:
    (desk / "splitdns.yaml").write_text("listen: 53\nviews:\n  lan: {clients: [10.0.0.300], horizont: [x]}\n")
    done = command("query", "www.example.org", "--from", "10.8.0.1", cwd=desk)
    assert done.returncode == 2
    assert done.stdout == ""
    places = [line.split(": ")[0].split(":") for line in done.stderr.splitlines()]
    assert {file for file, _, _ in places} == {"splitdns.yaml"}
    numbers = [(int(line), int(column)) for _, line, column in places]
    assert numbers == sorted(numbers)
    assert len(numbers) >= 3
    assert "Traceback" not in done.stderr


def test_a_broken_zone_is_reported_and_takes_no_other_down(desk: Path) -> None:
    (desk / "zones" / "broken.example.yaml").write_text(BROKEN)
    done = command("query", "www.example.org", "--from", "10.8.0.1", cwd=desk)
    assert done.returncode == 0
    assert "10.8.0.20" in done.stdout
    assert "zones/broken.example.yaml:3:" in done.stderr
    assert "zones/broken.example.yaml:4:" in done.stderr
    done = command("query", "www.broken.example", "--from", "10.8.0.1", cwd=desk)
    assert done.returncode == 1
    assert "SERVFAIL" in done.stdout


def test_no_escape_sequences_go_into_a_pipe(desk: Path) -> None:
    done = command("explain", "www.example.org", "--from", "10.8.0.1", cwd=desk, TERM="xterm-256color")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


def test_a_reader_that_goes_away_is_no_error_to_shout_about(desk: Path) -> None:
    names = "".join(f"  n{number}: {{A: 192.0.2.1}}\n" for number in range(20_000))
    (desk / "zones" / "big.example.yaml").write_text(f"zone: big.example\nrecords:\n{names}")
    line = f"{sys.executable} -m splitdns zone show big.example --view lan | head -1"
    done = subprocess.run(
        ["sh", "-c", line], cwd=desk, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.startswith("; zone big.example.")


HEAVY = {
    "rich",
    "pydantic",
    "dns",
    "dnslib",
    "yaml",
    "asyncio",
    "prometheus_client",
    "starlette",
    "hypercorn",
}


def test_the_commands_themselves_import_nothing_heavy() -> None:
    code = "from typer.testing import CliRunner\nfrom splitdns.cli.app import app\n"
    code += "assert CliRunner().invoke(app, ['--version']).exit_code == 0"
    assert not HEAVY & imported_by(code)


def test_a_query_in_a_pipe_imports_no_rich(desk: Path) -> None:
    code = "from typer.testing import CliRunner\nfrom splitdns.cli.app import app\n"
    code += "CliRunner().invoke(app, ['query', 'www.example.org', '--from', '10.8.0.1'])"
    assert not {"rich", "asyncio", "prometheus_client"} & imported_by(code)


def test_serving_imports_no_table_printer_and_no_web_server_at_the_start() -> None:
    code = "import splitdns.cli.app, splitdns.cli.serve, splitdns.daemon.supervisor"
    assert not {"rich", "prometheus_client", "starlette", "hypercorn"} & imported_by(code)
