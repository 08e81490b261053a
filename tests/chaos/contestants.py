"""Forwarders under test: this server, Unbound and dnsmasq, each before the same two upstreams, set up alike.

All of them cache, give what is stale while upstreams fail, and ask popular names anew where they can.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.lab import peers
from tests.lab.machine import Machine, free_port
from tests.lab.peers import Server

ZONE = "zone: example.org\nns: [ns1]\nrecords:\n  ns1: {A: 192.0.2.53}\n  www: {A: 192.0.2.1}\n"
SPLITDNS = """\
listen: ["127.0.0.1:{port}"]
workers: 2
views:
  lan: {clients: [127.0.0.0/8], horizon: [inside], recursion: true}
zones: [zones/]
forward: [{domains: ["."], upstreams: [UPSTREAMS]}]
control: null
admin: {listen: "127.0.0.1:ADMIN"}
log: {format: json}
cache: {size_mib: 8}
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
  num-threads: 2
  so-reuseport: yes
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  prefetch: yes
  serve-expired: yes
  serve-expired-ttl: 86400
  serve-expired-client-timeout: 1800
  local-zone: "example.org." redirect
  local-data: "example.org. SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"
remote-control:
  control-enable: no
forward-zone:
  name: "."
"""


def splitdns(machine: Machine, ports: tuple[int, ...]) -> Server:
    """This server; its zone, for reloads, is ``zones/example.org.yaml``."""
    zones = machine.directory / "zones"
    zones.mkdir(exist_ok=True)
    (zones / "example.org.yaml").write_text(ZONE)
    addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    config = SPLITDNS.replace("UPSTREAMS", addresses).replace("ADMIN", str(free_port()))
    return peers.splitdns(machine, config, ["example.org."])


def unbound(machine: Machine, ports: tuple[int, ...]) -> Server:
    port = free_port()
    config = machine.directory / "unbound.conf"
    text = UNBOUND.format(port=port, directory=machine.directory)
    config.write_text(text + "".join(f"  forward-addr: 127.0.0.1@{each}\n" for each in ports))
    daemon = machine.start("/usr/sbin/unbound", "-d", "-p", "-c", str(config))
    return Server("Unbound", "127.0.0.1", port, daemon)


def dnsmasq(machine: Machine, ports: tuple[int, ...]) -> Server:
    port = free_port()
    daemon = machine.start(
        "/usr/sbin/dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        f"--pid-file={machine.directory}/dnsmasq.pid",
        "--user=",
        "--group=",
        f"--port={port}",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--no-resolv",
        "--no-hosts",
        "--cache-size=10000",
        "--dns-forward-max=10000",
        "--use-stale-cache",
        *(f"--server=127.0.0.1#{each}" for each in ports),
    )
    return Server("dnsmasq", "127.0.0.1", port, daemon)


CONTESTANTS: dict[str, Callable[[Machine, tuple[int, ...]], Server]] = {
    "splitdns": splitdns,
    "Unbound": unbound,
    "dnsmasq": dnsmasq,
}


def log_lines(server: Server) -> list[str]:
    """What a server has printed."""
    return Path(server.daemon.log).read_text(errors="replace").splitlines()
