from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from splitdns.load.settings import read_settings
from splitdns.sources.making import sources_of

CONFIG = """
sources:
  leases:
    - {server: dnsmasq, files: [/var/lib/misc/dnsmasq.leases], zone: home.arpa}
    - {server: dnsmasq, files: [guests.leases], zone: guests.home.arpa}
  docker:
    - {zone: example.com}
"""


def test_the_sources_are_those_of_the_configuration_in_order() -> None:
    made = sources_of(read_settings(CONFIG, "splitdns.yaml"), Path("/etc/splitdns"))
    names = [source.name for source in made]
    leases = ["leases /var/lib/misc/dnsmasq.leases", "leases /etc/splitdns/guests.leases"]
    assert names == ["docker /var/run/docker.sock", *leases]  # an administrator's names come first


def test_the_same_settings_make_the_same_source() -> None:
    one, other = (sources_of(read_settings(CONFIG, "splitdns.yaml"), Path()) for _ in range(2))
    assert one == other
    assert len({*one, *other}) == 3


def test_no_settings_are_no_sources_and_cost_nothing() -> None:
    assert sources_of(read_settings("", "splitdns.yaml"), Path()) == ()
    code = "import sys, splitdns.sources.keeper; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
