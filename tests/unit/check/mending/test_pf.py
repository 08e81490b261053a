"""Changes as lines for a pf.conf."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.changes import (
    Admit,
    AdmitReplies,
    Change,
    Forward,
    Hairpin,
    RedirectDns,
    SpareDns,
)
from splitdns.check.mending.pf import LOAD, UNDO, written_freebsd, written_openbsd
from splitdns.check.model import Origin
from splitdns.check.sets import numbers_of
from splitdns.errors import Where

ADDRESSES = ("203.0.113.7", "192.168.1.20", "192.168.1.53", "192.168.1.1")
PUBLIC, WEB, DNS, GATEWAY = map(ip_address, ADDRESSES)
LAN = numbers_of(ip_network("192.168.1.0/24"))
SIX = ip_address("2001:db8:1::20")

FORWARD = Forward(PUBLIC, "tcp", (443, 443), WEB, (443, 443))
SHIFTED = Forward(PUBLIC, "udp", (8000, 8009), WEB, (9000, 9009))
HAIRPIN = Hairpin(LAN, 4, WEB, "tcp", (443, 443), "em1")
RED = RedirectDns(numbers_of(ip_network("10.0.0.0/24")), "em1", DNS, "udp")
SPARE = SpareDns("pf nat", "rdr", DNS, "tcp")


@pytest.mark.parametrize(
    ("change", "openbsd", "freebsd"),
    [
        (
            FORWARD,
            "pass in quick inet proto tcp to 203.0.113.7 port 443 rdr-to 192.168.1.20"
            "  # splitdns: before all other rules",
            "rdr inet proto tcp from any to 203.0.113.7 port 443 -> 192.168.1.20"
            "  # splitdns: before all nat and rdr rules",
        ),
        (
            SHIFTED,
            "pass in quick inet proto udp to 203.0.113.7 port 8000:8009 rdr-to 192.168.1.20 port 9000:*"
            "  # splitdns: before all other rules",
            "rdr inet proto udp from any to 203.0.113.7 port 8000:8009 -> 192.168.1.20 port 9000:*"
            "  # splitdns: before all nat and rdr rules",
        ),
        (
            HAIRPIN,
            "pass out quick on em1 inet proto tcp from 192.168.1.0/24 to 192.168.1.20 port 443 nat-to (em1:0)"
            "  # splitdns: before all other rules",
            "nat on em1 inet proto tcp from 192.168.1.0/24 to 192.168.1.20 port 443 -> (em1:0)"
            "  # splitdns: before all nat and rdr rules",
        ),
        (
            Admit("pf-… filter", "out", SIX, "tcp", (443, 443)),
            "pass out inet6 proto tcp to 2001:db8:1::20 port 443  # splitdns: behind all other rules",
            "pass out quick inet6 proto tcp from any to 2001:db8:1::20 port 443"
            "  # splitdns: before all other rules",
        ),
        (
            RED,
            "pass in quick on em1 inet proto udp from 10.0.0.0/24 to !192.168.1.53 port 53"
            " rdr-to 192.168.1.53  # splitdns: before all other rules",
            "rdr on em1 inet proto udp from 10.0.0.0/24 to !192.168.1.53 port 53 -> 192.168.1.53"
            "  # splitdns: before all nat and rdr rules",
        ),
        (
            SPARE,
            "pass in quick inet proto tcp from 192.168.1.53 to any port 53"
            "  # splitdns: before all other rules",
            "no rdr inet proto tcp from 192.168.1.53 to any port 53"
            "  # splitdns: before all nat and rdr rules",
        ),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_a_change_is_a_line_and_where_it_belongs(change: Change, openbsd: str, freebsd: str) -> None:
    assert written_openbsd([change]) == ([openbsd, LOAD], [UNDO, LOAD])
    assert written_freebsd([change]) == ([freebsd, LOAD], [UNDO, LOAD])


@pytest.mark.parametrize(
    ("blocking", "line"),
    [
        ("block in", "pass in inet proto tcp to 192.168.1.20 port 443  # splitdns: behind all other rules"),
        (
            "block in quick on em0",
            "pass in quick inet proto tcp to 192.168.1.20 port 443  # splitdns: before line 7",
        ),
    ],
)
def test_what_a_quick_rule_blocks_stands_before_it(blocking: str, line: str) -> None:
    dropped_by = Origin(Where("pf.conf", 7, 1), blocking)
    admit = Admit("pf-openbsd filter", "in", WEB, "tcp", (443, 443), dropped_by)

    assert written_openbsd([admit])[0] == [line, LOAD]


def test_the_resolver_s_own_questions_are_left_alone() -> None:
    at_lan = RedirectDns(LAN, "em1", DNS, "udp")
    on_gateway = RedirectDns(LAN - numbers_of(GATEWAY), "em1", GATEWAY, "udp", on_gateway=True)

    (line, _), _ = written_openbsd([at_lan])
    assert "from { 192.168.1.0/27 192.168.1.32/28" in line
    (own, rdr, _), _ = written_freebsd([at_lan])
    assert own.startswith("no rdr inet proto udp from 192.168.1.53 to any port 53")
    assert "from 192.168.1.0/24 to !192.168.1.53" in rdr
    (line, _), _ = written_openbsd([on_gateway])
    assert "from 192.168.1.0/24 to !192.168.1.1 port 53 rdr-to 192.168.1.1" in line


def test_clients_of_several_networks_are_a_list() -> None:
    some = numbers_of(ip_network("10.0.0.0/24"), ip_network("10.0.2.0/24"))

    (line, _), _ = written_openbsd([Hairpin(some, 4, WEB, "tcp", (443, 443))])
    assert "from { 10.0.0.0/24 10.0.2.0/24 } to 192.168.1.20" in line
    assert "nat-to (egress:0)" in line


def test_replies_are_a_matter_of_the_rules_that_are_there() -> None:
    (line,), undo = written_openbsd([AdmitReplies("pf-openbsd filter", "in", 4)])

    assert line.startswith("# replies pass by states")
    assert undo == []
