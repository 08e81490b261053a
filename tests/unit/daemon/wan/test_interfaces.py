"""The kernel's own answers on the loopback, and its messages as they might be."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.interfaces import Notices, address, address_of, messages


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def content(family: int, *attributes: bytes, flags: int = 0, scope: int = 0) -> bytes:
    return struct.pack("=BBBBI", family, 24, flags, scope, 7) + b"".join(attributes)


FOUR = socket.inet_pton(socket.AF_INET, "203.0.113.7")
PEER = socket.inet_pton(socket.AF_INET, "203.0.113.1")
SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::7")


def test_of_a_tunnel_the_own_end_counts() -> None:
    found = address(content(socket.AF_INET, attribute(1, PEER), attribute(2, FOUR)))

    assert found is not None
    assert (found[0], str(found[1])) == (7, "203.0.113.7")


def test_a_secondary_address_of_ipv4_is_one() -> None:
    assert address(content(socket.AF_INET, attribute(2, FOUR), flags=0x01)) is not None


@pytest.mark.parametrize(
    "unfit",
    [
        content(socket.AF_INET, attribute(2, FOUR), scope=253),
        content(socket.AF_INET6, attribute(1, SIX), flags=0x01),  # temporary
        content(socket.AF_INET6, attribute(1, SIX), flags=0x40),  # tentative
        content(socket.AF_INET6, attribute(1, SIX), attribute(8, struct.pack("=I", 0x20))),  # deprecated
        content(socket.AF_INET6),
        content(socket.AF_INET, attribute(2, b"abc")),
    ],
)
def test_what_is_not_for_everybody_is_left_out(unfit: bytes) -> None:
    assert address(unfit) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_octets_confuse_the_reader(octets: bytes) -> None:
    for _, one in messages(octets):
        assert len(one) < len(octets)
    address(content(socket.AF_INET, octets))


def test_an_interface_that_is_not_there_is_said_so() -> None:
    with pytest.raises(WanError, match="there is no interface none-such"):
        address_of("none-such", 4)


def test_the_loopback_has_no_address_for_the_world() -> None:
    with pytest.raises(WanError, match="lo has no global IPv6 address"):
        address_of("lo", 6)


def test_notices_can_be_waited_for_and_forgotten() -> None:
    notices = Notices()
    try:
        assert notices.fileno() >= 0
        notices.drain()
    finally:
        notices.close()
