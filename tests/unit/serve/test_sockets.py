from __future__ import annotations

import socket

import pytest

from splitdns.serve.sockets import is_wildcard, open_tcp, open_udp, server_label


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_sockets_share_their_address_and_are_bound_to_no_device(address: str) -> None:
    for opener in (open_udp, open_tcp):
        with opener(address, 0) as first, opener(address, port_of(first)) as second:
            assert second.getsockname() == first.getsockname()
            assert second.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
            assert second.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) == b""
            assert not second.getblocking()
            if second.family == socket.AF_INET6:
                assert second.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            assert is_wildcard(second) == (address in ("0.0.0.0", "::"))


def test_a_socket_for_both_families_takes_ipv4_as_mapped_addresses__rfc3493_3_7() -> None:
    with open_udp("::", 0, both_families=True) as both, socket.socket(type=socket.SOCK_DGRAM) as client:
        both.setblocking(True)
        both.settimeout(60)
        client.sendto(b"hello", ("127.0.0.1", port_of(both)))
        assert both.recvfrom(9)[1][0] == "::ffff:127.0.0.1"


def test_an_address_that_is_not_ours_cannot_be_bound() -> None:
    with pytest.raises(OSError, match="Cannot assign"):
        open_udp("192.0.2.1", 0)


def test_a_listener_is_named_as_coredns_does() -> None:
    with open_udp("0.0.0.0", 0) as wildcard, open_udp("127.0.0.1", 0) as v4, open_udp("::1", 0) as v6:
        assert server_label(wildcard) == f"dns://:{port_of(wildcard)}"
        assert server_label(v4) == f"dns://127.0.0.1:{port_of(v4)}"
        assert server_label(v6) == f"dns://[::1]:{port_of(v6)}"
