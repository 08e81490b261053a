"""One daemon, one name, three answers: a LAN client, a VPN client and the internet, each with real dig.

The server listens on port 53 of wildcard sockets and has three interfaces with two addresses on most. Every
client asks every address, over UDP and TCP, IPv4 and IPv6; the kernel would often answer from another address
than the one that was asked, and then dig waits in vain.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import dns.message
import pytest

from tests.lab import peers
from tests.lab.dig import dig
from tests.lab.network import Host, Network
from tests.lab.peers import Server

pytestmark = [pytest.mark.root, pytest.mark.needs("nsd", "dig")]

View = Literal["lan", "vpn", "internet"]

V4 = ("192.168.1.53", "192.168.1.54", "10.8.0.1", "203.0.113.53", "203.0.113.54")
V6 = ("fd00:1::53", "fd00:1::54", "fd00:8::1", "2001:db8:1::53", "2001:db8:1::54")

DUAL_STACK = '["[::]:53"]'

CONFIG = """\
listen: LISTEN
workers: 2
views:
  lan:      {clients: [192.168.0.0/16, "fd00:1::/64"], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24, "fd00:8::/64"],    horizon: [vpn, inside], recursion: true}
  internet: {clients: [any],                           horizon: [outside],     recursion: false}
zones: [zones/]
wan: {ipv4: 203.0.113.7}
forward:
  - {domains: ["."], upstreams: [198.51.100.53]}
"""

ZONES = {
    "example.com.yaml": """\
zone: example.com
ttl: 1h
ns: [ns1]
records:
  "@":      {MX: 10 mail}
  ns1:      {A: {inside: 192.168.1.53, outside: 203.0.113.53}}
  mail:     {A: {inside: 192.168.10.25, outside: $wan4}}
  www:
    A:      {vpn: 10.8.0.20, inside: 192.168.10.20, outside: $wan4}
    AAAA:   {vpn: "fd00:8::20", inside: "fd00:1::20", outside: "2001:db8:1::80"}
    HTTPS:  1 . alpn=h3,h2
  nas:      {A: {inside: 192.168.10.30}}
  files:    {A: {inside: 192.168.10.31}, TXT: {outside: "ask us for an account"}}
  shop:     {CNAME: shop.example.net.}
  "*.apps": {A: {vpn: 10.8.0.21, inside: 192.168.10.21, outside: $wan4}}
""",
    "example.net.yaml": """\
zone: example.net
ns: [ns1.example.com.]
records:
  shop: {A: {vpn: 10.8.0.40, inside: 192.168.10.40, outside: 203.0.113.40}}
""",
}

# The zone that only the upstream serves: what recursion finds.
ELSEWHERE = """\
elsewhere.example. 300 IN SOA ns hostmaster 1 3600 900 604800 60
elsewhere.example. 300 IN NS ns.elsewhere.example.
ns.elsewhere.example. 300 IN A 198.51.100.53
www.elsewhere.example. 300 IN A 198.51.100.80
"""

SOA = "hostmaster.example.com."


@dataclass(frozen=True)
class Expected:
    """What one view answers; ``authority`` None: a SOA and nothing else."""

    rcode: str = "NOERROR"
    answer: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    negative: bool = False


def _address(owner: str, lan: str, vpn: str, internet: str, rdtype: str = "A") -> dict[View, Expected]:
    return {
        "lan": Expected(answer=(f"{owner} {rdtype} {lan}",)),
        "vpn": Expected(answer=(f"{owner} {rdtype} {vpn}",)),
        "internet": Expected(answer=(f"{owner} {rdtype} {internet}",)),
    }


def _everywhere(expected: Expected) -> dict[View, Expected]:
    return {"lan": expected, "vpn": expected, "internet": expected}


_WWW6 = ("fd00:1::20", "fd00:8::20", "2001:db8:1::80")
_HTTPS = 'www.example.com. HTTPS 1 . alpn="h3,h2"'
_MX = "example.com. MX 10 mail.example.com."
_SHOP = "shop.example.com. CNAME shop.example.net."
_NODATA = Expected(negative=True)
_NO_NAME = Expected("NXDOMAIN", negative=True)


def _with_addresses(answer: str, owner: str, *addresses: str) -> Expected:
    lines = (f"{owner} {'AAAA' if ':' in address else 'A'} {address}" for address in addresses)
    return Expected(answer=(answer,), additional=tuple(sorted(lines)))


EXPECTED: dict[tuple[str, str], dict[View, Expected]] = {
    ("www.example.com.", "A"): _address("www.example.com.", "192.168.10.20", "10.8.0.20", "203.0.113.7"),
    ("www.example.com.", "AAAA"): _address("www.example.com.", *_WWW6, rdtype="AAAA"),
    ("example.com.", "MX"): {
        "lan": _with_addresses(_MX, "mail.example.com.", "192.168.10.25"),
        "vpn": _with_addresses(_MX, "mail.example.com.", "192.168.10.25"),
        "internet": _with_addresses(_MX, "mail.example.com.", "203.0.113.7"),
    },
    ("www.example.com.", "HTTPS"): {
        "lan": _with_addresses(_HTTPS, "www.example.com.", "192.168.10.20", "fd00:1::20"),
        "vpn": _with_addresses(_HTTPS, "www.example.com.", "10.8.0.20", "fd00:8::20"),
        "internet": _with_addresses(_HTTPS, "www.example.com.", "203.0.113.7", "2001:db8:1::80"),
    },
    ("shop.example.com.", "A"): {
        "lan": Expected(answer=(_SHOP, "shop.example.net. A 192.168.10.40")),
        "vpn": Expected(answer=(_SHOP, "shop.example.net. A 10.8.0.40")),
        "internet": Expected(answer=(_SHOP, "shop.example.net. A 203.0.113.40")),
    },
    ("x.apps.example.com.", "A"): _address(
        "x.apps.example.com.", "192.168.10.21", "10.8.0.21", "203.0.113.7"
    ),
    ("20.10.168.192.in-addr.arpa.", "PTR"): {
        "lan": Expected(answer=("20.10.168.192.in-addr.arpa. PTR www.example.com.",)),
        "vpn": _NO_NAME,  # it sees another address of www
        "internet": Expected("REFUSED"),
    },
    ("20.0.8.10.in-addr.arpa.", "PTR"): {
        "lan": _NO_NAME,
        "vpn": Expected(answer=("20.0.8.10.in-addr.arpa. PTR www.example.com.",)),
        "internet": Expected("REFUSED"),
    },
    ("www.example.com.", "TXT"): _everywhere(_NODATA),
    ("files.example.com.", "A"): {
        "lan": Expected(answer=("files.example.com. A 192.168.10.31",)),
        "vpn": Expected(answer=("files.example.com. A 192.168.10.31",)),
        "internet": _NODATA,
    },
    ("nas.example.com.", "A"): {
        "lan": Expected(answer=("nas.example.com. A 192.168.10.30",)),
        "vpn": Expected(answer=("nas.example.com. A 192.168.10.30",)),
        "internet": _NO_NAME,
    },
    ("nobody.example.com.", "A"): _everywhere(_NO_NAME),
    ("www.elsewhere.example.", "A"): {
        "lan": Expected(answer=("www.elsewhere.example. A 198.51.100.80",)),
        "vpn": Expected(answer=("www.elsewhere.example. A 198.51.100.80",)),
        "internet": Expected("REFUSED"),
    },
}


@dataclass(frozen=True)
class Site:
    """The server and its clients."""

    server: Host
    clients: dict[View, Host]
    daemon: Server


@pytest.fixture(
    scope="module",
    params=['["0.0.0.0:53", "[::]:53"]', DUAL_STACK],
    ids=["a-socket-per-family", "one-socket-for-both"],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with Network() as network:
        server, laptop, phone, visitor, upstream = network.hosts(
            "server", "laptop", "phone", "visitor", "upstream"
        )
        lan, internet = network.bridge("lan"), network.bridge("internet")
        lan.plug(server, "lan0", "192.168.1.53/24", "192.168.1.54/24", "fd00:1::53/64", "fd00:1::54/64")
        lan.plug(laptop, "eth0", "192.168.1.10/24", "fd00:1::10/64")
        network.link(
            (server, "vpn0", ("10.8.0.1/24", "fd00:8::1/64")),
            (phone, "tun0", ("10.8.0.2/24", "fd00:8::2/64")),
        )
        internet.plug(
            server, "wan0", "203.0.113.53/24", "203.0.113.54/24", "2001:db8:1::53/64", "2001:db8:1::54/64"
        )
        internet.plug(visitor, "eth0", "203.0.113.99/24", "2001:db8:1::99/64")
        network.link((server, "up0", ("198.51.100.1/24",)), (upstream, "eth0", ("198.51.100.53/24",)))
        for client, gateways in (
            (laptop, ("192.168.1.53", "fd00:1::53")),
            (phone, ("10.8.0.1", "fd00:8::1")),
            (visitor, ("203.0.113.53", "2001:db8:1::53")),
        ):
            for gateway in gateways:
                client.route("default", via=gateway)

        elsewhere = network.directory / "elsewhere.example.zone"
        elsewhere.write_text("$ORIGIN elsewhere.example.\n" + ELSEWHERE)
        peers.nsd(upstream, {"elsewhere.example.": elsewhere}, address="198.51.100.53", port=53)

        zones = network.directory / "zones"
        zones.mkdir()
        for name, text in ZONES.items():
            (zones / name).write_text(text)
        daemon = peers.splitdns(
            server, CONFIG.replace("LISTEN", request.param), ("example.com.",), address="127.0.0.1", port=53
        )
        yield Site(server, {"lan": laptop, "vpn": phone, "internet": visitor}, daemon)


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("view", ["lan", "vpn", "internet"])
def test_each_client_gets_its_own_horizon(site: Site, view: View, family: str, transport: str) -> None:
    servers = {"lan": (V4[0], V6[0]), "vpn": (V4[2], V6[2]), "internet": (V4[3], V6[3])}
    server = servers[view][family == "v6"]
    replies = dig(site.clients[view], server, list(EXPECTED), transport)
    for (question, by_view), reply in zip(EXPECTED.items(), replies, strict=True):
        expected = by_view[view]
        assert reply.rcode == expected.rcode, (question, reply)
        assert reply.answer == tuple(sorted(expected.answer)), (question, reply)
        assert reply.additional == expected.additional, (question, reply)
        assert [line.split()[1] for line in reply.authority] == ["SOA"] * expected.negative, (question, reply)
        assert ("ra" in reply.flags) == (view != "internet"), (question, reply)


@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("view", ["lan", "vpn", "internet"])
def test_every_address_of_the_server_answers_from_itself(site: Site, view: View, family: str) -> None:
    """The source chooses the view, whatever address is asked; dig refuses answers from elsewhere."""
    question = ("www.example.com.", "A")
    expected = EXPECTED[question][view].answer
    for server in V6 if family == "v6" else V4:
        for transport in ("+notcp", "+tcp"):
            (reply,) = dig(site.clients[view], server, [question], transport)
            assert reply.answer == expected, (server, transport)


@pytest.mark.parametrize("view", ["lan", "vpn", "internet"])
def test_replies_come_from_the_asked_address_and_port(site: Site, view: View) -> None:
    """An unconnected socket takes replies from anywhere, and sees where they came from."""
    for server in V4 + V6:
        query = dns.message.make_query("www.example.com.", "A")
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with site.clients[view].socket(family, socket.SOCK_DGRAM) as asker:
            asker.settimeout(60)
            asker.sendto(query.to_wire(), (server, 53))
            wire, source = asker.recvfrom(65535)
        assert source[:2] == (server, 53)
        assert dns.message.from_wire(wire).id == query.id


@pytest.mark.parametrize("site", [DUAL_STACK], indirect=True, ids=["one-socket-for-both"])
def test_one_dual_stack_socket_knows_ipv4_clients_by_their_ipv4_addresses(site: Site) -> None:
    """They come as ::ffff:a.b.c.d, and meet the prefixes of IPv4 all the same."""
    assert "0.0.0.0:53" not in site.server.run("ss", "-Hln", "sport", "=", ":53").stdout
    for transport in ("+notcp", "+tcp"):
        (reply,) = dig(site.clients["vpn"], "10.8.0.1", [("www.example.com.", "A")], transport)
        assert reply.answer == ("www.example.com. A 10.8.0.20",)
