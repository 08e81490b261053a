"""Forwarding to upstreams that others wrote: a resolver, a forwarder in front of it, an authoritative server.

Unbound resolves from NSD's zones, dnsmasq forwards to Unbound. All three are asked the same questions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdata
import pytest

from splitdns.answer.decide import Forward, Reply, decide
from splitdns.errors import UpstreamError
from splitdns.forward.forwarder import Forwarder
from splitdns.metrics import Counts
from splitdns.names import to_text
from splitdns.records import RRset, type_to_text
from splitdns.view import Upstream, UpstreamSet
from tests.build import MANNERS, query, view
from tests.lab import peers
from tests.lab.machine import Here, free_port

pytestmark = pytest.mark.needs("nsd", "unbound", "dnsmasq")

READY_S = 60.0
ZONES = {
    "example.org": """\
$TTL 300
@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 120
@      NS    ns1
ns1    A     192.0.2.53
www    A     192.0.2.1
www    A     192.0.2.2
alias  CNAME www
far    60 CNAME host.example.net.
gone   CNAME nowhere.example.net.
loop   CNAME pool
pool   CNAME loop
old    DNAME example.net.
*.wild TXT   "anything"
mail   MX    10 www
a.ent  A     192.0.2.9
"""
    + "".join(f'large TXT "{number:0250}"\n' for number in range(40)),
    "example.net": """\
$TTL 300
@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 120
@    NS   ns1
ns1  A    192.0.2.53
host A    198.51.100.1
host AAAA 2001:db8::1
""",
}

UNBOUND = """\
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
  module-config: "iterator"
  qname-minimisation: no
remote-control:
  control-enable: no
"""
STUB = 'stub-zone:\n  name: "{apex}"\n  stub-addr: 127.0.0.1@{port}\n'


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, UpstreamSet]]:
    """Each peer as a set of its own, by name."""
    machine = Here(tmp_path_factory.mktemp("peers"))
    try:
        nsd = _nsd(machine)
        unbound = _start_unbound(machine, nsd)
        dnsmasq = _start_dnsmasq(machine, unbound)
        ports = {"NSD": nsd, "Unbound": unbound, "dnsmasq": dnsmasq}
        yield {name: UpstreamSet((Upstream("127.0.0.1", port),)) for name, port in ports.items()}
    finally:
        machine.stop()


def _nsd(machine: Here) -> int:
    files: dict[str, Path] = {}
    for apex, text in ZONES.items():
        files[apex] = machine.directory / f"{apex}.zone"
        files[apex].write_text(text)
    return peers.nsd(machine, files).port


def _start_unbound(machine: Here, nsd: int) -> int:
    port = free_port()
    config = machine.directory / "unbound.conf"
    stubs = "".join(STUB.format(apex=apex, port=nsd) for apex in ZONES)
    config.write_text(UNBOUND.format(port=port, directory=machine.directory) + stubs)
    machine.start("/usr/sbin/unbound", "-d", "-p", "-c", str(config))
    return _ready(port)


def _start_dnsmasq(machine: Here, unbound: int) -> int:
    port = free_port()
    machine.start(
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
        f"--server=127.0.0.1#{unbound}",
    )
    return _ready(port)


def _ready(port: int) -> int:
    """``port``, once who listens there answers."""
    deadline_s = time.monotonic() + READY_S
    probe = dns.message.make_query("example.org.", "SOA")
    while True:
        try:
            if dns.query.udp(probe, "127.0.0.1", timeout=0.5, port=port).answer:
                return port
        except (dns.exception.DNSException, OSError):
            time.sleep(0.02)
        assert time.monotonic() < deadline_s, f"nobody answers at port {port}"


def ask(upstreams: UpstreamSet, name: str, rdtype: str) -> Reply:
    decided = decide(query(name, rdtype, rd=True), view(recursion=True, routes={".": upstreams}), MANNERS)
    assert isinstance(decided, Forward)

    async def main() -> Reply:
        forwarder = Forwarder(Counts(), patience_s=60.0)
        try:
            return await forwarder.ask(decided)
        finally:
            await forwarder.close()

    return asyncio.run(main())


def text(rrset: RRset) -> str:
    rdtype = type_to_text(rrset.rdtype)
    rdatas = [dns.rdata.from_wire("IN", rdtype, rdata, 0, len(rdata)) for rdata in rrset.rdatas]
    return f"{to_text(rrset.owner)} {rdtype} {', '.join(sorted(rdata.to_text() for rdata in rdatas))}"


OLD = "old.example.org. DNAME example.net."
WITHIN = [
    ("www.example.org.", "A", 0, ["www.example.org. A 192.0.2.1, 192.0.2.2"]),
    (
        "alias.example.org.",
        "A",
        0,
        ["alias.example.org. CNAME www.example.org.", "www.example.org. A 192.0.2.1, 192.0.2.2"],
    ),
    ("alias.example.org.", "CNAME", 0, ["alias.example.org. CNAME www.example.org."]),
    ("x.wild.example.org.", "TXT", 0, ['x.wild.example.org. TXT "anything"']),
    ("mail.example.org.", "MX", 0, ["mail.example.org. MX 10 www.example.org."]),
    ("www.example.org.", "AAAA", 0, []),
    ("ent.example.org.", "A", 0, []),
    ("x.example.org.", "A", 3, []),
    ("old.example.org.", "DNAME", 0, [OLD]),
]
ACROSS = [
    (
        "far.example.org.",
        "AAAA",
        0,
        ["far.example.org. CNAME host.example.net.", "host.example.net. AAAA 2001:db8::1"],
    ),
    ("gone.example.org.", "A", 3, ["gone.example.org. CNAME nowhere.example.net."]),
    (
        "host.old.example.org.",
        "A",
        0,
        [OLD, "host.old.example.org. CNAME host.example.net.", "host.example.net. A 198.51.100.1"],
    ),
]
CASES = [
    (peer, *case)
    for peer, cases in (("NSD", WITHIN), ("Unbound", WITHIN + ACROSS), ("dnsmasq", WITHIN + ACROSS))
    for case in cases
]


@pytest.mark.parametrize(("peer", "name", "rdtype", "rcode", "expected"), CASES)
def test_a_reply_is_what_the_upstream_means(
    upstreams: dict[str, UpstreamSet], peer: str, name: str, rdtype: str, rcode: int, expected: list[str]
) -> None:
    reply = ask(upstreams[peer], name, rdtype)
    assert reply.rcode == rcode
    # dnsmasq caches aliases in the case in which somebody asked: the random one of our earlier questions.
    as_shown = str.lower if peer == "dnsmasq" else str
    assert [as_shown(text(rrset)) for rrset in reply.answer] == [as_shown(line) for line in expected]
    negative = rcode == 3 or not expected
    assert (reply.soa is not None) == negative
    if reply.soa is not None:
        assert 0 < reply.soa.ttl_s <= 120


@pytest.mark.parametrize("peer", ["NSD", "Unbound", "dnsmasq"])
def test_what_does_not_fit_a_datagram_comes_over_tcp__rfc7766_5(
    upstreams: dict[str, UpstreamSet], peer: str
) -> None:
    reply = ask(upstreams[peer], "large.example.org.", "TXT")
    assert len(reply.answer[0].rdatas) == 40


def test_a_loop_is_an_error_with_whoever_passes_it_on(upstreams: dict[str, UpstreamSet]) -> None:
    with pytest.raises(UpstreamError, match="circle"):
        ask(upstreams["NSD"], "loop.example.org.", "A")
