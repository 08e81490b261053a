"""What the supervisor works out by itself; its whole life is tested from outside, in tests/daemon."""

from __future__ import annotations

import json
import pickle
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from splitdns.daemon.channel import MAX_MESSAGE_OCTETS, Swap
from splitdns.daemon.ports import open_sockets
from splitdns.daemon.supervisor import (
    Supervisor,
    _admin_socket,
    _control_socket,
    _knobs,
    _shown,
    run,
)
from splitdns.daemon.wan.keeper import Keeper
from splitdns.forward.cache import CacheLimits
from splitdns.load.settings import read_settings
from splitdns.sources.keeper import Keeper as Sources
from tests.unit.daemon.site import Site

pytestmark = pytest.mark.usefixtures("logging_restored")


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    former = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGUSR1)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("workers", "share"), [(1, 1000), (2, 500), (3, 334)])
def test_limits_are_divided_by_the_workers__semantics_21(workers: int, share: int) -> None:
    settings = read_settings("tcp: {connections: 1000, idle_timeout: 7s}\nquerylog: true\n", "splitdns.yaml")

    knobs = _knobs(settings, workers, bytes(16))

    assert knobs.limits.connections == share
    assert knobs.limits.idle_s == 7
    assert knobs.querylog


def test_the_cache_is_each_worker_s_own__semantics_21() -> None:
    text = "cache: {size_mib: 3, min_ttl: 5s, max_ttl: 1h, max_negative_ttl: 1m, max_stale: 0, "
    text += "prefetch: false}\n"

    knobs = _knobs(read_settings(text, "splitdns.yaml"), 2, bytes(16))

    assert knobs.cache == CacheLimits(3 * 1024 * 1024, 5, 3600, 60, 0, prefetch=False)
    assert _knobs(read_settings("", "splitdns.yaml"), 2, bytes(16)).cache == CacheLimits()


def test_a_control_socket_is_made_beside_the_configuration_and_not_at_any_price(tmp_path: Path) -> None:
    settings = read_settings("control: control.sock\n", "splitdns.yaml")
    control = _control_socket(settings, tmp_path / "splitdns.yaml")
    assert control is not None
    assert control.path == tmp_path / "control.sock"
    assert _control_socket(settings, tmp_path / "splitdns.yaml") is None, "another server has it"
    control.close()
    assert _control_socket(read_settings("control: null\n", "splitdns.yaml"), None) is None


@pytest.mark.parametrize(("written", "level"), [("control: /dev/null/control.sock\n", "ERROR"), ("", "INFO")])
def test_who_asked_for_a_control_socket_hears_why_there_is_none(
    written: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = read_settings(written, "splitdns.yaml")
    if not written:
        settings = settings.model_copy(update={"control": "/dev/null/control.sock"})
    caplog.set_level("INFO")
    assert _control_socket(settings, None) is None
    assert [(record.levelname, record.message) for record in caplog.records] == [(level, "control.failed")]


def test_who_shares_the_usual_control_socket_is_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "control.sock"
    settings = read_settings("", "splitdns.yaml").model_copy(update={"control": str(path)})
    other = _control_socket(settings, tmp_path / "other.yaml")
    assert other is not None
    assert _control_socket(settings, None) is None
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "control.failed")
    other.close()


def test_every_worker_may_take_a_connection() -> None:
    settings = read_settings("tcp: {connections: 1, connections_per_client: 1}\n", "splitdns.yaml")

    limits = _knobs(settings, 64, bytes(16)).limits

    assert (limits.connections, limits.connections_per_client) == (1, 1)


def test_the_admin_endpoint_may_be_switched_off() -> None:
    assert _admin_socket(read_settings("admin: {listen: null}\n", "splitdns.yaml")) is None


def test_a_busy_admin_port_is_no_reason_not_to_answer_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        settings = read_settings(f"admin: {{listen: '127.0.0.1:{port}'}}\n", "splitdns.yaml")
        assert _admin_socket(settings) is None


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_is_shown_as_it_is_configured(host: str, shown: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        assert _shown(sock) == f"{shown}:{sock.getsockname()[1]}"


def test_before_the_workers_answer_it_is_neither_well_nor_ready(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.config.write_text(site.config.read_text() + "admin: {listen: null}\n")
    loaded = site.load()
    sockets = open_sockets(loaded.settings, 1)
    keeper, sources = Keeper(site.config), Sources()
    supervisor = Supervisor(site.config, loaded, sockets, keeper, sources, strict=False, since_s=0.0)

    assert supervisor.unhealthy() == "no worker is alive"
    assert supervisor.unready() == "not all workers are serving"
    sockets[0].close()


def test_what_is_wrong_at_the_start_is_raised_all_at_once(tmp_path: Path) -> None:
    config = tmp_path / "splitdns.yaml"
    config.write_text("workres: 3\nquerylog: maybe\n")

    with pytest.raises(ExceptionGroup) as caught:
        run(config)

    assert len(caught.value.exceptions) == 2


def test_an_address_that_cannot_be_used_is_raised_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "splitdns.yaml"
    config.write_text('listen: ["192.0.2.1:5300"]\n')

    with pytest.raises(ExceptionGroup) as caught:
        run(config)

    assert str(caught.value.exceptions[0]).startswith(f"{config}:1:10: cannot listen on 192.0.2.1:5300: ")


def test_the_largest_knobs_fit_into_a_message() -> None:
    exempt = [f"2001:db8:{number:x}::/48" for number in range(64)]
    settings = read_settings(f"limits: {{exempt: {json.dumps(exempt)}}}", "f")
    gateways = frozenset(f"2001:db8::{at:x}" for at in range(32))
    knobs = replace(_knobs(settings, 2, bytes(16)), gateways=gateways)
    assert len(pickle.dumps(Swap(1, knobs))) <= MAX_MESSAGE_OCTETS
    with pytest.raises(ExceptionGroup, match="f"):
        read_settings(f"limits: {{exempt: {json.dumps([*exempt, '192.0.2.0/24'])}}}", "f")
