"""Sockets towards upstreams."""

from __future__ import annotations

import asyncio
import socket

import pytest

from splitdns.forward.network import KernelNetwork
from splitdns.view import Upstream


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_datagram_socket_is_connected_and_never_blocks(host: str, family: int) -> None:
    with KernelNetwork().datagram(Upstream(host, 53)) as opened:
        assert opened.family == family
        assert opened.getpeername()[:2] == (host, 53)
        assert not opened.getblocking()


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_stream_socket_is_connected_and_never_blocks(host: str, family: int) -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), host, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with await KernelNetwork().stream(Upstream(host, port)) as opened:
                assert opened.family == family
                assert opened.getpeername()[:2] == (host, port)
                assert not opened.getblocking()

    asyncio.run(main())


def test_where_there_is_no_way_nothing_stays_open() -> None:
    # An unclosed socket would be a ResourceWarning, which fails the test.
    with pytest.raises(OSError, match=r".+"):
        KernelNetwork().datagram(Upstream("255.255.255.255", 53))


def test_a_stream_to_a_port_where_nobody_listens_fails_and_leaves_nothing_open() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(KernelNetwork().stream(Upstream("127.0.0.1", bound.getsockname()[1])))
