"""Servers of their own names, each set up for the same split horizon on one core, with one thread.

Clients of 127.1.0.0/16 are inside and get inside addresses, those of 127.2.0.0/16 are outside. Sockets are
wildcards where a server can have them, answers are minimal, nothing is logged, and no rate limits are on but
ours. NSD and PowerDNS's authoritative server have no views and tell everybody the inside addresses; dnsmasq
chooses by the interface that was asked, not by the client. dnsdist has a cache for each view, before two NSD
that run beside the generator.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.bench import questions
from tests.bench.contestant import (
    FIRST_CLIENT,
    NETWORKS,
    Contestant,
    Data,
    Running,
    Setup,
    Start,
    await_answer,
)
from tests.bench.measure import Bench, Pinned
from tests.bench.questions import APEX, ECHO, HORIZONS, INSIDE, OUTSIDE, UNCHECKED
from tests.lab.machine import free_port

_KEPT_S = 120.0
SPLITDNS = """\
listen: ["0.0.0.0:@PORT@"]
workers: @WORKERS@
views:
@VIEWS@
zones: [@ZONES@]
forward: []
control: null
compiled: "@ZONES@.compiled"
admin: {listen: "127.0.0.1:@ADMIN@"}
limits: {responses_per_second: 10000000, queries_per_second: 10000000, exempt: []}  # counted, never reached
"""
NSD = """\
server:
  ip-address: 0.0.0.0@@PORT@
  pidfile: "@DIRECTORY@/nsd.pid"
  xfrdfile: "@DIRECTORY@/xfrd.state"
  xfrdir: "@DIRECTORY@"
  zonelistfile: "@DIRECTORY@/zone.list"
  cookie-secret-file: "@DIRECTORY@/cookies"
  database: ""
  username: ""
  chroot: ""
  server-count: 1
  verbosity: 0
  minimal-responses: yes
  rrl-ratelimit: 0
  answer-cookie: no
remote-control:
  control-enable: no
zone:
  name: "@APEX@"
  zonefile: "@ZONE@"
"""
KNOT = """\
server:
    rundir: "@DIRECTORY@"
    listen: 0.0.0.0@@PORT@
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "@DIRECTORY@/db"
@MODULE@
zone:
  - domain: "@APEX@"
    file: "@ZONE@"
    zonefile-sync: -1
    journal-content: none
    @USED@
"""
GEOIP = """\
mod-geoip:
  - id: views
    config-file: "@DIRECTORY@/views"
    ttl: 3600
    mode: subnet
"""
UNBOUND = """\
server:
  interface: 0.0.0.0
  port: @PORT@
  interface-automatic: yes
  access-control: 127.0.0.0/8 allow
  directory: "@DIRECTORY@"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  do-ip6: no
  minimal-responses: yes
  module-config: "iterator"
@VIEWS@
remote-control:
  control-enable: no
@LOCAL@
"""
BIND = """\
options {
  directory "@DIRECTORY@";
  pid-file none;
  session-keyfile none;
  listen-on port @PORT@ { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  minimal-responses yes;
  querylog no;
};
controls { };
logging { category default { null; }; };
@VIEWS@
"""
DNSDIST = """\
setLocal("0.0.0.0:@PORT@")
setACL({"127.0.0.0/8"})
setSecurityPollSuffix("")
newServer({address="127.0.0.1:@INSIDE@", pool="inside"}):setUp()
newServer({address="127.0.0.1:@OUTSIDE@", pool="outside"}):setUp()
getPool("inside"):setCache(newPacketCache(100000))
getPool("outside"):setCache(newPacketCache(100000))
addAction("127.1.0.0/16", PoolAction("inside"))
addAction(AllRule(), PoolAction("outside"))
"""
RECURSOR = """\
local-address=0.0.0.0
local-port=@PORT@
config-dir=@DIRECTORY@
socket-dir=@DIRECTORY@
threads=1
pdns-distributes-queries=no
daemon=no
write-pid=no
disable-syslog=yes
loglevel=3
allow-from=127.0.0.0/8
dnssec=off
security-poll-suffix=
@MORE@
"""
RECURSOR_VIEWS = """\
inside = newNMG()
inside:addMask("127.1.0.0/16")
addresses = {{}, {}}
for line in io.lines("@DIRECTORY@/names") do
  local name, one, other = line:match("(%S+) (%S+) (%S+)")
  addresses[1][name], addresses[2][name] = one, other
end
function gettag(remote, ednssubnet, localip, qname, qtype, ednsoptions, tcp, proxyprotocolvalues)
  if inside:match(remote) then return 1 end
  return 2
end
function preresolve(dq)
  local address = addresses[dq.tag][dq.qname:toString()]
  if address then
    dq:addAnswer(pdns.A, address, 3600)
    dq.rcode = 0
  else
    dq.rcode = pdns.NXDOMAIN
  end
  return true
end
"""
POWERDNS = """\
launch=bind
bind-config=@DIRECTORY@/zones
local-address=0.0.0.0
local-port=@PORT@
config-dir=@DIRECTORY@
socket-dir=@DIRECTORY@
receiver-threads=1
distributor-threads=1
daemon=no
guardian=no
write-pid=no
disable-syslog=yes
loglevel=3
security-poll-suffix=
cache-ttl=3600
query-cache-ttl=3600
negquery-cache-ttl=3600
"""
KNOT_RESOLVER = """\
net.ipv6 = false
net.listen('0.0.0.0', @PORT@, { kind = 'dns' })
cache.open(100 * MB, 'lmdb://@DIRECTORY@/cache')
modules = { 'view', 'policy' }
trust_anchors.remove('.')
local inside, outside = {}, {}
local function answer(address)
  return policy.ANSWER({ [kres.type.A] = { rdata = kres.str2ip(address), ttl = 3600 } }, true)
end
for line in io.lines('@DIRECTORY@/names') do
  local name, one, other = line:match('(%S+) (%S+) (%S+)')
  name = kres.str2dname(name)
  inside[name], outside[name] = answer(one), answer(other)
end
view:addr('127.1.0.0/16', function(_, query) return inside[query:name()] or policy.DENY end)
view:addr('127.0.0.0/8', function(_, query) return outside[query:name()] or policy.DENY end)
"""


NSD_COMMAND = ("/usr/sbin/nsd", "-d", "-c", "@DIRECTORY@/config")
UNBOUND_COMMAND = ("/usr/sbin/unbound", "-d", "-p", "-c", "@DIRECTORY@/config")
BIND_COMMAND = ("/usr/sbin/named", "-f", "-n", "1", "-U", "1", "-c", "@DIRECTORY@/config")
DNSDIST_COMMAND = ("/usr/bin/dnsdist", "--supervised", "--disable-syslog", "-C", "@DIRECTORY@/config")
KNOT_RESOLVER_COMMAND = ("/usr/sbin/kresd", "-n", "-q", "-c", "@DIRECTORY@/config", "@DIRECTORY@")
RECURSOR_COMMAND = ("/usr/sbin/pdns_recursor", "--config-dir=@DIRECTORY@")
DNSMASQ_COMMAND = (
    "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=", "--group=",
    "--port=@PORT@", "--no-resolv", "--no-hosts", "--cache-size=10000",
)  # fmt: skip


def ours(pure: bool, text: str) -> Setup:
    """Splitdns in Python only, or with its accelerator if that was built."""
    command = (sys.executable, "-m", "splitdns", "serve", "-c", "@DIRECTORY@/config")
    kept = {"PYTHONDONTWRITEBYTECODE": ""}  # bytecode, as that of a program that is installed
    return Setup(command, {"config": text}, kept | ({"SPLITDNS_PURE": "1"} if pure else {}))


def splitdns(pure: bool, workers: int = 1, *, is_second: bool = False) -> Start:
    """With zones in one directory of the stage, and what was kept of them beside it.

    ``is_second``: it waits until the one that started before has written that.
    """

    def start(bench: Bench, data: Data) -> Running:
        views = "\n".join(
            f"  {view.name}: {{clients: [{view.network}], horizon: [{view.horizon}],"
            f" recursion: {str(view.horizon == INSIDE).lower()}}}"
            for view in data.views
        )
        zones = bench.directory / f"zones.{'pure' if pure else 'accelerated'}"
        if not zones.exists():  # else it is not the first start from the same files
            zones.mkdir()
            for horizon, file in data.zones.items():
                (zones / f"{APEX.rstrip('.')}@{horizon}.zone").hardlink_to(file)
        elif is_second:
            _await_kept(Path(f"{zones}.compiled"))
        values = {"WORKERS": workers, "VIEWS": views, "ZONES": zones, "ADMIN": free_port()}
        machine = bench if workers == 1 else bench.both
        return replace(ours(pure, SPLITDNS).start(machine, **values), workers=workers)

    return start


def _await_kept(directory: Path) -> None:
    """Wait for what a process of low priority writes, and does not name before it is whole."""
    deadline_s = time.monotonic() + _KEPT_S
    while not any(file.name[0] != "." for file in directory.glob("*")):
        assert time.monotonic() < deadline_s, f"nothing is kept in {directory}"
        time.sleep(0.1)


def echo(program: Path) -> Start:
    """The limit: it sends back what it was asked."""

    def start(bench: Bench, data: Data) -> Running:
        return replace(Setup((str(program), "@PORT@"), {}).start(bench), expected=(ECHO, ECHO))

    return start


def nsd(bench: Pinned, data: Data, horizon: str = INSIDE) -> Running:
    setup = Setup(NSD_COMMAND, {"config": NSD})
    started = setup.start(bench, APEX=APEX, ZONE=data.zones[horizon])
    return replace(started, expected=(horizon, horizon))


def knot(bench: Bench, data: Data) -> Running:
    """By mod-geoip where there are views."""
    files, values = {"config": KNOT}, {"MODULE": "", "USED": ""}
    if len(data.views) > 1:
        files["views"] = "".join(
            f"{questions.name(number)}:\n"
            + "".join(
                f"  - net: {NETWORKS[horizon]}\n    A: {questions.address(horizon, number)}\n"
                for horizon in HORIZONS
            )
            for number in range(data.names)
        )
        values = {"MODULE": GEOIP, "USED": "module: mod-geoip/views"}
    setup = Setup(("/usr/sbin/knotd", "-c", "@DIRECTORY@/config"), files)
    return setup.start(bench, **values, APEX=APEX, ZONE=data.zones[INSIDE])


def unbound(bench: Bench, data: Data) -> Running:
    by_client = "".join(f"  access-control-view: {view.network} {view.name}\n" for view in data.views)
    blocks = []
    for view in data.views:
        blocks.append(f'view:\n  name: "{view.name}"\n  local-zone: "{APEX}" static\n')
        blocks.append(f'  local-data: "{APEX} 3600 SOA ns.{APEX} hostmaster.{APEX} 1 3600 900 604800 300"\n')
        blocks += (
            f'  local-data: "{questions.name(number)} 3600 A {questions.address(view.horizon, number)}"\n'
            for number in range(data.names)
        )
    setup = Setup(UNBOUND_COMMAND, {"config": UNBOUND})
    return setup.start(bench, VIEWS=by_client, LOCAL="".join(blocks))


def bind(bench: Bench, data: Data) -> Running:
    """A zone is loaded once, in the first view of its horizon."""
    text = ""
    first: dict[str, str] = {}
    for view in data.views:
        is_first = first.setdefault(view.horizon, view.name) == view.name
        zone = f'type primary; file "{data.zones[view.horizon]}";'
        zone = zone if is_first else f'in-view "{first[view.horizon]}";'
        clients = f"match-clients {{ {view.network}; }};"
        text += f'view "{view.name}" {{ {clients} zone "{APEX}" {{ {zone} }}; }};\n'
    return Setup(BIND_COMMAND, {"config": BIND}).start(bench, VIEWS=text)


def dnsmasq(bench: Bench, data: Data) -> Running:
    """Its inside addresses are of the loopback network, for it gives those of the interface's network."""
    hosts = "".join(
        f"{questions.address(INSIDE, number).replace('10.', '127.', 1)} {questions.name(number)}\n"
        f"{questions.address(OUTSIDE, number)} {questions.name(number)}\n"
        for number in range(data.names)
    )
    more = ("--localise-queries", "--addn-hosts=@DIRECTORY@/hosts", f"--local=/{APEX}/")
    started = Setup((*DNSMASQ_COMMAND, *more), {"hosts": hosts}).start(bench)
    return replace(started, expected=(UNCHECKED, UNCHECKED))


def dnsdist(bench: Bench, data: Data) -> Running:
    behind = {horizon: nsd(bench.beside, data, horizon) for horizon in HORIZONS}
    for horizon, server in behind.items():
        await_answer(server, questions.name(0), FIRST_CLIENT[horizon])
    ports = {horizon.upper(): server.port for horizon, server in behind.items()}
    started = Setup(DNSDIST_COMMAND, {"config": DNSDIST}).start(bench, **ports)
    return replace(started, beside=tuple(server.daemon for server in behind.values()))


def recursor(bench: Bench, data: Data) -> Running:
    files = {"recursor.conf": RECURSOR, "views.lua": RECURSOR_VIEWS, "names": _names(data)}
    return Setup(RECURSOR_COMMAND, files).start(bench, MORE="lua-dns-script=@DIRECTORY@/views.lua")


def powerdns(bench: Bench, data: Data) -> Running:
    zones = f'zone "{APEX.rstrip(".")}" {{ type master; file "{data.zones[INSIDE]}"; }};\n'
    setup = Setup(
        ("/usr/sbin/pdns_server", "--config-dir=@DIRECTORY@"), {"pdns.conf": POWERDNS, "zones": zones}
    )
    return replace(setup.start(bench), expected=(INSIDE, INSIDE))


def knot_resolver(bench: Bench, data: Data) -> Running:
    setup = Setup(KNOT_RESOLVER_COMMAND, {"config": KNOT_RESOLVER, "names": _names(data)})
    return setup.start(bench)


def _names(data: Data) -> str:
    """Each name and its two addresses, for those who are programmed rather than configured."""
    return "".join(
        f"{questions.name(number)} {' '.join(questions.address(one, number) for one in HORIZONS)}\n"
        for number in range(data.names)
    )


LIMIT = "C echo"
PURE, ACCELERATED = "splitdns", "splitdns, accelerated"
PURE_AGAIN = "splitdns, second start"
PURE_TWICE, ACCELERATED_TWICE = "splitdns, two workers", "splitdns, accelerated, two workers"
CONTESTANTS: Mapping[str, Contestant] = {
    PURE: Contestant(sys.executable, splitdns(pure=True)),
    ACCELERATED: Contestant(sys.executable, splitdns(pure=False)),
    "NSD": Contestant("nsd", nsd),
    "Knot": Contestant("knotd", knot),
    "Unbound": Contestant("unbound", unbound),
    "dnsmasq": Contestant("dnsmasq", dnsmasq),
    "BIND": Contestant("named", bind),
    "dnsdist": Contestant("dnsdist", dnsdist),
    "Knot Resolver": Contestant("kresd", knot_resolver),
    "PowerDNS Recursor": Contestant("pdns_recursor", recursor),
    "PowerDNS": Contestant("pdns_server", powerdns),
}
SECOND_START: Mapping[str, Contestant] = {
    PURE_AGAIN: Contestant(sys.executable, splitdns(pure=True, is_second=True)),
}
OF_TWO_WORKERS: Mapping[str, Contestant] = {
    PURE: CONTESTANTS[PURE],
    PURE_TWICE: Contestant(sys.executable, splitdns(pure=True, workers=2)),
    ACCELERATED: CONTESTANTS[ACCELERATED],
    ACCELERATED_TWICE: Contestant(sys.executable, splitdns(pure=False, workers=2)),
}
