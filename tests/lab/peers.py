"""Other name servers, set up to serve the same master files the same way.

What only taste decides is set alike: no minimal responses, no rotation, ANY in full, no rate limits,
1232 octets over UDP. Each keeps everything that it writes in a directory of its own.
"""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype

from tests.lab.daemon import Daemon
from tests.lab.machine import Machine, free_port, own_directory

PAYLOAD_OCTETS = 1232
_READY_S = 60.0


@dataclass(frozen=True)
class Server:
    """A name server that runs and answers."""

    name: str
    address: str
    port: int
    daemon: Daemon


def missing(*commands: str) -> str | None:
    """Which of these commands is not installed, for a person; None where all are."""
    absent = [command for command in commands if shutil.which(command, path=_PATH) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def nsd(
    machine: Machine,
    zones: Mapping[str, Path],
    *,
    address: str = "127.0.0.1",
    port: int | None = None,
    ready_s: float = _READY_S,
    ready: Sequence[str] | None = None,
    minimal: bool = False,
) -> Server:
    """NSD with these master files, by apex in text; it has to serve ``ready``, by default all.

    ``minimal``: it says no more than it has to, as resolvers do.
    """
    port = port or free_port()
    directory = own_directory(machine.directory, "nsd")
    config = directory / "nsd.conf"
    lines = [
        "server:",
        f"  ip-address: {address}@{port}",
        f'  zonesdir: "{directory}"',
        f'  pidfile: "{directory}/nsd.pid"',
        f'  xfrdfile: "{directory}/xfrd.state"',
        f'  xfrdir: "{directory}"',
        f'  zonelistfile: "{directory}/zone.list"',
        f'  cookie-secret-file: "{directory}/cookies"',
        '  database: ""',
        '  username: ""',
        '  chroot: ""',
        "  server-count: 1",
        "  verbosity: 0",
        "  hide-version: yes",
        "  round-robin: no",
        f"  minimal-responses: {'yes' if minimal else 'no'}",
        "  refuse-any: no",
        "  rrl-ratelimit: 0",
        "  answer-cookie: no",
        f"  ipv4-edns-size: {PAYLOAD_OCTETS}",
        f"  ipv6-edns-size: {PAYLOAD_OCTETS}",
        "remote-control:",
        "  control-enable: no",
    ]
    for apex, file in zones.items():
        lines += ["zone:", f'  name: "{apex}"', f'  zonefile: "{file}"']
    config.write_text("\n".join(lines) + "\n")
    daemon = machine.start("/usr/sbin/nsd", "-d", "-c", str(config))
    awaited = tuple(zones) if ready is None else ready
    return _ready(Server("NSD", address, port, daemon), machine, awaited, ready_s)


def knot(
    machine: Machine,
    zones: Mapping[str, Path],
    *,
    address: str = "127.0.0.1",
    port: int | None = None,
    ready_s: float = _READY_S,
    ready: Sequence[str] | None = None,
) -> Server:
    """Knot DNS with these master files, by apex in text; it has to serve ``ready``, by default all."""
    port = port or free_port()
    directory = own_directory(machine.directory, "knot")
    config = directory / "knot.conf"
    lines = [
        "server:",
        f'    rundir: "{directory}"',
        f"    listen: {address}@{port}",
        "    udp-workers: 1",
        "    tcp-workers: 1",
        "    background-workers: 1",
        f"    udp-max-payload: {PAYLOAD_OCTETS}",
        "log:",
        "  - target: stderr",
        "    any: warning",
        "database:",
        f'    storage: "{directory}/db"',
        "template:",
        "  - id: default",
        "    zonefile-sync: -1",
        "    zonefile-load: whole",
        "    journal-content: none",
        "zone:",
    ]
    for apex, file in zones.items():
        lines += [f'  - domain: "{apex}"', f'    file: "{file}"']
    config.write_text("\n".join(lines) + "\n")
    daemon = machine.start("/usr/sbin/knotd", "-c", str(config))
    awaited = tuple(zones) if ready is None else ready
    return _ready(Server("Knot", address, port, daemon), machine, awaited, ready_s)


def splitdns(
    machine: Machine,
    config: str,
    apexes: Sequence[str],
    *,
    address: str = "127.0.0.1",
    port: int | None = None,
    ready_s: float = _READY_S,
) -> Server:
    """The real daemon with this splitdns.yaml; ``{port}`` in it becomes the port, and paths are relative
    to the machine's directory."""
    port = port or free_port()
    file = machine.directory / f"splitdns.{port}.yaml"
    file.write_text(config.replace("{port}", str(port)))
    # Its bytecode is kept, as that of a program that is installed.
    caches = {"XDG_CACHE_HOME": str(machine.directory / "caches"), "PYTHONDONTWRITEBYTECODE": ""}
    daemon = machine.start(sys.executable, "-m", "splitdns", "serve", "-c", str(file), env=caches)
    return _ready(Server("splitdns", address, port, daemon), machine, tuple(apexes), ready_s)


def _ready(server: Server, machine: Machine, apexes: Sequence[str], ready_s: float) -> Server:
    """Wait until ``server`` answers for every zone.

    Raises:
        AssertionError: it ended, or a zone is not served in time; the text has what it printed.
    """
    deadline_s = time.monotonic() + ready_s
    for apex in apexes:
        while not serves(server, machine, apex):
            printed = server.daemon.output[-4000:]
            assert server.daemon.running, f"{server.name} ended: {printed}"
            assert time.monotonic() < deadline_s, f"{server.name} does not serve {apex}: {printed}"
            time.sleep(0.02)
    return server


def serves(server: Server, machine: Machine, apex: str) -> bool:
    """Whether ``server`` answers for the zone with authority."""
    query = dns.message.make_query(apex, dns.rdatatype.SOA).to_wire()
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    with machine.socket(family, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        try:
            asker.connect((server.address, server.port))
            asker.send(query)
            reply = asker.recv(65535)
        except OSError:
            return False
    return len(reply) > 12 and reply[3] & 0x0F == 0 and bool(reply[2] & 0x04) and reply[7] > 0
