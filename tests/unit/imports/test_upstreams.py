from __future__ import annotations

import pytest

from splitdns.imports.upstreams import upstream
from splitdns.load.upstreamvalues import upstream as loaded


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("9.9.9.9:53", "9.9.9.9"),
        ("udp://9.9.9.9:5353", "9.9.9.9:5353"),
        ("dns://9.9.9.9", "9.9.9.9"),
        ("2620:fe::fe", "2620:fe::fe"),
        ("[2620:fe::fe]:5353", "[2620:fe::fe]:5353"),
        ("tcp://9.9.9.9", "tcp://9.9.9.9"),
        ("tls://9.9.9.9:853", "tls://9.9.9.9"),
        ("tls://2620:fe::fe#dns.example", "tls://[2620:fe::fe]#dns.example"),
        ("https://9.9.9.9/dns-query", "https://9.9.9.9/dns-query"),
    ],
)
def test_an_upstream_with_an_address_is_ours(text: str, ours: str) -> None:
    assert upstream(text) == ours
    assert loaded(ours)


@pytest.mark.parametrize(
    "text", ["", "dns.example", "tls://dns.example", "quic://9.9.9.9", "sdns://AA", "9.9.9.9:x", "9.9.9.9:0"]
)
def test_others_are_none(text: str) -> None:
    assert upstream(text) is None
