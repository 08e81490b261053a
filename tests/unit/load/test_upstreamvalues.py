"""Upstreams as people write them, and what they are told where it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.load.upstreamvalues import upstream
from splitdns.view import Carrier, Upstream

QUAD9 = "dns.quad9.net"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("9.9.9.9", Upstream("9.9.9.9")),
        ("9.9.9.9:5353", Upstream("9.9.9.9", 5353)),
        ("2620:fe::fe", Upstream("2620:fe::fe")),
        ("[2620:fe::fe]:5353", Upstream("2620:fe::fe", 5353)),
        ("udp://9.9.9.9", Upstream("9.9.9.9")),
        ("tcp://9.9.9.9", Upstream("9.9.9.9", 53, Carrier.TCP)),
        ("tcp://[2620:fe::fe]:5353", Upstream("2620:fe::fe", 5353, Carrier.TCP)),
        ("tls://9.9.9.9", Upstream("9.9.9.9", 853, Carrier.TLS)),
        ("tls://9.9.9.9#dns.quad9.net", Upstream("9.9.9.9", 853, Carrier.TLS, QUAD9)),
        ("tls://[2620:fe::fe]:8853#dns.quad9.net", Upstream("2620:fe::fe", 8853, Carrier.TLS, QUAD9)),
        ("https://9.9.9.9/dns-query", Upstream("9.9.9.9", 443, Carrier.HTTPS, "", "/dns-query")),
        ("https://9.9.9.9", Upstream("9.9.9.9", 443, Carrier.HTTPS, "", "/dns-query")),
        ("https://9.9.9.9:8443/a/b?c=d", Upstream("9.9.9.9", 8443, Carrier.HTTPS, "", "/a/b?c=d")),
    ],
)
def test_an_upstream_is_an_address_or_a_url(written: str, read: Upstream) -> None:
    assert upstream(written) == (read,)
    assert upstream(str(read)) == (read,), "what is shown can be written"


def test_a_name_has_its_addresses_beside_it() -> None:
    found = upstream({"url": "https://dns.quad9.net/dns-query", "addresses": ["9.9.9.9", "2620:fe::fe"]})
    assert found == (
        Upstream("9.9.9.9", 443, Carrier.HTTPS, QUAD9, "/dns-query"),
        Upstream("2620:fe::fe", 443, Carrier.HTTPS, QUAD9, "/dns-query"),
    )
    (tls,) = upstream({"url": "tls://dns.quad9.net:8853", "addresses": ["9.9.9.9"], "ca": "ca.pem"})
    assert tls == Upstream("9.9.9.9", 8853, Carrier.TLS, QUAD9, ca="ca.pem")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("tls://dns.quad9.net", "expected the addresses of dns.quad9.net, .*addresses: \\[192.0.2.53\\]"),
        ("https://dns.quad9.net/dns-query", "expected the addresses of dns.quad9.net"),
        ("tcp://dns.quad9.net", "without TLS, nothing proves a name"),
        ("udp://dns.quad9.net", "without TLS"),
        ("quic://9.9.9.9", "expected a URL like udp://… tcp://… tls://… https://…"),
        ("tls://9.9.9.9:0", "expected a URL like"),
        ("tls://9.9.9.9:65536", "expected a URL like"),
        ("tls://user@9.9.9.9", "expected a URL like"),
        ("tls://9.9.9.9/path", "expected a path in https:// only"),
        ("tcp://9.9.9.9#dns.quad9.net", "expected no '#'"),
        ("https://9.9.9.9/dns-query#dns.quad9.net", "expected no '#'"),
        ("tls://9.9.9.9#dns quad9", "expected no '#'"),
        ("https://9.9.9.9/dns-query{?dns}", "without {\\?dns}"),
        ("tls://9.9.9", "expected an address or a name in 'tls://9.9.9', found '9.9.9'"),
        ("tls://", "expected an address or a name"),
        ("tls://0.0.0.0", "expected an address or a name"),
        ("dns.quad9.net", "expected a resolver's address"),
        (9, "expected a resolver's address"),
        ({"url": "tls://dns.quad9.net"}, "expected the addresses of dns.quad9.net"),
        ({"url": "tls://dns.quad9.net", "addresses": []}, "expected a list of the addresses"),
        ({"url": "tls://dns.quad9.net", "addresses": "9.9.9.9"}, "expected a list of the addresses"),
        ({"url": "tls://dns.quad9.net", "addresses": ["dns.quad9.net"]}, "expected a resolver's address"),
        ({"url": "tls://dns.quad9.net", "addresses": ["9.9.9.9:853"]}, "addresses without a port"),
        ({"url": "tls://dns.quad9.net#x", "addresses": ["9.9.9.9"]}, "expected one name"),
        ({"url": "tls://9.9.9.9", "addresses": ["9.9.9.9"]}, "expected addresses beside a name only"),
        ({"url": "tcp://9.9.9.9", "ca": "ca.pem"}, "expected tls:// or https:// where there is a ca"),
        ({"url": "tls://9.9.9.9", "ca": ""}, "expected the path of a file of certificates"),
        ({"url": "9.9.9.9"}, "expected a URL"),
        ({"addresses": ["9.9.9.9"]}, "expected a URL, like tls://dns.quad9.net, found nothing"),
        ({"url": "tls://9.9.9.9", "address": "9.9.9.9"}, "'address' is not a setting of an upstream"),
    ],
)
def test_what_is_wrong_is_told_with_what_was_expected(written: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        upstream(written)


@given(st.text("tls:/htp#.[]9a@?%", max_size=20), st.sampled_from(["", "tls://", "https://"]))
def test_whatever_is_written_is_read_or_told_to_be_wrong(text: str, scheme: str) -> None:
    try:
        (found,) = upstream(scheme + text)
    except ValueError:
        return
    assert upstream(str(found)) == (found,)
