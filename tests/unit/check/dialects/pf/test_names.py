"""Names that stand for numbers."""

from __future__ import annotations

from splitdns.check.dialects.pf.names import ICMP, ICMP6, PROTOCOLS, SERVICES


def test_names_of_what_everybody_writes() -> None:
    assert [SERVICES[one] for one in ("ssh", "www", "https", "domain")] == [22, 80, 443, 53]
    assert (PROTOCOLS["ipv6-icmp"], ICMP["echoreq"], ICMP6["echoreq"]) == (58, 8, 128)


def test_numbers_are_of_their_kind() -> None:
    assert all(0 < port < 65_536 for port in SERVICES.values())
    assert all(0 <= one < 256 for table in (PROTOCOLS, ICMP, ICMP6) for one in table.values())
