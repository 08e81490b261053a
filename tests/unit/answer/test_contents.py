"""Names and addresses of other hosts, in every type that can hold them."""

from __future__ import annotations

import dns.rdata
import dns.rdatatype
import pytest

from splitdns.answer.contents import addresses, names
from splitdns.names import to_text


def wire(rdtype: str, text: str) -> tuple[int, bytes]:
    rdata = dns.rdata.from_text("IN", rdtype, text)
    return int(rdata.rdtype), rdata.to_wire() or b""


@pytest.mark.parametrize(
    ("rdtype", "text", "found"),
    [
        ("MX", "1 a.example.", ["a.example."]),
        ("RP", "a.example. b.example.", ["a.example.", "b.example."]),
        ("PX", "1 a.example. b.example.", ["a.example.", "b.example."]),
        ("IPSECKEY", "1 3 2 a.example. AQID", ["a.example."]),
        ("IPSECKEY", "1 1 2 192.0.2.1 AQID", []),
        ("AMTRELAY", "1 1 3 a.example.", ["a.example."]),
        ("A", "192.0.2.1", []),
        ("TXT", '"a.example."', []),
    ],
)
def test_names(rdtype: str, text: str, found: list[str]) -> None:
    assert [to_text(name) for name in names(*wire(rdtype, text))] == found


@pytest.mark.parametrize(
    ("rdtype", "text", "found"),
    [
        ("A", "192.0.2.1", ["c0000201"]),
        ("AAAA", "2001:db8::1", ["20010db8000000000000000000000001"]),
        ("IPSECKEY", "1 1 2 192.0.2.1 AQID", ["c0000201"]),
        ("IPSECKEY", "1 0 2 . AQID", []),
        ("AMTRELAY", "1 0 1 192.0.2.1", ["c0000201"]),
        ("AMTRELAY", "1 1 2 2001:db8::1", ["20010db8000000000000000000000001"]),
        ("APL", "1:192.0.2.0/24 !2:2001:db8::/32", ["c0000200", "20010db8000000000000000000000000"]),
        ("MX", "1 a.example.", []),
    ],
)
def test_addresses(rdtype: str, text: str, found: list[str]) -> None:
    assert [address.hex() for address in addresses(*wire(rdtype, text))] == found
