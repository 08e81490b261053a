"""What a response policy zone and DNS64 make of names is what BIND makes of them, before the same zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.reversename
import pytest

from tests.lab import peers
from tests.lab.machine import Here, free_port

ZONE = """\
$TTL 300
@ SOA ns host 1 3600 900 604800 120
@ NS ns
ns A 198.51.100.53
shop CNAME x.ads
www.shop CNAME x.ads
x.ads A 198.51.100.1
ads A 198.51.100.2
search A 198.51.100.3
safe.search A 198.51.100.4
walled A 198.51.100.5
other A 198.51.100.6
both A 198.51.100.7
both AAAA 2001:db8::7
v6 AAAA 2001:db8::8
txt TXT "x"
mapped AAAA ::ffff:198.51.100.9
mapped A 198.51.100.9
private A 192.168.1.1
mixed A 192.168.1.1
mixed A 198.51.100.1
alias CNAME other
w.wild A 198.51.100.10
wild A 198.51.100.11
deep.own A 198.51.100.12
*.garden A 198.51.100.90
"""
POLICY = """\
$TTL 60
@ SOA localhost. host.rpz. 1 3600 900 604800 60
@ NS localhost.
ads.example CNAME .
*.ads.example CNAME .
www.shop.example CNAME rpz-passthru.
search.example CNAME safe.search.example.
walled.example A 198.51.100.80
walled.example TXT "walled"
txt.example CNAME *.
*.wild.example CNAME *.garden.example.
*.own.example CNAME .
deep.own.example CNAME *.
"""
NAMED = """\
options {{
  directory "{directory}";
  pid-file none; session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  allow-query {{ any; }}; recursion yes; dnssec-validation no; querylog no;
  response-policy {{ zone "rpz"; }} qname-wait-recurse no;
  dns64 64:ff9b::/96 {{
    clients {{ any; }};
    exclude {{ ::ffff:0:0/96; }};
    mapped {{ !10.0.0.0/8; !172.16.0.0/12; !192.168.0.0/16; any; }};
  }};
}};
controls {{ }};
zone "rpz" {{ type primary; file "policy.rpz"; }};
zone "example" {{ type forward; forward only; forwarders {{ 127.0.0.1 port {upstream}; }}; }};
"""
OURS = """\
listen: ["127.0.0.1:{{port}}"]
workers: 1
admin: {{listen: null}}
control: null
views:
  all: {{clients: [127.0.0.0/8], horizon: [inside], recursion: true, rebinding: allow, dns64: "64:ff9b::/96"}}
forward: [{{domains: ["."], upstreams: ["127.0.0.1:{upstream}"]}}]
blocklists: [{{file: policy.rpz}}]
zones: []
"""
NAMES = "ads q.ads shop www.shop x.ads search safe.search walled other both v6 txt mapped private mixed"
NAMES += " alias w.wild q.wild wild deep.own q.own nowhere"
READY_S = 60.0


def said(name: str, rdtype: str, port: int) -> tuple[str, list[str]]:
    """The rcode, and the answer without TTLs: those of what is made are each server's own."""
    answer = dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", timeout=30.0, port=port)
    records = (f"{rrset.name} {rrset.rdtype.name} {rdata}" for rrset in answer.answer for rdata in rrset)
    return dns.rcode.to_text(answer.rcode()), sorted(records)


def ready(port: int) -> int:
    """``port``, once who listens there has the policy."""
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s:
        try:
            if said("ads.example.", "A", port) == ("NXDOMAIN", []):
                return port
        except (dns.exception.DNSException, OSError):
            pass
        time.sleep(0.1)
    raise AssertionError("no answer")


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    machine = Here(tmp_path_factory.mktemp("policy"))
    directory: Path = machine.directory
    try:
        (directory / "policy.rpz").write_text(POLICY)
        (directory / "example.zone").write_text(ZONE)
        upstream = peers.nsd(machine, {"example.": directory / "example.zone"}).port
        port = free_port()
        config = directory / "named.conf"
        config.write_text(NAMED.format(directory=directory, port=port, upstream=upstream))
        machine.start("/usr/sbin/named", "-g", "-n", "1", "-c", str(config))
        ours = peers.splitdns(machine, OURS.format(upstream=upstream), []).port
        yield ready(port), ready(ours)
    finally:
        machine.stop()


@pytest.mark.needs("nsd", "named")
@pytest.mark.parametrize("rdtype", ["A", "AAAA", "TXT", "CNAME", "MX"])
def test_lists_and_dns64_make_the_same_of_names_as_bind(rdtype: str, ports: tuple[int, int]) -> None:
    bind, ours = ports
    names = [f"{name}.example." for name in NAMES.split()]
    differ = {
        name: (theirs, mine)
        for name in names
        if (theirs := said(name, rdtype, bind)) != (mine := said(name, rdtype, ours))
    }
    assert differ == {}


@pytest.mark.needs("nsd", "named")
def test_the_name_of_a_made_address_is_the_same_as_binds__rfc6147_5_3_1(ports: tuple[int, int]) -> None:
    name = dns.reversename.from_address("64:ff9b::198.51.100.6").to_text()
    expected = ("NXDOMAIN", [f"{name} CNAME 6.100.51.198.in-addr.arpa."])
    assert [said(name, "PTR", port) for port in ports] == [expected] * 2
