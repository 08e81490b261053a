"""Machines that come to the network are known by their names.

A real DHCP server gives the lease, a real client takes it, writes its resolv.conf, and finds and is found by
name. Who is outside sees nothing of it.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.reversename
import pytest

from tests.lab.daemon import Daemon
from tests.lab.network import Host, Network

SERVER, OUTSIDE, ZONE = "192.168.1.1", "203.0.113.1", "home.arpa"
READY_S = 60.0

CONFIG = """\
listen: ["{server}:53", "203.0.113.1:53"]
workers: 1
control: null
admin: {{listen: null}}
log: {{format: json}}
views:
  lan:      {{clients: ["{clients}"], horizon: [inside], recursion: true}}
  internet: {{clients: [any],            horizon: [outside]}}
zones: [zones]
forward: []
sources:
  leases:
    - {{{source}, zone: home.arpa}}
"""
FILE = """\
zone: home.arpa
ns: [router]
records:
  router: {A: {inside: 192.168.1.1, outside: 203.0.113.1}}
  nas: {A: {inside: 192.168.1.5}}
"""
# What a client does with its lease: the address, and where it asks for names.
HOOK = """\
#!/bin/sh
case "$1" in
deconfig) ip address flush dev "$interface" ;;
bound | renew)
    ip address replace "$ip/24" dev "$interface"
    { echo "search $domain"; for one in $dns; do echo "nameserver $one"; done; } >"$RESOLV_CONF"
    ;;
esac
"""
DNSMASQ = """\
port=0
interface=lan0
bind-interfaces
dhcp-authoritative
dhcp-range=192.168.1.100,192.168.1.150,2m
dhcp-option=option:dns-server,192.168.1.1
domain=home.arpa
user=root
dhcp-leasefile={leases}
"""


def kea(directory: Path) -> dict[str, object]:
    """Kea's configuration; its socket and its leases are in ``directory``."""
    return {
        "Dhcp4": {
            "interfaces-config": {"interfaces": ["lan0"]},
            "control-socket": {"socket-type": "unix", "socket-name": str(directory / "kea.sock")},
            "hooks-libraries": [{"library": str(hook())}],
            "lease-database": {
                "type": "memfile",
                "persist": True,
                "name": str(directory / "kea-leases4.csv"),
                "lfc-interval": 0,
            },
            "valid-lifetime": 120,
            "authoritative": True,
            "subnet4": [
                {
                    "id": 1,
                    "subnet": "192.168.1.0/24",
                    "pools": [{"pool": "192.168.1.100 - 192.168.1.150"}],
                    "option-data": [
                        {"name": "domain-name-servers", "data": "192.168.1.1"},
                        {"name": "domain-name", "data": "home.arpa"},
                    ],
                }
            ],
            "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stderr"}], "severity": "WARN"}],
        }
    }


def hook() -> Path | None:
    """Kea's library of lease commands."""
    return next(iter(Path("/usr/lib").glob("**/kea/hooks/libdhcp_lease_cmds.so")), None)


@dataclass
class Laptop:
    """A machine that has its address by DHCP, and asks whom it was told to ask."""

    host: Host
    directory: Path
    client: Daemon | None = None

    def join(self, name: str) -> str:
        """Come to the network as ``name``; the address that it got."""
        hook = self.directory / "hook"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        env = {"RESOLV_CONF": str(self.resolv_conf)}
        argv = ("udhcpc", "-f", "-R", "-i", "eth0", "-s", str(hook), "-T", "1", "-A", "1")
        self.client = self.host.start(*argv, "-x", f"hostname:{name}", env=env)
        return self.wait_for_address()

    def leave(self) -> None:
        """Release the lease."""
        assert self.client is not None
        self.client.signal(signal.SIGUSR2)

    @property
    def resolv_conf(self) -> Path:
        return self.directory / f"{self.host.name}.resolv.conf"

    def wait_for_address(self) -> str:
        deadline_s = time.monotonic() + READY_S
        while True:
            (link,) = json.loads(self.host.run("ip", "-j", "-4", "address", "show", "eth0").stdout) or [{}]
            found = [one["local"] for one in link.get("addr_info", ())]
            if found and self.resolv_conf.exists():
                return str(found[0])
            assert time.monotonic() < deadline_s, self.client.output if self.client else ""
            time.sleep(0.05)

    def told(self, name: str, rdtype: str = "A") -> str:
        """What the server in its resolv.conf answers."""
        (server,) = [
            line.split()[1] for line in self.resolv_conf.read_text().splitlines() if "nameserver" in line
        ]
        return told(self.host, server, name, rdtype)


def told(host: Host, server: str, name: str, rdtype: str = "A") -> str:
    """The records, or else the rcode, that ``server`` gives ``host``."""
    with host.entered():
        reply = dns.query.udp(dns.message.make_query(name, rdtype), server, timeout=60)
    found = " ".join(str(one) for rrset in reply.answer for one in rrset)
    return found or dns.rcode.to_text(reply.rcode())


class Site:
    """A router with the DHCP server and splitdns, a LAN, and somebody on the internet."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.directory = directory
        self.router, laptop, phone, self.visitor = network.hosts("router", "laptop", "phone", "visitor")
        lan, uplink = network.bridge("lan"), network.bridge("uplink")
        lan.plug(self.router, "lan0", f"{SERVER}/24")
        lan.plug(laptop, "eth0")
        lan.plug(phone, "eth0")
        uplink.plug(self.router, "wan0", f"{OUTSIDE}/24")
        uplink.plug(self.visitor, "eth0", "203.0.113.99/24")
        self.laptop, self.phone = Laptop(laptop, directory), Laptop(phone, directory)
        (directory / "zones").mkdir()
        (directory / "zones" / "home.arpa.yaml").write_text(FILE)

    def dnsmasq(self) -> str:
        leases, config = self.directory / "dnsmasq.leases", self.directory / "dnsmasq.conf"
        config.write_text(DNSMASQ.format(leases=leases))
        self.router.start("dnsmasq", "--no-daemon", f"--conf-file={config}")
        return f"server: dnsmasq, files: [{leases}]"

    def kea(self) -> None:
        config = self.directory / "kea.conf"
        config.write_text(json.dumps(kea(self.directory)))
        places = {"KEA_PIDFILE_DIR": str(self.directory), "KEA_LOCKFILE_DIR": str(self.directory)}
        self.router.start("kea-dhcp4", "-c", str(config), env=places)

    def kea_files(self) -> str:
        self.kea()
        return f"server: kea, files: [{self.directory / 'kea-leases4.csv'}]"

    def kea_socket(self) -> str:
        self.kea()
        return f"server: kea, sockets: [{self.directory / 'kea.sock'}]"

    def serve(self, source: str, server: str = SERVER, clients: str = "192.168.1.0/24") -> Daemon:
        config = self.directory / "splitdns.yaml"
        config.write_text(CONFIG.format(source=source, server=server, clients=clients))
        daemon = self.router.start(sys.executable, "-m", "splitdns", "serve", "-c", str(config))
        wait_until(lambda: '"serving"' in daemon.output, lambda: daemon.output)
        return daemon


def wait_until(is_so: Callable[[], bool], why: Callable[[], str] = str) -> None:
    deadline_s = time.monotonic() + READY_S
    while not is_so():
        assert time.monotonic() < deadline_s, why()
        time.sleep(0.05)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Network() as network:
        yield Site(network, tmp_path)


def _names_come_and_go(site: Site, source: str) -> None:
    served = site.serve(source)
    laptop, phone, visitor = site.laptop, site.phone, site.visitor
    address = laptop.join("Laptop")
    phones = phone.join("phone")

    assert "search home.arpa" in " ".join(laptop.resolv_conf.read_text().split("\n"))
    wait_until(lambda: laptop.told("phone.home.arpa.") == phones, lambda: served.output)
    wait_until(lambda: phone.told("laptop.home.arpa.") == address, lambda: served.output)
    reverse = str(dns.reversename.from_address(address))
    assert phone.told(reverse, "PTR").lower() == "laptop.home.arpa."
    assert phone.told("nas.home.arpa.") == "192.168.1.5"  # the file's names are there as before
    assert told(visitor, OUTSIDE, "laptop.home.arpa.") == "NXDOMAIN"
    assert told(visitor, OUTSIDE, reverse, "PTR") == "REFUSED"
    assert told(visitor, OUTSIDE, "router.home.arpa.") == OUTSIDE

    laptop.leave()
    wait_until(lambda: phone.told("laptop.home.arpa.") == "NXDOMAIN", lambda: served.output)
    assert phone.told(reverse, "PTR") == "NXDOMAIN"
    assert phone.told("phone.home.arpa.") == phones
    assert served.stop() == 0, served.output
    assert ip_address(address) != ip_address(phones)


@pytest.mark.root
@pytest.mark.needs("ip", "dnsmasq", "udhcpc")
def test_clients_of_dnsmasq_are_found_by_name_from_where_they_may_be(site: Site) -> None:
    _names_come_and_go(site, site.dnsmasq())


@pytest.mark.root
@pytest.mark.needs("ip", "kea-dhcp4", "udhcpc")
def test_clients_of_kea_are_found_by_name_by_its_file(site: Site) -> None:
    _names_come_and_go(site, site.kea_files())


@pytest.mark.root
@pytest.mark.needs("ip", "kea-dhcp4", "udhcpc")
def test_clients_of_kea_are_found_by_name_by_its_control_socket(site: Site) -> None:
    _names_come_and_go(site, site.kea_socket())


@pytest.mark.root
@pytest.mark.needs("ip", "dnsmasq", "udhcpc")
def test_a_client_cannot_take_a_name_of_the_zone_nor_one_that_programs_believe_in(site: Site) -> None:
    served = site.serve(site.dnsmasq())
    site.laptop.join("nas")
    site.phone.join("wpad")
    wait_until(lambda: "nas.home.arpa. of leases" in served.output, lambda: served.output)
    wait_until(lambda: "which programs believe in" in served.output, lambda: served.output)
    assert site.phone.told("nas.home.arpa.") == "192.168.1.5"
    assert site.phone.told("wpad.home.arpa.") == "NXDOMAIN"


# --- IPv6 --------------------------------------------------------------------------------------------------

SERVER6 = "fd00:1::1"
HOOK6 = """\
#!/bin/sh
[ "$reason" = BOUND6 ] || exit 0
ip -6 address replace "$new_ip6_address/64" dev "$interface"
{ echo "search $new_dhcp6_domain_search"; echo "nameserver $new_dhcp6_name_servers"; } >"$RESOLV_CONF"
"""
DNSMASQ6 = """\
port=0
interface=lan0
bind-interfaces
enable-ra
dhcp-range=fd00:1::100,fd00:1::1ff,64,10m
dhcp-option=option6:dns-server,[fd00:1::1]
dhcp-option=option6:domain-search,home.arpa
domain=home.arpa
user=root
dhcp-leasefile={leases}
"""


def kea6(directory: Path) -> dict[str, object]:
    """The configuration of Kea's DHCPv6 server, whose leases are in ``directory``."""
    leases = {"type": "memfile", "name": str(directory / "kea-leases6.csv"), "lfc-interval": 0}
    options = [{"name": "dns-servers", "data": SERVER6}, {"name": "domain-search", "data": "home.arpa"}]
    subnet = {
        "id": 1,
        "interface": "lan0",
        "subnet": "fd00:1::/64",
        "pools": [{"pool": "fd00:1::100 - fd00:1::1ff"}],
        "option-data": options,
    }
    whole = {
        "interfaces-config": {"interfaces": ["lan0"]},
        "lease-database": leases,
        "server-id": {"type": "LL", "persist": False},
        "subnet6": [subnet],
    }
    return {"Dhcp6": whole}


def _join6(laptop: Laptop, name: str) -> str:
    """Come to the network as ``name`` by DHCPv6; the address that it got."""
    directory = laptop.directory
    hook, config = directory / "hook6", directory / "dhclient.conf"
    hook.write_text(HOOK6)
    hook.chmod(0o755)
    config.write_text(f'send fqdn.fqdn "{name}";\nalso request dhcp6.name-servers, dhcp6.domain-search;\n')
    argv = ["dhclient", "-6", "-d", "-cf", str(config), "-sf", str(hook)]
    argv += ["-e", f"RESOLV_CONF={laptop.resolv_conf}"]
    files = ["-lf", str(directory / "dhclient.leases"), "-pf", str(directory / "dhclient.pid")]
    laptop.client = client = laptop.host.start(*argv, *files, "eth0")
    wait_until(laptop.resolv_conf.exists, lambda: client.output)
    (link,) = json.loads(laptop.host.run("ip", "-j", "-6", "address", "show", "eth0").stdout)
    return next(str(one["local"]) for one in link["addr_info"] if one["scope"] == "global")


@pytest.mark.root
@pytest.mark.parametrize(
    "server",
    [
        pytest.param("dnsmasq", marks=pytest.mark.needs("ip", "dnsmasq", "dhclient")),
        pytest.param("kea", marks=pytest.mark.needs("ip", "kea-dhcp6", "dhclient")),
    ],
)
def test_clients_of_ipv6_are_found_by_name(site: Site, server: str) -> None:
    site.router.address("lan0", f"{SERVER6}/64")
    if server == "dnsmasq":
        leases, config = site.directory / "dnsmasq.leases", site.directory / "dnsmasq.conf"
        config.write_text(DNSMASQ6.format(leases=leases))
        daemon = site.router.start("dnsmasq", "--no-daemon", f"--conf-file={config}")
    else:
        leases, config = site.directory / "kea-leases6.csv", site.directory / "kea.conf"
        config.write_text(json.dumps(kea6(site.directory)))
        places = {"KEA_PIDFILE_DIR": str(site.directory), "KEA_LOCKFILE_DIR": str(site.directory)}
        daemon = site.router.start("kea-dhcp6", "-c", str(config), env=places)
    served = site.serve(f"server: {server}, files: [{leases}]", f"[{SERVER6}]", "fd00:1::/64")
    address = _join6(site.laptop, "tablet")

    assert site.laptop.resolv_conf.read_text() == f"search home.arpa.\nnameserver {SERVER6}\n"
    laptop = site.laptop
    wait_until(
        lambda: laptop.told("tablet.home.arpa.", "AAAA") == address,
        lambda: served.output + daemon.output + leases.read_text(),
    )
    assert laptop.told(str(dns.reversename.from_address(address)), "PTR") == "tablet.home.arpa."
    assert told(site.visitor, OUTSIDE, "tablet.home.arpa.", "AAAA") == "NXDOMAIN"
    assert served.stop() == 0, served.output
