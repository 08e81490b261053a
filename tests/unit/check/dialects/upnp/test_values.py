"""Words of lists of leases."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.upnp.values import address_of, any_remote, port_of, protocol_of, worded
from splitdns.errors import ConfigError, Where

HERE = Where("upnp.leases", 2, 1)


def test_words_are_read() -> None:
    assert (protocol_of("TCP", HERE), protocol_of("udp", HERE), port_of("65535", HERE)) == (6, 17, 65_535)
    assert str(address_of("2001:db8::1", HERE, 6)) == "2001:db8::1"
    assert [any_remote(word, HERE) for word in ("", "*", "0.0.0.0", "::")] == [None] * 4
    assert str(any_remote("198.51.100.1", HERE)) == "198.51.100.1"
    assert (worded("TCP 1", ""), worded("TCP 1", "game")) == ("TCP 1", "TCP 1 'game'")


@pytest.mark.parametrize(
    ("read", "word", "message"),
    [
        (protocol_of, "icmp", "expected TCP or UDP, found 'icmp'"),
        (port_of, "0", "expected a port, found '0'"),
        (port_of, "65536", "expected a port, found '65536'"),
        (port_of, "٣", "expected a port, found '٣'"),
        (address_of, "web", "expected an address, found 'web'"),
        (lambda word, where: address_of(word, where, 4), "::1", "expected an address of IPv4, found '::1'"),
        (any_remote, "anybody", "expected an address, found 'anybody'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(read: object, word: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(word, HERE)  # type: ignore[operator]
    assert str(caught.value) == f"upnp.leases:2:1: {message}"
