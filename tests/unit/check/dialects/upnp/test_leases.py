"""miniupnpd's files of leases."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import leases
from splitdns.errors import Problems

MAPPINGS = """\
TCP:8443:192.168.1.20:443:0:web: the new one
UDP:27015:192.168.1.21:27015:1924992000:
"""
PINHOLES = """\
TCP;2001:db8::20;443;;0;1;0;web
UDP;2001:db8::21;27015;2001:db8:1::9;5000;2;1924992000;game; of two
"""


def test_mappings_lead_a_port_inside() -> None:
    problems = Problems()
    web, game = leases.read(Printed(MAPPINGS, "upnp.leases"), problems)
    assert (web.protocol, web.port, str(web.to), web.to_port) == (6, 8443, "192.168.1.20", 443)
    assert web.remote is None
    expected = "upnp.leases:1:1: TCP 8443 to 192.168.1.20 port 443 'web: the new one' (UPnP)"
    assert str(web.origin) == expected
    assert str(game.origin) == "upnp.leases:2:1: UDP 27015 to 192.168.1.21 port 27015 (UPnP)"
    assert not problems.errors


def test_pinholes_let_a_client_in() -> None:
    web, game = leases.read(Printed(PINHOLES, "leases6"), Problems())
    assert (str(web.to), web.port, web.to_port) == ("2001:db8::20", 443, 443)
    assert (web.remote, web.remote_port) == (None, None)
    assert (str(game.remote), game.remote_port) == ("2001:db8:1::9", 5000)
    assert game.origin.text == "UDP 27015 of 2001:db8::21 'game; of two'"


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("", True), ("\n\n", True), (MAPPINGS, True), (PINHOLES, True), ("[]", False), (" 0 TCP", False)],
)
def test_a_file_is_known_by_its_first_line(text: str, is_so: bool) -> None:
    assert leases.looks_so(text) is is_so


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("TCP:443:192.168.1.20:443", "expected 6 fields with : between, found 4"),
        ("TCP;2001:db8::1;443", "expected 8 fields with ; between, found 3"),
        ("GRE:1:192.168.1.20:1:0:x", "expected TCP or UDP, found 'GRE'"),
        ("TCP:443:2001-db8:443:0:x", "expected an address of IPv4, found '2001-db8'"),
        ("TCP:443:192.168.1.20:http:0:x", "expected a port, found 'http'"),
        ("443", "expected PROTOCOL:PORT:ADDRESS:PORT:TIME:TEXT, or with ; for IPv6, found '443'"),
    ],
)
def test_a_wrong_line_is_told_and_the_others_are_read(line: str, message: str) -> None:
    problems = Problems()
    found = list(leases.read(Printed(f"{MAPPINGS}{line}\n{PINHOLES}", "f"), problems))
    assert len(found) == 4
    assert [str(error) for error in problems.errors] == [f"f:3:1: {message}"]
