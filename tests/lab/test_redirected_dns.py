"""What ``splitdns rules --redirect-dns`` prints, given to a real kernel: whoever is asked, we answer.

Over UDP and TCP, IPv4 and IPv6, with the server on the gateway and with it on the clients' own link, where
its answers have to come back by the gateway and its own questions must not come back to itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from splitdns.load.gateway import COMMANDS, Dialect
from tests.lab.daemon import Daemon
from tests.lab.dig import dig
from tests.lab.network import Host, Network

NAME, INSIDE = "www.example.com", "192.168.1.20"
READY_S = 60.0
STRANGERS = ("198.51.100.53", "2001:db8:53::53")  # resolvers that do not even exist
HERE = {"gateway": ("192.168.1.1", "fd00:1::1"), "ns": ("192.168.1.53", "fd00:1::53")}
SOURCES = (Dialect.NFTABLES, Dialect.IPTABLES, Dialect.IP6TABLES, Dialect.IP_ADDRESS, Dialect.IP_ROUTE)

CONFIG = """\
listen: ["0.0.0.0:53", "[::]:53"]
workers: 1
admin: {{listen: null}}
control: null
views:
  lan:      {{clients: [192.168.1.0/24, "fd00:1::/64"], horizon: [inside], recursion: true}}
  internet: {{clients: [any], horizon: [outside]}}
zones: [zones]
forward: []
gateway:
  sources:
{sources}
  uplinks: [wan0]
  resolver: ["{four}", "{six}"]
"""
ZONE = f"""\
zone: example.com
ns: [ns.example.net.]
records:
  www: {{A: {{inside: {INSIDE}}}}}
"""
CLOSED = """\
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname { "lo", "lan0" } accept
        meta l4proto ipv6-icmp accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "lan0" accept
    }
}
"""

pytestmark = [pytest.mark.root, pytest.mark.needs("ip", "nft", "iptables", "dig")]


class Site:
    """A gateway, a LAN of two, and a provider that answers nobody; the daemon is on ``where``."""

    def __init__(self, network: Network, where: str) -> None:
        self.gateway, self.ns, self.laptop, provider = network.hosts("gateway", "ns", "laptop", "provider")
        lan = network.bridge("lan")
        lan.plug(self.gateway, "lan0", "192.168.1.1/24", "fd00:1::1/64")
        lan.plug(self.ns, "eth0", "192.168.1.53/24", "fd00:1::53/64")
        lan.plug(self.laptop, "eth0", "192.168.1.100/24", "fd00:1::100/64")
        network.link(
            (self.gateway, "wan0", ["203.0.113.2/24", "2001:db8:ffff::2/64"]),
            (provider, "eth0", ["203.0.113.1/24", "2001:db8:ffff::1/64"]),
        )
        for host in (self.ns, self.laptop):
            host.route("default", "192.168.1.1")
            host.route("default", "fd00:1::1")
        self.gateway.route("default", "203.0.113.1")
        self.gateway.route("default", "2001:db8:ffff::1")
        self.gateway.sysctl({"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})
        self.gateway.run("nft", "-f", "-", text_in=CLOSED)
        self.where, self.server = where, self.gateway if where == "gateway" else self.ns
        self.config = network.directory / "splitdns.yaml"
        (network.directory / "zones").mkdir()
        (network.directory / "zones" / "example.com.yaml").write_text(ZONE)
        sources = "".join(f"    - {{dialect: {one}, file: {one}}}\n" for one in SOURCES)
        four, six = HERE[where]
        self.config.write_text(CONFIG.format(sources=sources.rstrip(), four=four, six=six))

    def serve(self) -> Daemon:
        daemon = self.server.start(sys.executable, "-m", "splitdns", "serve", "-c", str(self.config))
        deadline_s = time.monotonic() + READY_S
        while " serving " not in daemon.output:
            assert daemon.running, daemon.output
            assert time.monotonic() < deadline_s, daemon.output
            time.sleep(0.02)
        return daemon

    def export(self) -> None:
        for dialect in SOURCES:
            printed = self.gateway.run(*COMMANDS[dialect]).stdout
            self.config.with_name(dialect.value).write_text(printed)

    def rules(self, *words: str) -> str:
        argv = (sys.executable, "-m", "splitdns", "rules", "-c", str(self.config), *words)
        done = self.gateway.run(*argv, timeout_s=300, check=False)
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: some of it is a person's to decide
        return done.stdout

    def told(self, host: Host, stranger: str, *options: str) -> tuple[str, ...]:
        """What a resolver that does not exist says; nothing, where nobody stands in for it."""
        try:
            (reply,) = dig(host, stranger, [(NAME, "A")], *options)
        except AssertionError:
            return ()
        return reply.answer


@pytest.fixture(params=["gateway", "ns"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with Network() as network:
        yield Site(network, request.param)


@pytest.mark.parametrize("dialect", ["nftables", "iptables"])
def test_whoever_is_asked_this_server_answers_and_undo_takes_it_back(site: Site, dialect: str) -> None:
    site.serve()
    site.export()
    assert site.told(site.laptop, STRANGERS[0], "+time=1") == ()

    made, undone = (site.rules("--dialect", dialect, "--redirect-dns", *more) for more in ((), ("--undo",)))
    site.gateway.run("sh", "-eu", text_in=made)

    expected = (f"{NAME}. A {INSIDE}",)
    for stranger in STRANGERS:
        for option in ("+notcp", "+tcp"):
            assert site.told(site.laptop, stranger, option) == expected, f"{stranger} {option}"
    if site.where == "ns":  # its own questions go where they are sent
        assert site.told(site.ns, STRANGERS[0], "+time=1") == ()
    site.export()
    assert site.rules("--redirect-dns") == "# nothing that a rule would cure\n"
    site.gateway.run("sh", "-eu", text_in=undone)
    assert site.told(site.laptop, STRANGERS[0], "+time=1") == ()
