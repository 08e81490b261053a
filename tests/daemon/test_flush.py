"""The running server forgets what upstreams said, on a command or a signal, in all its workers."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.server import Server, Site
from tests.daemon.upstream import Upstream, answering

NAMES = ("www.example.com", "mail.example.com", "www.example.net")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with answering() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, upstream: Upstream) -> Site:
    site = Site(tmp_path, upstream=upstream.address)
    site.configure(site.settings + "control: control.sock\n")
    return site


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    with Server(site) as running:
        yield running


def know(server: Server) -> None:
    """Have every worker know every name: so many questions come from ports that reach all."""
    for name in NAMES:
        for _ in range(24):
            assert server.ask(name).answer


def asked_again(server: Server, upstream: Upstream) -> set[str]:
    """Which of the names the upstream is asked for once more."""
    upstream.forget()
    know(server)
    return {name.removesuffix(".") for name in upstream.asked}


def flush(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "splitdns", "flush", "-c", str(site.config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "forgotten"),
    [
        ((), set(NAMES)),
        (("www.example.com",), {"www.example.com"}),
        (("example.com", "--suffix"), {"www.example.com", "mail.example.com"}),
        (("--view", "lan"), set(NAMES)),
        (("--view", "internet"), set()),
    ],
)
def test_a_command_makes_all_workers_forget(
    arguments: tuple[str, ...], forgotten: set[str], site: Site, server: Server, upstream: Upstream
) -> None:
    know(server)
    assert asked_again(server, upstream) == set()

    done = flush(site, *arguments)

    answers = 2 * len(forgotten)  # one in each worker
    assert (done.returncode, done.stdout) == (0, f"{answers} answers forgotten\n")
    assert server.wait_for("cache.flushed")["replies"] == answers
    assert server.metrics()["cache_flushes_total"] == 1
    assert asked_again(server, upstream) == forgotten


def test_a_view_that_is_not_there_is_told(site: Site, server: Server) -> None:
    done = flush(site, "--view", "wpn")
    assert (done.returncode, done.stderr) == (
        2,
        "splitdns: expected one of the views lan, internet, found 'wpn'\n",
    )


def test_sigusr1_makes_all_workers_forget_everything(server: Server, upstream: Upstream) -> None:
    know(server)
    server.signal(signal.SIGUSR1)
    assert server.wait_for("cache.flushed")["replies"] == 2 * len(NAMES)
    assert asked_again(server, upstream) == set(NAMES)


def test_the_socket_goes_with_the_server(site: Site, server: Server) -> None:
    assert (site.path / "control.sock").is_socket()
    server.signal(signal.SIGTERM)
    assert server.ends() == 0
    assert not (site.path / "control.sock").exists()
    assert "no server listens" in flush(site).stderr


def test_what_upstreams_said_survives_a_reload_that_leaves_them_alone__semantics_14_and_21(
    site: Site, server: Server, upstream: Upstream
) -> None:
    know(server)
    site.configure(site.settings + "control: control.sock\nminimal_any: false\n")
    server.wait_for("generation.swapped")
    assert asked_again(server, upstream) == set()

    other = site.settings.replace('domains: ["."]', 'domains: ["com", "net"]')
    site.configure(other + "control: control.sock\n")
    server.wait_for("generation.swapped")
    assert asked_again(server, upstream) == set(), "the rules changed, and not who is asked"


def test_the_limits_of_the_cache_change_with_a_reload(site: Site, server: Server) -> None:
    assert server.ask("www.example.com").answer[0].ttl == 300
    site.configure(site.settings + "control: control.sock\ncache: {max_ttl: 7s}\n")
    server.wait_for("generation.swapped")
    assert {server.ask(name).answer[0].ttl for name in ("a.example.com", "b.example.com")} == {7}


def test_what_was_learnt_from_upstreams_that_are_no_more_is_dropped__semantics_14(
    site: Site, server: Server, upstream: Upstream
) -> None:
    know(server)
    held = server.total("cache_entries")
    with answering() as another:
        site.configure(site.settings.replace(upstream.address, another.address) + "control: control.sock\n")
        server.wait_for("generation.swapped")
        assert held == 2 * len(NAMES)
        assert server.total("cache_entries") == 0
        know(server)
        assert {name.removesuffix(".") for name in another.asked} == set(NAMES)
