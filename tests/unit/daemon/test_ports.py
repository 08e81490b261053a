"""Sockets for all workers, and who is in the way (semantics 22)."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from splitdns.daemon.ports import holder, open_admin, open_sockets
from splitdns.load.configvalues import listen
from splitdns.load.settings import Settings, default_settings, read_settings


def settings(address: str) -> Settings:
    return read_settings(f'listen: ["{address}"]', "splitdns.yaml")


def mistakes(address: str, workers: int = 1) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        open_sockets(settings(address), workers)
    return [str(error) for error in caught.value.exceptions]


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0"])
def test_all_workers_have_their_own_sockets_at_the_same_address__semantics_22(address: str) -> None:
    slots = open_sockets(settings(address), 3)
    everything = [sock for slot in slots for sock in (*slot.udp, *slot.tcp)]
    try:
        assert len(everything) == 6
        assert len({sock.getsockname()[:2] for sock in everything}) == 1
        for sock in everything:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    finally:
        for sock in everything:
            sock.close()


@pytest.mark.parametrize(
    ("addresses", "v6_only"),
    [('"[::]:0"', False), ('"0.0.0.0:0", "[::]:0"', True), ('"127.0.0.1:0", "[::]:0"', True)],
)
def test_all_of_ipv6_takes_ipv4_too_where_nothing_else_does(addresses: str, v6_only: bool) -> None:
    (slot,) = open_sockets(read_settings(f"listen: [{addresses}]", "splitdns.yaml"), 1)
    with slot.udp[-1] as udp, slot.tcp[-1] as tcp:
        for sock in (udp, tcp):
            assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == v6_only
    slot.close()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest.mark.parametrize("shared", [False, True])
def test_a_busy_port_names_its_holder__semantics_22(kind: socket.SocketKind, shared: bool) -> None:
    # Shared: a server of the same user whose socket would let ours in, and take half of the queries.
    with socket.socket(socket.AF_INET, kind) as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        busy.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            busy.listen()
        port = busy.getsockname()[1]
        (mistake,) = mistakes(f"127.0.0.1:{port}")
        assert mistake.startswith(
            f"splitdns.yaml:1:10: cannot listen on 127.0.0.1:{port}: port {port} is in use by "
        )
        assert f"(process {os.getpid()})" in mistake


def test_an_address_of_another_machine_is_said_to_be_one__semantics_22() -> None:
    (mistake,) = mistakes("192.0.2.1:0")
    assert "this machine does not have that address" in mistake


def test_systemd_resolved_is_known_with_its_remedy__semantics_22(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import splitdns.daemon.ports as ports

    def busy(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(ports, "_open", busy)
    monkeypatch.setattr(ports, "holder", lambda _port: "systemd-resolve (process 7)")
    assert "DNSStubListener=no" in mistakes("0.0.0.0:53")[0]


def test_a_privileged_port_says_which_permission_is_missing__semantics_22(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import splitdns.daemon.ports as ports

    def forbidden(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ports, "_open", forbidden)
    assert "cap_net_bind_service" in mistakes("0.0.0.0:53")[0]


def test_a_holder_that_may_not_be_seen_is_nobody(tmp_path: Path) -> None:
    net = tmp_path / "net"
    net.mkdir()
    (net / "udp").write_text("head\n  1: 00000000:0035 00000000:0000 07 0:0 0:0 0 0 0 4711 2 0 0\n")
    assert holder(listen("127.0.0.1:53"), tmp_path) is None
    descriptors = tmp_path / "12" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("socket:[4711]")
    (tmp_path / "12" / "comm").write_text("named\n")
    assert holder(listen("127.0.0.1:53"), tmp_path) == "named (process 12)"
    assert holder(listen("127.0.0.1:54"), tmp_path) is None


def test_connections_that_ended_do_not_hold_a_port(tmp_path: Path) -> None:
    net = tmp_path / "net"
    net.mkdir()
    (net / "tcp").write_text("head\n  1: 0100007F:0035 00000000:0000 06 0:0 0:0 0 0 0 4711 2 0 0\n")
    descriptors = tmp_path / "12" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("socket:[4711]")
    (tmp_path / "12" / "comm").write_text("named\n")
    assert holder(listen("127.0.0.1:53"), tmp_path) is None


def test_who_has_the_port_at_another_address_is_not_in_the_way(tmp_path: Path) -> None:
    net = tmp_path / "net"
    net.mkdir()
    (net / "udp").write_text("head\n  1: 0200007F:0035 00000000:0000 07 0:0 0:0 0 0 0 4711 2 0 0\n")
    descriptors = tmp_path / "12" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("socket:[4711]")
    (tmp_path / "12" / "comm").write_text("named\n")

    assert holder(listen("127.0.0.1:53"), tmp_path) is None
    for address in ("127.0.0.2:53", "0.0.0.0:53"):
        assert holder(listen(address), tmp_path) == "named (process 12)"


def test_an_address_that_only_the_default_names_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import splitdns.daemon.ports as ports

    def absent(*_: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(ports, "_open", absent)
    assert open_sockets(default_settings(), 1)[0].udp == []
    assert mistakes("[::1]:5353") != []


def test_the_admin_endpoint_is_not_shared_with_another_server() -> None:
    with open_admin(listen("127.0.0.1:0")) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} is in use by .* \(process {os.getpid()}\): stop it"):
            open_admin(listen(f"127.0.0.1:{port}"))
