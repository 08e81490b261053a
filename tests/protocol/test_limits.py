"""Limits on how often networks and clients are answered, bytes to bytes through the real configuration."""

from __future__ import annotations

from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from splitdns.answer.limits import Limiter, Rates
from splitdns.daemon.supervisor import _knobs
from splitdns.metrics import DROPS, LIMITED
from splitdns.serve.gate import Gate
from splitdns.serve.pipeline import Pipeline
from splitdns.wire.cookies import Cookies
from splitdns.wire.message import Transport
from tests.serving import CLIENTS, SPLIT_CONFIG, World

ZONES = {"example.org.zone": "@ 3600 IN SOA ns1 host 1 3600 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"}
CONFIG = SPLIT_CONFIG + "limits: {responses_per_second: 10, queries_per_second: 20, window: 1s, slip: 2}\n"
QUERY = dns.message.make_query("ns1.example.org", "A").to_wire()
WITH_EDNS = dns.message.make_query("ns1.example.org", "A", use_edns=0).to_wire()


class Limited:
    """A server with limits, whose clock and dice are the test's."""

    def __init__(self, directory: Path, config: str = CONFIG, workers: int = 1) -> None:
        self.world = World(directory, ZONES, config)
        self.now_s = 1000.0
        self.drawn = 0.9
        self.counts = self.world.counts
        rates = _knobs(self.world.loaded.settings, workers, bytes(16)).rates
        limiter = Limiter(rates, lambda: self.drawn)
        self.pipeline = Pipeline(
            self.world.loaded.snapshot,
            self.world.forwarder,
            self.world.counts,
            gate=Gate(self.counts, limiter, wall_clock=lambda: self.now_s),
            clock=lambda: self.now_s,
        )

    def answers(self, times: int, client: str = "internet", wire: bytes = QUERY, tcp: bool = False) -> int:
        return sum(self.answer(client, wire, tcp) is not None for _ in range(times))

    def answer(self, client: str = "internet", wire: bytes = QUERY, tcp: bool = False) -> bytes | None:
        transport = Transport.TCP if tcp else Transport.UDP
        outcome = self.pipeline.answer_now(wire, CLIENTS.get(client, client), transport)
        assert outcome is None or isinstance(outcome, bytes)
        return outcome


def test_a_network_gets_so_many_answers_and_no_more__semantics_19(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    assert server.answers(50) == 10
    assert server.answers(50, "198.51.100.1") == 0, "the same /24"
    assert server.answers(50, "203.0.113.1") == 10
    server.now_s += 0.5
    assert server.answers(50) == 5
    counts = server.world.counts
    assert counts.value(DROPS, "response_rate") == counts.value(LIMITED, "internet", "response_rate") == 175


def test_limits_stand_before_remembered_answers_and_before_those_that_cannot_be_read__semantics_19(
    tmp_path: Path,
) -> None:
    for wire in (QUERY, WITH_EDNS, QUERY[:20]):
        assert Limited(tmp_path).answers(50, wire=wire) == 10


@pytest.mark.parametrize("wire", [QUERY, WITH_EDNS], ids=["plain", "edns"])
def test_what_slips_is_an_empty_answer_with_tc(wire: bytes, tmp_path: Path) -> None:
    server = Limited(tmp_path)
    server.answers(10)
    server.drawn = 0.4
    octets = server.answer(wire=wire)
    assert octets is not None
    assert len(octets) <= len(wire) + 11, "no amplification"
    reply = dns.message.from_wire(octets)
    assert reply.flags & dns.flags.TC
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
    assert reply.edns == (0 if wire is WITH_EDNS else -1)
    assert server.answers(20, wire=wire, tcp=True) == 20, "TCP proves that the sender is real"
    assert server.world.counts.value(LIMITED, "internet", "response_rate") == 1
    assert server.world.counts.value(DROPS, "response_rate") == 0


def test_who_may_recurse_is_counted_by_client(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    assert server.answers(50, "192.168.1.9") == 20
    assert server.answers(50, "192.168.1.10") == 20
    server.now_s += 0.25
    assert server.answers(50, "192.168.1.9") == 5
    assert server.world.counts.value(DROPS, "query_rate") == 30 + 30 + 45


def test_over_tcp_a_client_that_asks_too_much_is_told(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    server.answers(20, "lan")
    octets = server.answer("lan", tcp=True)
    assert octets is not None
    assert dns.message.from_wire(octets).rcode() == dns.rcode.REFUSED


def test_strangers_are_limited_too(tmp_path: Path) -> None:
    config = CONFIG.replace("  internet: {clients: [any],                        horizon: [outside]}\n", "")
    assert Limited(tmp_path, config).answers(50, "203.0.113.1") == 10


def test_workers_share_the_limits__semantics_21(tmp_path: Path) -> None:
    assert Limited(tmp_path, workers=2).answers(50) == 5
    assert Limited(tmp_path, workers=2).answers(50, "lan") == 10


def test_loopback_is_exempt_unless_the_configuration_says_otherwise(tmp_path: Path) -> None:
    views = "  here: {clients: [127.0.0.0/8], horizon: [outside]}\n"
    config = CONFIG.replace("views:\n", "views:\n" + views)
    assert Limited(tmp_path, config).answers(50, "127.0.0.1") == 50
    config = config.replace("slip: 2", "slip: 2, exempt: [203.0.113.0/24]")
    assert Limited(tmp_path, config).answers(50, "127.0.0.1") == 10
    assert Limited(tmp_path, config).answers(50, "203.0.113.1") == 50


def test_the_default_is_generous_and_not_without_limit(tmp_path: Path) -> None:
    server = Limited(tmp_path, SPLIT_CONFIG)
    assert server.answers(2000) == 1000
    assert server.answers(6000, "lan") == 5000


def test_zero_is_without_limit(tmp_path: Path) -> None:
    config = SPLIT_CONFIG + "limits: {responses_per_second: 0, queries_per_second: 0}\n"
    assert Limited(tmp_path, config).answers(2000) == 2000
    assert Rates() == Rates(responses_per_second=0, queries_per_second=0)


# --- Cookies ----------------------------------------------------------------------------------------------

CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")


def with_cookie(cookie: bytes = CLIENT_COOKIE, name: str = "ns1.example.org") -> bytes:
    options = [dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)]
    return dns.message.make_query(name, "A", use_edns=0, options=options).to_wire()


def cookie_of(octets: bytes | None) -> bytes:
    assert octets is not None
    (option,) = dns.message.from_wire(octets).options
    assert isinstance(option, dns.edns.CookieOption)
    return bytes(option.client + option.server)


def test_a_client_cookie_gets_a_server_cookie__rfc7873_5_2_3(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    for client, tcp in (("internet", False), ("internet", True), ("lan", False)):
        octets = server.answer(client, with_cookie(), tcp)
        cookie = cookie_of(octets)
        assert cookie[:12] == CLIENT_COOKIE + b"\1\0\0\0"
        assert len(cookie) == 24
        assert octets is not None
        assert dns.message.from_wire(octets).answer
        assert cookie_of(server.answer(client, with_cookie(cookie))) == cookie


def test_who_sends_no_cookie_gets_none(tmp_path: Path) -> None:
    octets = Limited(tmp_path).answer(wire=WITH_EDNS)
    assert octets is not None
    assert not dns.message.from_wire(octets).options


def test_errors_and_refusals_carry_the_cookie_too__rfc7873_5_2_3(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    octets = server.answer(wire=with_cookie(name="www.example.com"))
    assert octets is not None
    reply = dns.message.from_wire(octets)
    assert reply.rcode() == dns.rcode.REFUSED
    assert dns.edns.OptionType.COOKIE in {option.otype for option in reply.options}


@pytest.mark.parametrize("octets", [0, 7, 9, 15, 41])
def test_a_malformed_cookie_is_formerr__rfc7873_5_2_2(octets: int, tmp_path: Path) -> None:
    reply = Limited(tmp_path).answer(wire=with_cookie(bytes(octets)))
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.FORMERR


def test_a_good_cookie_is_exempt_from_the_response_limit__semantics_19(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    cookie = cookie_of(server.answer(wire=with_cookie()))
    assert server.answers(50) == 9
    assert server.answers(50, wire=with_cookie(cookie)) == 50
    assert server.answers(50, "198.51.100.98", with_cookie(cookie)) == 0, "another's cookie"
    assert server.answers(50, wire=with_cookie(cookie[:-1] + b"x")) == 0
    server.now_s += 3601
    server.answers(50)
    assert server.answers(50, wire=with_cookie(cookie)) == 0, "an old one"


def test_beyond_the_limit_a_client_without_a_good_cookie_learns_one__rfc7873_5_2_4(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    server.answers(50)
    server.drawn = 0.4
    wire = with_cookie()
    octets = server.answer(wire=wire)
    assert octets is not None
    assert len(octets) <= len(wire) + 16
    reply = dns.message.from_wire(octets)
    assert (reply.rcode(), reply.answer, reply.flags & dns.flags.TC) == (dns.rcode.BADCOOKIE, [], 0)
    assert server.answers(20, wire=with_cookie(cookie_of(octets))) == 20


def test_a_malformed_cookie_beyond_the_limit_buys_nothing(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    server.answers(50)
    assert server.answers(50, wire=with_cookie(bytes(9))) == 0
    server.drawn = 0.4
    reply = server.answer(wire=with_cookie(bytes(9)))
    assert reply is not None
    assert dns.message.from_wire(reply).flags & dns.flags.TC


def test_a_query_with_a_cookie_does_not_change_what_others_get(tmp_path: Path) -> None:
    server = Limited(tmp_path)
    before = server.answer(wire=WITH_EDNS)
    server.answer(wire=with_cookie())
    assert server.answer(wire=WITH_EDNS) == before


def test_workers_take_each_others_cookies(tmp_path: Path) -> None:
    first, second = (Cookies(b"one master of 16") for _ in range(2))
    option = first.meet(CLIENT_COOKIE, "192.0.2.1", 5000).option
    assert second.meet(option, "192.0.2.1", 5001).good
