"""A gateway on loopback is asked for its mappings, as the page says."""

from __future__ import annotations

import subprocess

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import listing
from splitdns.errors import Problems
from tests.check.upnp.gateway import Mapping, running

MAPPINGS = (
    Mapping("TCP", 8443, "192.168.1.20", 443, "web: the new one"),
    Mapping("UDP", 27015, "192.168.1.21", 27015, "game", "198.51.100.9"),
)


@pytest.mark.needs("upnpc")
def test_what_upnpc_prints_is_read() -> None:
    with running(MAPPINGS) as description:
        done = subprocess.run(("upnpc", "-u", description, "-l"), capture_output=True, text=True, timeout=60)
    problems = Problems()
    leases = list(listing.read(Printed(done.stdout, "upnpc"), problems))

    assert not problems.errors, done.stdout + done.stderr
    assert [(one.port, str(one.to), one.to_port) for one in leases] == [
        (8443, "192.168.1.20", 443),
        (27015, "192.168.1.21", 27015),
    ]
    assert [one.remote and str(one.remote) for one in leases] == [None, "198.51.100.9"]
