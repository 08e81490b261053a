"""Whatever a list of leases seems to say, its reader knows ``ConfigError`` with a place, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp.onto import onto
from tests.check.gateways import gateway
from tests.check.reading import read_or_told

LEASES = "TCP:8443:192.168.1.20:443:0:web\nUDP:27015:192.168.1.21:27015:1924992000:a:b\n"
PINHOLES = "TCP;2001:db8::20;443;;0;1;0;web\nUDP;2001:db8::21;27015;2001:db8::9;5000;2;0;\n"
LISTED = (
    "upnpc : miniupnpc\n i protocol exPort->inAddr:inPort description remoteHost leaseTime\n"
    " 0 TCP  8443->192.168.1.20:443   'web' '' 0\n 1 UDP 1->192.168.1.21:2 'x' '192.0.2.1' 5\n"
    "GetGenericPortMappingEntry() returned 713 (SpecifiedArrayIndexInvalid)\n"
)
JSON = json.dumps(
    [
        {"protocol": "tcp", "port": 8443, "to": "192.168.1.20", "to_port": 443, "description": "web"},
        {"protocol": "udp", "port": 5, "to": "2001:db8::1", "remote": "::", "remote_port": 7},
    ]
)
PARTS = ["", ":", ";", "::", "'", "->", "\n", "\0", "\ud800", "9" * 5000, "{", "]", "null", "٣", "0x1", "-1"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([LEASES, PINHOLES, LISTED, JSON]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = at + draw(st.sampled_from([0, 0, 1, 2, 10]))
        text = text[:at] + draw(st.sampled_from(PARTS) | st.text(max_size=3)) + text[end:]
    return text


def check(text: str) -> None:
    read_or_told(lambda: onto([Printed(text, "f")], gateway()))


@given(mutated())
@example("")
@example("[" * 100_000)
@settings(max_examples=200, deadline=None)
def test_no_list_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated())
@settings(max_examples=3_000, deadline=None)
def test_no_list_of_many_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", [LEASES, PINHOLES, LISTED, JSON])
def test_seeds_are_read(text: str) -> None:
    assert onto([Printed(text, "f")], gateway()).ruleset.rules == 2
