"""Forwarders, each a cache before the same upstream, on one core, with one thread.

None validates or logs, and no rate limits are on but ours. Each has room for far more questions on the way
than the generator has, and for all answers of a run. But dnsmasq, whose manual warns of large caches, has ten
times the names that are asked again.

The upstream is the generator itself, so it is there only while a turn lasts; dnsdist takes it for granted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tests.bench.contestant import Contestant, Data, Running, Setup, Start
from tests.bench.contestants import (
    ACCELERATED,
    BIND_COMMAND,
    DNSDIST_COMMAND,
    DNSMASQ_COMMAND,
    KNOT_RESOLVER_COMMAND,
    PURE,
    RECURSOR,
    RECURSOR_COMMAND,
    UNBOUND,
    UNBOUND_COMMAND,
    ours,
)
from tests.bench.measure import Bench
from tests.lab.machine import free_port

CACHE_MIB = 256
SPLITDNS = """\
listen: ["0.0.0.0:@PORT@"]
workers: 1
views:
  inside: {clients: [127.1.0.0/16], horizon: [inside], recursion: true}
  others: {clients: [127.2.0.0/16], horizon: [outside], recursion: true}
forward: [{domains: ["."], upstreams: ["127.0.0.1:@UPSTREAM@"]}]
control: null
admin: {listen: "127.0.0.1:@ADMIN@"}
limits: {responses_per_second: 10000000, queries_per_second: 10000000, exempt: []}  # counted, never reached
cache: {size_mib: @MIB@}
"""
BIND = """\
options {
  directory "@DIRECTORY@";
  pid-file none;
  session-keyfile none;
  listen-on port @PORT@ { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  allow-recursion { any; };
  forward only;
  forwarders { 127.0.0.1 port @UPSTREAM@; };
  dnssec-validation no;
  minimal-responses yes;
  recursive-clients 10000;
  max-cache-size @MIB@m;
  querylog no;
};
controls { };
logging { category default { null; }; };
"""
KNOT_RESOLVER = """\
net.ipv6 = false
net.listen('0.0.0.0', @PORT@, { kind = 'dns' })
cache.open(@MIB@ * MB, 'lmdb://@DIRECTORY@/cache')
trust_anchors.remove('.')
policy.add(policy.all(policy.STUB('127.0.0.1@@UPSTREAM@')))
"""
DNSDIST = """\
setLocal("0.0.0.0:@PORT@")
setACL({"127.0.0.0/8"})
setSecurityPollSuffix("")
setMaxUDPOutstanding(10000)
newServer({address="127.0.0.1:@UPSTREAM@"}):setUp()
getPool(""):setCache(newPacketCache(10000000))
"""
OF_UNBOUND = """\
  do-not-query-localhost: no
  outgoing-range: 4096
  num-queries-per-thread: 4096
  msg-cache-size: @MIB@m
  rrset-cache-size: @MIB@m
"""
FORWARDED_BY_UNBOUND = """\
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@@UPSTREAM@
"""
OF_RECURSOR = """\
forward-zones-recurse=.=127.0.0.1:@UPSTREAM@
dont-query=
max-mthreads=10000
max-cache-entries=5000000
max-packetcache-entries=5000000
"""


def splitdns(pure: bool) -> Start:
    return lambda bench, data: _started(bench, data, ours(pure, SPLITDNS), ADMIN=free_port())


def dnsdist(bench: Bench, data: Data) -> Running:
    return _started(bench, data, Setup(DNSDIST_COMMAND, {"config": DNSDIST}))


def unbound(bench: Bench, data: Data) -> Running:
    text = UNBOUND.replace("@VIEWS@", OF_UNBOUND).replace("@LOCAL@", FORWARDED_BY_UNBOUND)
    return _started(bench, data, Setup(UNBOUND_COMMAND, {"config": text}))


def recursor(bench: Bench, data: Data) -> Running:
    return _started(
        bench, data, Setup(RECURSOR_COMMAND, {"recursor.conf": RECURSOR.replace("@MORE@", OF_RECURSOR)})
    )


def dnsmasq(bench: Bench, data: Data) -> Running:
    more = ("--dns-forward-max=10000", "--server=127.0.0.1#@UPSTREAM@")
    return _started(bench, data, Setup((*DNSMASQ_COMMAND, *more), {}))


def knot_resolver(bench: Bench, data: Data) -> Running:
    return _started(bench, data, Setup(KNOT_RESOLVER_COMMAND, {"config": KNOT_RESOLVER}))


def bind(bench: Bench, data: Data) -> Running:
    return _started(bench, data, Setup(BIND_COMMAND, {"config": BIND}))


def _started(bench: Bench, data: Data, setup: Setup, **values: object) -> Running:
    return setup.start(bench, **values, UPSTREAM=data.upstream, MIB=CACHE_MIB)


CONTESTANTS: Mapping[str, Contestant] = {
    PURE: Contestant(sys.executable, splitdns(pure=True)),
    ACCELERATED: Contestant(sys.executable, splitdns(pure=False)),
    "dnsdist": Contestant("dnsdist", dnsdist),
    "Unbound": Contestant("unbound", unbound),
    "PowerDNS Recursor": Contestant("pdns_recursor", recursor),
    "dnsmasq": Contestant("dnsmasq", dnsmasq),
    "Knot Resolver": Contestant("kresd", knot_resolver),
    "BIND": Contestant("named", bind),
}
