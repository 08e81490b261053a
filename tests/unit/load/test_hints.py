from __future__ import annotations

from collections.abc import Sequence

import pytest

from splitdns.errors import Where
from splitdns.load import hints
from splitdns.load.presentation import rdata_from_text, rdata_to_text
from splitdns.names import from_text
from splitdns.records import Type

ORIGIN = from_text("example.org.")
OWNER = from_text("www.example.org.")
V4, V6 = bytes([192, 0, 2, 1]), bytes.fromhex("20010db8000000000000000000000001")


def addresses(target: bytes, rdtype: int) -> Sequence[bytes] | None:
    if target != OWNER:
        return None
    return {Type.A: (V4,), Type.AAAA: (V6,)}[Type(rdtype)]


def resolved(text: str, auto: Sequence[int] = ()) -> str:
    rdata = rdata_from_text(Type.HTTPS, text, ORIGIN, Where("x"))
    return rdata_to_text(Type.HTTPS, hints.resolved(rdata, OWNER, auto, addresses))


def test_auto_becomes_the_targets_addresses_in_the_view__semantics_5() -> None:
    text = "1 . alpn=h2 ipv4hint=0.0.0.0 ipv6hint=::"
    assert resolved(text, [4, 6]) == '1 . alpn="h2" ipv4hint="192.0.2.1" ipv6hint="2001:db8::1"'
    assert resolved("1 www ipv4hint=0.0.0.0", [4]) == '1 www.example.org. ipv4hint="192.0.2.1"'


def test_auto_without_an_address_is_no_hint() -> None:
    rdata = rdata_from_text(Type.HTTPS, "1 . alpn=h2 ipv4hint=0.0.0.0", ORIGIN, Where("x"))
    found = hints.resolved(rdata, OWNER, [4], lambda target, rdtype: ())
    assert rdata_to_text(Type.HTTPS, found) == '1 . alpn="h2"'


def test_auto_needs_a_target_whose_addresses_are_known() -> None:
    with pytest.raises(ValueError, match="expected a target in this zone for ipv4hint=auto"):
        resolved("1 elsewhere.example.net. ipv4hint=0.0.0.0", [4])


def test_a_literal_hint_must_be_one_of_the_targets_addresses__semantics_5() -> None:
    assert resolved("1 . ipv4hint=192.0.2.1") == '1 . ipv4hint="192.0.2.1"'
    assert resolved("1 elsewhere.example.net. ipv4hint=192.0.2.9")
    with pytest.raises(ValueError, match=r"ipv4hint among .* \(192.0.2.1\), found 192.0.2.9"):
        resolved("1 . ipv4hint=192.0.2.1,192.0.2.9")
    with pytest.raises(ValueError, match="ipv6hint among"):
        resolved("1 . ipv6hint=2001:db8::2")


def test_parameters_are_split_from_rdata__rfc9460_2_2() -> None:
    rdata = rdata_from_text(Type.HTTPS, "1 a.b. port=443 alpn=h2", ORIGIN, Where("x"))
    assert list(hints.parameters(rdata)) == [(1, b"\x02h2"), (3, b"\x01\xbb")]
