from __future__ import annotations

import pytest

from splitdns.errors import Where, ZoneError
from splitdns.load.presentation import rdata_from_text, rdata_to_text, ttl_from_text
from splitdns.records import Type, type_from_text


@pytest.mark.parametrize("text", ["soon", "", "-1", "1x", "1 h", "4294967296"])
def test_what_is_no_ttl_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="TTL"):
        ttl_from_text(text)


@pytest.mark.parametrize(
    ("rdtype", "text", "said"),
    [
        (Type.A, "x", "expected A data such as 192.0.2.1, found 'x'"),
        (Type.MX, "x mail", "expected MX data such as 10 mail, found 'x mail'"),
        (Type.CNAME, "a b", "expected CNAME data, found 'a b'"),
        (Type.HTTPS, "x .", "expected HTTPS data such as 1 . alpn=h2,h3, found 'x .'"),
        (
            Type.HTTPS,
            "0 . alpn=h2",
            "expected HTTPS data such as 1 . alpn=h2,h3, found '0 . alpn=h2' (parameters in AliasMode)",
        ),
        (type_from_text("DS"), "1 2 3 4", "expected DS data, found '1 2 3 4' (Odd-length string)"),
    ],
)
def test_what_is_wrong_with_rdata_is_told_by_example_or_reason(rdtype: int, text: str, said: str) -> None:
    with pytest.raises(ZoneError) as caught:
        rdata_from_text(rdtype, text, b"\0", Where("f"))
    assert caught.value.message == said


def test_rdata_goes_to_text_and_back() -> None:
    origin, here = b"\x00", Where("x")
    location = "1 0 0.000 N 1 0 0.000 E 0.00m"
    for rdtype, text in [("MX", "10 mail."), ("CAA", '0 issue "a"'), ("LOC", location)]:
        number = type_from_text(rdtype)
        rdata = rdata_from_text(number, text, origin, here)
        assert rdata_from_text(number, rdata_to_text(number, rdata), origin, here) == rdata
    assert rdata_to_text(1, b"\x01") == "\\# 1 01"
    with pytest.raises(ZoneError, match="x: expected ASCII"):
        rdata_from_text(16, "ü", origin, here)
