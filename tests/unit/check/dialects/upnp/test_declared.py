"""Leases as a list in JSON."""

from __future__ import annotations

import json

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import declared
from splitdns.errors import Problems

WEB = {"protocol": "tcp", "port": 8443, "to": "192.168.1.20", "to_port": 443, "description": "web"}


def test_elements_are_leases() -> None:
    six = {"protocol": "udp", "port": 5000, "to": "2001:db8::20", "remote": "2001:db8::9", "remote_port": 7}
    problems = Problems()
    one, two = declared.read(Printed(json.dumps([WEB, six]), "f"), problems)
    assert not problems.errors
    assert (one.protocol, one.port, one.to_port, one.remote) == (6, 8443, 443, None)
    assert (two.to_port, str(two.remote), two.remote_port) == (5000, "2001:db8::9", 7)
    assert str(one.origin) == "f:1:2: tcp 8443 to 192.168.1.20 port 443 'web' (UPnP)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "this is not JSON"),
        ("[] x", "expected the end of the file here, found 'x'"),
        ("[5]", "expected a lease as an object, found 5"),
        ('[{"prot": "tcp"}]', "'prot' is not known here"),
        (json.dumps([{**WEB, "port": "8443"}]), 'expected port as a whole number, found "8443"'),
        (json.dumps([{**WEB, "port": 0}]), "expected a port, found '0'"),
        (json.dumps([{**WEB, "to": None}]), "expected to as a string, found null"),
        (json.dumps([{**WEB, "to": "2001:db8::1"}]), "expected one port over IPv6"),
        (json.dumps([{**WEB, "remote": "2001:db8::1"}]), "expected a remote address of IPv4"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    problems = Problems()
    assert list(declared.read(Printed(text, "f"), problems)) == []
    (error,) = problems.errors
    assert message in str(error)
    assert str(error).startswith("f:1:")
