"""dnsmasq's leases file, as dnsmasq 2.90 writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.sources.leases.dnsmasq import leases_in
from splitdns.sources.leases.lease import Lease

FILE = """\
1764000000 52:54:00:12:34:56 192.168.1.20 laptop 01:52:54:00:12:34:56
1764000100 52:54:00:12:34:57 192.168.1.21 * *
0 06-02:00:00:00:00:01 192.168.1.22 Printer ff:00
duid 00:01:00:01:2c:aa:bb:cc:52:54:00:00:00:01
1764000000 1193046 fd00::20 laptop 00:01:00:01:2c:aa:bb:cc:52:54:00:12:34:56
1764000000 T1193046 fd00::21 * 00:02:00:00:ab:11:01:02:03:04:05:06:07:08
"""


def shown(lease: Lease) -> tuple[str, str, str, float | None, str]:
    return str(lease.address), lease.hostname, lease.client, lease.ends_s, str(lease.where)


def test_leases_of_both_families_are_read() -> None:
    assert [shown(lease) for lease in leases_in(FILE, "f")] == [
        ("192.168.1.20", "laptop", "52:54:00:12:34:56", 1764000000.0, "f:1"),
        ("192.168.1.21", "", "52:54:00:12:34:57", 1764000100.0, "f:2"),
        ("192.168.1.22", "Printer", "02:00:00:00:00:01", None, "f:3"),
        ("fd00::20", "laptop", "52:54:00:12:34:56", 1764000000.0, "f:5"),
        ("fd00::21", "", "00:02:00:00:ab:11:01:02:03:04:05:06:07:08", 1764000000.0, "f:6"),
    ]


def test_a_dnsmasq_without_a_clock_writes_how_long_and_nobody_knows_the_end() -> None:
    (lease,) = leases_in("3600 52:54:00:12:34:56 192.168.1.20 laptop *\n", "f")
    assert lease.ends_s is None


@pytest.mark.parametrize(
    "line",
    [
        "1764000000 52:54:00:12:34:56 192.168.1.20 laptop",
        "1764000000 52:54:00:12:34:56 192.168.1.20 laptop 01 02",
        "x 52:54:00:12:34:56 192.168.1.20 laptop *",
        "-1 52:54:00:12:34:56 192.168.1.20 laptop *",
        "1764000000 52:54:00:12:34:56 192.168.1.999 laptop *",
        "99999999999999999999 52:54:00:12:34:56 192.168.1.20 laptop *",
        "",
    ],
)
def test_what_is_no_lease_is_none(line: str) -> None:
    assert list(leases_in(f"{line}\n", "f")) == []


def test_a_line_that_is_still_being_written_is_none() -> None:
    assert list(leases_in("1764000000 52:54:00:12:34:56 192.168.1.20 lap *", "f")) == []


@given(st.text(alphabet="01: *abT.\n?", max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    for lease in leases_in(text, "f"):
        assert not lease.address.is_multicast
