"""Forwarders, each a cache before the same upstream, on one core, with nothing switched on that others lack.

None validates, limits or logs; each has room for far more questions on their way than the generator has, and
for all answers of a run but dnsmasq, whose manual warns of large caches. It has ten times the names that are
asked warm.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.lab import peers
from tests.lab.daemon import Daemon
from tests.lab.machine import Machine, free_port
from tests.lab.peers import Server

READY_S = 20.0
CACHE_MIB = 256
SPLITDNS = """\
listen: ["127.0.0.1:{port}"]
workers: 1
views:
  lan: {clients: [127.0.0.0/8], horizon: [inside], recursion: true}
forward: [{domains: ["."], upstreams: ["127.0.0.1:UPSTREAM"]}]
control: null
admin: {listen: null}
limits: {queries_per_second: 0}
cache: {size_mib: MIB}
"""
UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  outgoing-range: 4096
  num-queries-per-thread: 4096
  msg-cache-size: {mib}m
  rrset-cache-size: {mib}m
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
"""
BIND = """\
options {{
  directory "{directory}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion yes;
  allow-recursion {{ any; }};
  forward only;
  forwarders {{ 127.0.0.1 port {upstream}; }};
  dnssec-validation no;
  recursive-clients 10000;
  max-cache-size {mib}m;
  querylog no;
}};
controls {{ }};
logging {{ category default {{ null; }}; }};
"""
KNOT_RESOLVER = """\
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
net.ipv6 = false
cache.open({mib} * MB, 'lmdb://{directory}/cache')
trust_anchors.remove('.')
policy.add(policy.all(policy.STUB('127.0.0.1@{upstream}')))
"""


@dataclass(frozen=True)
class Contestant:
    """How a forwarder is started, given the upstream's port, and by what command it is known."""

    command: str
    start: Callable[[Machine, int], Server]


def _splitdns(machine: Machine, upstream: int) -> Server:
    config = SPLITDNS.replace("UPSTREAM", str(upstream)).replace("MIB", str(CACHE_MIB))
    return peers.splitdns(machine, config, ())


def _unbound(machine: Machine, upstream: int) -> Server:
    port, config = _configured(machine, "unbound", UNBOUND, upstream)
    return _server("Unbound", port, machine.start("/usr/sbin/unbound", "-d", "-p", "-c", str(config)))


def _bind(machine: Machine, upstream: int) -> Server:
    port, config = _configured(machine, "named", BIND, upstream)
    return _server("BIND", port, machine.start("/usr/sbin/named", "-f", "-n", "1", "-c", str(config)))


def _knot_resolver(machine: Machine, upstream: int) -> Server:
    port, config = _configured(machine, "kresd", KNOT_RESOLVER, upstream)
    started = machine.start("/usr/sbin/kresd", "-n", "-q", "-c", str(config), str(config.parent))
    return _server("Knot Resolver", port, started)


def _dnsmasq(machine: Machine, upstream: int) -> Server:
    port = free_port()
    daemon = machine.start(
        "/usr/sbin/dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file",
        "--user=",
        "--group=",
        f"--port={port}",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--no-resolv",
        "--no-hosts",
        "--cache-size=10000",
        "--dns-forward-max=10000",
        f"--server=127.0.0.1#{upstream}",
    )
    return _server("dnsmasq", port, daemon)


CONTESTANTS: Mapping[str, Contestant] = {
    "splitdns": Contestant(sys.executable, _splitdns),
    "dnsmasq": Contestant("dnsmasq", _dnsmasq),
    "Unbound": Contestant("unbound", _unbound),
    "BIND": Contestant("named", _bind),
    "Knot Resolver": Contestant("kresd", _knot_resolver),
}


def ready(server: Server, name: str) -> None:
    """Wait until ``server`` gives an address of ``name``.

    Raises:
        AssertionError: it ended, or does not in time; the text has what it printed.
    """
    deadline_s = time.monotonic() + READY_S
    while not _answers(server, name):
        printed = server.daemon.output[-4000:]
        assert server.daemon.running, f"{server.name} ended: {printed}"
        assert time.monotonic() < deadline_s, f"{server.name} does not forward: {printed}"
        time.sleep(0.02)


def _answers(server: Server, name: str) -> bool:
    query = dns.message.make_query(name, "A")
    try:
        return bool(dns.query.udp(query, server.address, port=server.port, timeout=0.5).answer)
    except (OSError, dns.exception.DNSException):
        return False


def _configured(machine: Machine, command: str, text: str, upstream: int) -> tuple[int, Path]:
    """A port, and the file that says so, in a directory of its own."""
    port, directory = free_port(), machine.directory / command
    directory.mkdir()
    config = directory / "config"
    config.write_text(text.format(port=port, upstream=upstream, directory=directory, mib=CACHE_MIB))
    return port, config


def _server(name: str, port: int, daemon: Daemon) -> Server:
    return Server(name, "127.0.0.1", port, daemon)
