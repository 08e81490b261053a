"""Changes in words, for who has pages and no commands."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.dialects import table
from splitdns.check.mending.table import written
from splitdns.check.model import Gateway
from splitdns.check.sets import numbers_of

PUBLIC, MAIL = ip_address("198.51.100.7"), ip_address("192.168.50.25")
LAN = numbers_of(ip_network("192.168.50.0/24"))
FORWARD = Forward(PUBLIC, "tcp", (993, 993), MAIL, (993, 993))


def gateway(forward: str = "{port: 80/tcp, to: 192.168.50.20}") -> Gateway:
    text = f"uplinks: wan\ninterfaces: {{wan: 198.51.100.7/24}}\nforwards: [{forward}]\n"
    device = table.read(text, "gateway.yaml")
    return Gateway(device.network, device.ruleset)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (FORWARD, "forward TCP port 993 of 198.51.100.7 to 192.168.50.25 port 993"),
        (
            Forward(PUBLIC, "udp", (27000, 27010), MAIL, (27000, 27010)),
            "forward UDP ports 27000-27010 of 198.51.100.7 to 192.168.50.25 ports 27000-27010",
        ),
        (
            Hairpin(LAN, 4, MAIL, "tcp", (993, 993)),
            "let 192.168.50.0/24 seem to be the gateway to 192.168.50.25 TCP port 993 (NAT loopback)",
        ),
        (
            Admit("table filter", "forward", MAIL, "tcp", (993, 993)),
            "allow TCP port 993 of 192.168.50.25 in the firewall",
        ),
        (AdmitReplies("table filter", "forward", 4), "allow replies in the firewall, for IPv4"),
        (
            RedirectDns(LAN, "lan", MAIL, "udp"),
            "lead DNS over UDP of 192.168.50.0/24 at lan to 192.168.50.25, whomever they ask",
        ),
        (
            SpareDns("table nat", "prerouting", MAIL, "udp"),
            "lead all DNS over UDP but that of 192.168.50.25 itself",
        ),
    ],
)
def test_a_change_is_one_line_and_no_shell_runs_it(change: Change, words: str) -> None:
    assert written([change], gateway(), ()) == ([f"# {words}"], [f"# take back: {words}"])


def test_of_a_forward_that_is_there_the_clients_inside_are_what_is_missing() -> None:
    do, _ = written([FORWARD], gateway("{port: 993/tcp, to: 192.168.50.25}"), ())

    assert do[0].endswith(" port 993 from inside, too (NAT loopback)")


def test_what_is_taken_back_is_the_last_first() -> None:
    _, undo = written([FORWARD, Hairpin(LAN, 4, MAIL, "tcp", (993, 993))], gateway(), ())

    assert "NAT loopback" in undo[0]
    assert "forward TCP" in undo[1]
