"""What ``upnpc -l`` prints."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import listing
from splitdns.errors import Problems

ABOVE = """\
upnpc : miniupnpc library test client, version 2.2.4.
Found valid IGD : http://192.168.1.1:5000/ctl/IPConn
ExternalIPAddress = 203.0.113.7
"""
HEAD = " i protocol exPort->inAddr:inPort description remoteHost leaseTime\n"
ROWS = """\
 0 TCP  8443->192.168.1.20:443   'it's web' '' 0
10 UDP 27015->192.168.1.21:27015 'game' '198.51.100.9' 3600
"""
END = "GetGenericPortMappingEntry() returned 713 (SpecifiedArrayIndexInvalid)\n"


def test_rows_lead_a_port_inside() -> None:
    problems = Problems()
    web, game = listing.read(Printed(ABOVE + HEAD + ROWS + END, "list"), problems)
    assert not problems.errors
    assert (web.protocol, web.port, str(web.to), web.to_port) == (6, 8443, "192.168.1.20", 443)
    assert web.remote is None
    assert str(web.origin) == 'list:5:1: TCP 8443 to 192.168.1.20 port 443 "it\'s web" (UPnP)'
    assert (str(game.remote), game.origin.where.line) == ("198.51.100.9", 6)


def test_an_empty_table_is_one() -> None:
    assert list(listing.read(Printed(ABOVE + HEAD + END, "list"), Problems())) == []


@pytest.mark.parametrize("first", ["upnpc : miniupnpc", "upnpc: miniupnpc", HEAD])
def test_it_is_known_by_its_first_line_or_its_head(first: str) -> None:
    assert listing.looks_so(first)
    assert not listing.looks_so("TCP:1:192.168.1.20:1:0:upnpc: no")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ABOVE, "list:1:1: expected a table of mappings, found none: did a gateway answer?"),
        (HEAD + " 0 TCP 99999->192.168.1.20:443 'x' '' 0", "list:2:1: expected a port, found '99999'"),
        (HEAD + " 0 ESP 1->192.168.1.20:1 'x' '' 0", "list:2:1: expected TCP or UDP, found 'ESP'"),
        (HEAD + " 0 TCP 1->192.168.1.20", "list:2:1: expected NUMBER PROTOCOL PORT->ADDRESS:PORT, found"),
        (HEAD + ROWS + END.replace("713 (Spec", "501 ("), "list:4:1: expected the whole list, found"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    problems = Problems()
    list(listing.read(Printed(text, "list"), problems))
    (error,) = problems.errors
    assert str(error).startswith(message)
