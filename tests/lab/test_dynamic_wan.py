"""A provider gives the gateway another address: what outside clients are told follows, and nobody is misled.

A real DHCP client on the gateway's interface, a real DHCP server at the provider, the daemon on the gateway.
Between the release of the old lease and the new one, the interface has no address at all.
"""

from __future__ import annotations

import json
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from splitdns.daemon.wan.keeper import LOOK_S
from splitdns.daemon.wan.portmap import ANNOUNCED, Announcements
from tests.lab.daemon import Daemon
from tests.lab.network import Host, Network

OLD, NEW, INSIDE = "203.0.113.7", "203.0.113.9", "192.168.1.20"
VISITOR, RESOLVER = "203.0.113.99", "192.0.2.53"
FOLLOWS_S = LOOK_S / 2  # that the outside answer may take: nobody waits for the next look
READY_S = 60.0
NAME = "www.example.com"
HELPER = Path(__file__).parents[2] / "deploy" / "splitdns-rules"

CONFIG = f"""\
listen: ["{RESOLVER}:53", "192.168.1.1:53"]
workers: 2
control: control.sock
admin: {{listen: null}}
log: {{format: json}}
limits: {{responses_per_second: 0}}
views:
  lan:      {{clients: [192.168.1.0/24], horizon: [inside], recursion: true}}
  internet: {{clients: [any],            horizon: [outside]}}
zones: [zones]
wan: {{ipv4: {{interface: wan0}}}}
forward: []
gateway:
  sources:
    - {{dialect: nftables,   file: gateway/rules.json}}
    - {{dialect: ip-address, file: gateway/addresses.json}}
    - {{dialect: ip-route,   file: gateway/routes.json}}
    - {{dialect: sysctl,     file: gateway/sysctl.txt}}
  uplinks: [wan0]
  resolver: [192.168.1.1]
"""
ZONE = f"""\
zone: example.com
ns: [ns.example.net.]
records:
  www: {{A: {{inside: {INSIDE}, outside: $wan4}}, expose: [80/tcp]}}
"""
RULES = f"""\
table ip gateway {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "wan0" ip daddr != {RESOLVER} tcp dport 80 dnat to {INSIDE}
    }}
    chain postrouting {{ type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }}
}}
table inet filter {{
    chain input {{
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname {{ "lo", "lan0" }} accept
        ip daddr {RESOLVER} udp dport 53 accept
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "lan0" accept
        ip daddr {INSIDE} tcp dport 80 accept
    }}
}}
"""
HOOK = """\
#!/bin/sh
case "$1" in
deconfig) ip address flush dev "$interface" ;;
bound | renew)
    ip address replace "$ip/24" dev "$interface"
    ip route replace default via "$router" dev "$interface"
    ;;
esac
"""

pytestmark = [pytest.mark.root, pytest.mark.needs("ip", "nft", "sysctl", "dnsmasq", "udhcpc")]


@dataclass
class Asker:
    """Asks one server for the name again and again, and keeps each answer with its time."""

    host: Host
    server: str
    answers: list[tuple[float, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with self.host.entered():  # for good: the thread is this one's own
            while not self._stop.is_set():
                query = dns.message.make_query(NAME, "A")
                try:
                    reply = dns.query.udp(query, self.server, timeout=0.2)
                except (dns.exception.Timeout, OSError):  # no way there while there is no address
                    continue
                told = " ".join(str(one) for rrset in reply.answer for one in rrset)
                self.answers.append((time.monotonic(), told or dns.rcode.to_text(reply.rcode())))

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def first(self, answer: str) -> float:
        """When it was told ``answer`` first."""
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            if (found := next((at for at, told in self.answers if told == answer), None)) is not None:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{answer} was never told, but {({told for _, told in self.answers})}")


class Site:
    """The network, and the daemon that serves it."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.gateway, self.provider, self.visitor, self.laptop = network.hosts(
            "gateway", "provider", "visitor", "laptop"
        )
        self.directory = directory
        uplink, lan = network.bridge("uplink"), network.bridge("lan")
        uplink.plug(self.gateway, "wan0")
        uplink.plug(self.provider, "eth0", "203.0.113.1/24")
        uplink.plug(self.visitor, "eth0", f"{VISITOR}/24")
        lan.plug(self.gateway, "lan0", "192.168.1.1/24")
        lan.plug(self.laptop, "eth0", "192.168.1.100/24")
        self.laptop.route("default", "192.168.1.1")
        # The resolver has an address that stays, whatever becomes of the uplink's.
        self.gateway.ip(f"address add {RESOLVER}/32 dev lo")
        self.gateway.sysctl({"net/ipv4/ip_forward": "1"})
        self.visitor.ip(f"route add {RESOLVER} dev eth0")
        self.gateway.run("nft", "-f", "-", text_in=RULES)
        (directory / "zones").mkdir()
        (directory / "gateway").mkdir()
        (directory / "zones" / "example.com.yaml").write_text(ZONE)
        (directory / "splitdns.yaml").write_text(CONFIG)
        self.leases = directory / "leases"
        self.lease(OLD)
        self.dhcp = self.provider.start(
            "dnsmasq",
            *("--no-daemon", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", "--interface=eth0"),
            *("--dhcp-range=203.0.113.0,static,255.255.255.0,1h", f"--dhcp-hostsfile={self.leases}"),
            *("--dhcp-option=3,203.0.113.1", "--dhcp-authoritative", "--leasefile-ro", "--user=root"),
        )
        hook = directory / "hook"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        self.client = self.gateway.start("udhcpc", "-f", "-i", "wan0", "-s", str(hook), "-T", "1", "-A", "1")
        self.wait_for_address(OLD)
        self.export()

    def lease(self, address: str) -> None:
        """What the provider gives from now on."""
        (link,) = json.loads(self.gateway.run("ip", "-j", "link", "show", "wan0").stdout)
        self.leases.write_text(f"{link['address']},{address}\n")

    def move(self, address: str) -> float:
        """The provider moves the gateway to ``address``; when its client asked for it."""
        self.lease(address)
        self.dhcp.signal(signal.SIGHUP)  # read the leases
        self.client.signal(signal.SIGUSR2)  # release
        self.wait_for_address(None)
        asked_s = time.monotonic()
        self.client.signal(signal.SIGUSR1)  # and ask anew
        self.wait_for_address(address)
        return asked_s

    def wait_for_address(self, address: str | None) -> None:
        """Until the gateway has ``address`` at its uplink (None: none at all)."""
        wanted = [] if address is None else [address]
        deadline_s = time.monotonic() + READY_S
        while True:
            (link,) = json.loads(self.gateway.run("ip", "-j", "-4", "address", "show", "wan0").stdout) or [{}]
            if [one["local"] for one in link.get("addr_info", ())] == wanted:
                return
            assert time.monotonic() < deadline_s, self.client.output + self.dhcp.output
            time.sleep(0.02)

    def export(self) -> None:
        """As the timer has the helper do."""
        self.gateway.run(str(HELPER), str(self.directory / "gateway"))

    def findings(self) -> list[str]:
        """What the check finds that is to be mended."""
        argv = (sys.executable, "-m", "splitdns", "check", "-c", str(self.directory / "splitdns.yaml"))
        done = self.gateway.run(*argv, "--format", "json", check=False, timeout_s=300)
        found = json.loads(done.stdout)["findings"]
        return [f"{one['code']} {one['message']}" for one in found if one["severity"] != "info"]

    @contextmanager
    def served(self) -> Iterator[Served]:
        argv = (sys.executable, "-m", "splitdns", "serve", "-c", str(self.directory / "splitdns.yaml"))
        served = Served(self.gateway.start(*argv))
        try:
            served.wait_for("serving")
            yield served
        finally:
            status = served.daemon.stop()
        assert status == 0, served.daemon.output


@dataclass
class Served:
    """The daemon, by what it logs."""

    daemon: Daemon

    def wait_for(self, event: str, **fields: object) -> dict[str, object]:
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            for line in self.daemon.output.splitlines():
                said = json.loads(line) if line.startswith("{") else {}
                if said.get("event") == event and fields.items() <= said.items():
                    return dict(said)
            time.sleep(0.02)
        raise AssertionError(f"no {event} {fields} in {self.daemon.output}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Network() as network:
        yield Site(network, tmp_path)


def test_the_outside_answer_follows_the_lease_and_nobody_is_misled__semantics_12(site: Site) -> None:
    assert site.findings() == []
    outside, inside = Asker(site.visitor, RESOLVER), Asker(site.laptop, "192.168.1.1")
    with site.served() as served, outside.asking(), inside.asking():
        outside.first(OLD)
        asked_s = site.move(NEW)
        took_s = outside.first(NEW) - asked_s
        served.wait_for("exposure.found", code="DNS-WAN-STALE")  # of what the gateway said before
        site.export()
        served.wait_for("exposure.gone", code="DNS-WAN-STALE")

    assert took_s < FOLLOWS_S
    assert {told for _, told in outside.answers} == {OLD, NEW}
    assert {told for _, told in inside.answers} == {INSIDE}
    assert site.findings() == []


def test_a_provider_s_shared_address_is_refused_and_takes_only_its_records_away__semantics_12(
    site: Site,
) -> None:
    outside, inside = Asker(site.visitor, RESOLVER), Asker(site.laptop, "192.168.1.1")
    with site.served() as served, outside.asking(), inside.asking():
        outside.first(OLD)
        site.gateway.ip("address flush dev wan0", "address add 100.64.7.7/10 dev wan0")
        site.gateway.ip(f"route add {VISITOR} dev wan0")
        served.wait_for("wan.refused")
        outside.first("SERVFAIL")

    assert {told for _, told in outside.answers} == {OLD, "SERVFAIL"}
    assert {told for _, told in inside.answers} == {INSIDE}


def test_what_a_router_announces_is_heard_without_joining_anything() -> None:
    """All hosts are in 224.0.0.1 already (RFC 1112 4)."""
    with Network() as network:
        router, client = network.hosts("router", "client")
        network.link((router, "lan0", ["192.168.1.1/24"]), (client, "eth0", ["192.168.1.9/24"]))
        with client.entered():
            heard = Announcements()
        try:
            with router.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("192.168.1.1", 0))
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.168.1.1"))
                sock.sendto(bytes(12), ANNOUNCED)
            assert select.select([heard], [], [], READY_S)[0] == [heard]
            heard.drain()
            assert select.select([heard], [], [], 0)[0] == []
        finally:
            heard.close()
