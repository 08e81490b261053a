"""Forwarders before one resolver, before one hierarchy: splitdns, Unbound and BIND, validating or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.differential import hierarchy
from tests.differential.ask import Asker, asking
from tests.lab import peers
from tests.lab.machine import Here, Machine, free_port

_READY_S = 60.0

_UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  local-zone: "." nodefault
  module-config: "{modules}"
  qname-minimisation: no
  minimal-responses: no
  max-udp-size: 1232
remote-control:
  control-enable: no
"""
_STUB = 'stub-zone:\n  name: "{apex}"\n  stub-addr: 127.0.0.1@{port}\n'
_FORWARD = 'forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@{port}\n'

_NAMED = """\
options {{
  directory "{directory}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  forwarders {{ 127.0.0.1 port {upstream}; }};
  forward only;
  allow-query {{ any; }};
  recursion yes;
  dnssec-validation {validation};
  minimal-responses no;
  empty-zones-enable no;
  querylog no;
  max-udp-size 1232;
  send-cookie no;
}};
controls {{ }};
logging {{ category default {{ null; }}; category unmatched {{ null; }}; }};
{anchors}
"""

_OURS = """\
listen: ["127.0.0.1:{{port}}"]
workers: 1
admin: {{listen: null}}
control: null
special_names: false
views:
  everyone:
    clients: [127.0.0.0/8]
    horizon: [inside]
    recursion: true
    rebinding: allow
    validate: {validate}
zones: []
forward:
  - {{domains: ["."], upstreams: ["127.0.0.1:{upstream}"]}}
trust_anchors: {anchor}
limits: {{queries_per_second: 0}}
"""


@dataclass(frozen=True)
class Forwarders:
    """Askers of all that are to agree, for validating and for not validating ones."""

    ours: Asker
    unbound: Asker
    bind: Asker


@contextmanager
def forwarding(directory: Path, *, validate: bool) -> Iterator[Forwarders]:
    """The three, running; the hierarchy is made anew."""
    machine = Here(directory)
    try:
        files, key = hierarchy.write(directory / "zones")
        anchor = directory / "root.key"
        anchor.write_text(f"{key}\n")
        nsd = peers.nsd(machine, files, ready=["."]).port
        stubs = "".join(_STUB.format(apex=apex, port=nsd) for apex in files)
        resolver = _unbound(machine, "iterator", stubs)
        trusted = f'server:\n  trust-anchor-file: "{anchor}"\n' if validate else ""
        modules = "validator iterator" if validate else "iterator"
        unbound = _unbound(machine, modules, trusted + _FORWARD.format(port=resolver))
        bind = _named(machine, resolver, key if validate else None)
        ours = _splitdns(machine, resolver, anchor, validate)
        with asking(*(("127.0.0.1", port) for port in (ours, unbound, bind))) as askers:
            yield Forwarders(*askers)
    finally:
        machine.stop()


def _unbound(machine: Machine, modules: str, more: str) -> int:
    port = free_port()
    config = machine.directory / f"unbound.{port}.conf"
    text = _UNBOUND.format(port=port, directory=machine.directory, modules=modules)
    config.write_text(text + more)
    machine.start("/usr/sbin/unbound", "-d", "-p", "-c", str(config))
    return _ready(port)


def _named(machine: Machine, upstream: int, key: str | None) -> int:
    port = free_port()
    directory = machine.directory / f"named.{port}"
    directory.mkdir()
    anchors = ""
    if key is not None:
        _, rdata = key.split(" DNSKEY ")
        flags, protocol, algorithm, octets = rdata.split(None, 3)
        octets = octets.replace(" ", "")
        anchors = f'trust-anchors {{ . static-key {flags} {protocol} {algorithm} "{octets}"; }};'
    config = directory / "named.conf"
    validation = "no" if key is None else "yes"
    config.write_text(
        _NAMED.format(
            directory=directory, port=port, upstream=upstream, validation=validation, anchors=anchors
        )
    )
    machine.start("/usr/sbin/named", "-g", "-n", "1", "-c", str(config))
    return _ready(port)


def _splitdns(machine: Machine, upstream: int, anchor: Path, validate: bool) -> int:
    config = _OURS.format(upstream=upstream, anchor=anchor, validate=str(validate).lower())
    return _ready(peers.splitdns(machine, config, []).port)


def _ready(port: int) -> int:
    """``port``, once who listens there gives an answer."""
    deadline_s = time.monotonic() + _READY_S
    probe = dns.message.make_query("www.plain.example.", "A")
    while True:
        try:
            if dns.query.udp(probe, "127.0.0.1", timeout=1.0, port=port).rcode() == dns.rcode.NOERROR:
                return port
        except (dns.exception.DNSException, OSError):
            pass
        assert time.monotonic() < deadline_s, f"nobody answers at port {port}"
        time.sleep(0.05)
