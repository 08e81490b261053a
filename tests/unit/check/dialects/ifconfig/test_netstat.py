"""Routes as the BSDs print them."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.ifconfig.netstat import read_routes
from splitdns.check.dialects.printed import Printed
from splitdns.errors import Problems

OPENBSD = """\
Routing tables

Internet:
Destination        Gateway            Flags   Refs      Use   Mtu  Prio Iface
default            203.0.113.1        UGS        5       12     -     8 em0
224/4              127.0.0.1          URS        0        0 32768     8 lo0
10.8/16            192.168.1.9        UGS        0        0     -     8 em1
127/8              127.0.0.1          UGRS       0        0 32768     8 lo0
192.168.1/24       192.168.1.1        UCn        3        0     -     4 em1
192.168.1.1        00:00:5e:00:53:01  UHLl       0        0     -     1 em1
192.168.1.20       00:00:5e:00:53:02  UHLc       0        0     -     3 em1
192.168.1.255      192.168.1.1        UHb        0        0     -     1 em1
198.51.100.0/24    127.0.0.1          UGBS       0        0     -     8 lo0

Internet6:
Destination        Gateway            Flags   Refs      Use   Mtu  Prio Iface
default            fe80::1%em0        UGS        0        0     -     8 em0
2001:db8:1::/64    2001:db8:1::1      UCn        0        0     -     4 em1
fe80::%em1/64      fe80::2%em1        UCn        0        0     -     4 em1
ff01::/16          ::1                UGRS       0        0     -     8 lo0
"""
FREEBSD = """\
Routing tables

Internet:
Destination        Gateway            Flags         Netif Expire
default            203.0.113.1        UGS             em0
10.9.0.0/16        192.168.1.9        UGS             em1
127.0.0.1          link#3             UH              lo0
192.168.1.0/24     link#2             U               em1
192.168.1.1        link#2             UHS             lo0
198.51.100.9       192.168.1.9        UGHS            em1
"""


def routes(text: str) -> tuple[list[str], list[str]]:
    problems = Problems()
    found = [
        f"{one.prefix} {one.interface} {one.via} {one.kind}"
        for one in read_routes(Printed(text, "netstat"), problems)
    ]
    return found, [str(error) for error in problems.errors]


def test_openbsd() -> None:
    assert routes(OPENBSD) == (
        [
            "0.0.0.0/0 em0 203.0.113.1 unicast",
            "10.8.0.0/16 em1 192.168.1.9 unicast",
            "192.168.1.0/24 em1 None unicast",
            "198.51.100.0/24 None None blackhole",
            "::/0 em0 fe80::1 unicast",
            "2001:db8:1::/64 em1 None unicast",
        ],
        [],
    )


def test_freebsd() -> None:
    assert routes(FREEBSD) == (
        [
            "0.0.0.0/0 em0 203.0.113.1 unicast",
            "10.9.0.0/16 em1 192.168.1.9 unicast",
            "192.168.1.0/24 em1 None unicast",
            "198.51.100.9/32 em1 192.168.1.9 unicast",
        ],
        [],
    )


@pytest.mark.parametrize(
    "text", ["not netstat\n", FREEBSD + "wrong\n", FREEBSD + "wrong/wrong 10.0.0.1 UGS em0\n"]
)
def test_what_netstat_does_not_print_is_told(text: str) -> None:
    _, errors = routes(text)

    assert len(errors) == 1
    assert "expected a route of netstat -rn" in errors[0]
