"""A machine whose resolvers change, as DHCP changes them: the server follows."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from tests.lab import peers
from tests.lab.network import Host, Network

pytestmark = [pytest.mark.root, pytest.mark.needs("nsd", "unshare")]

PATIENCE_S = 60.0
FIRST, SECOND = "198.51.100.1", "198.51.100.2"
ZONE = """\
elsewhere.example. 300 IN SOA ns hostmaster 1 3600 900 604800 60
elsewhere.example. 300 IN NS ns.elsewhere.example.
ns.elsewhere.example. 300 IN A {address}
*.elsewhere.example. 300 IN A {address}
"""


@dataclass
class Machine:
    """A host with an /etc of its own and a server on port 53 that has no configuration but to listen."""

    host: Host
    etc: Path

    def resolver(self, address: str) -> None:
        """Name another resolver, as DHCP clients do: a new file in the old one's place."""
        new = self.etc / "resolv.conf.new"
        new.write_text(f"nameserver {address}\n")
        new.rename(self.etc / "resolv.conf")

    def ask(self, name: str) -> str:
        """The address of a name; empty where there is none yet."""
        with self.host.entered(), suppress(dns.exception.DNSException, OSError):
            response = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", timeout=20, port=53)
            return str(response.answer[0][0]) if response.answer else ""
        return ""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Network() as network:
        host = network.host("server")
        host.ip(*(f"address add {address}/32 dev lo" for address in (FIRST, SECOND)))
        for address in (FIRST, SECOND):
            zone = tmp_path / f"{address}.zone"
            zone.write_text(ZONE.format(address=address))
            peers.nsd(host, {"elsewhere.example": zone}, address=address, port=53)
        etc = tmp_path / "etc"
        shutil.copytree("/etc", etc, symlinks=True)
        (etc / "resolv.conf").unlink(missing_ok=True)
        made = Machine(host, etc)
        made.resolver(FIRST)
        (tmp_path / "zones").mkdir()
        config = tmp_path / "splitdns.yaml"
        config.write_text('listen: ["127.0.0.1:53"]\nworkers: 1\nadmin: {listen: null}\ncontrol: null\n')
        serve = f"{sys.executable} -m splitdns serve -c {config}"
        host.start("unshare", "--mount", "sh", "-c", f"mount --bind {etc} /etc && exec {serve}")
        yield made


def test_the_resolvers_are_read_again_when_they_change__semantics_17(
    machine: Machine,
) -> None:
    def until(name: str, address: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        number = 0
        while machine.ask(f"{name}{number}.elsewhere.example") != address:
            number += 1
            assert time.monotonic() < deadline_s, f"{address} never answered"
            time.sleep(0.1)

    until("first", FIRST)
    assert machine.ask("kept.elsewhere.example") == FIRST
    machine.resolver(SECOND)
    until("second", SECOND)
    assert machine.ask("kept.elsewhere.example") == SECOND, "other upstreams share nothing"
    machine.resolver(FIRST)
    until("third", FIRST)
