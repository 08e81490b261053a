"""The gate by itself; ``tests/protocol/test_limits`` tests it from bytes to bytes."""

from __future__ import annotations

import logging

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.limits import Limiter, Rates
from splitdns.metrics import DROPS, LIMITED, Counts
from splitdns.serve.gate import LOG_INTERVAL_S, Gate
from splitdns.snapshot import Manners
from splitdns.wire.cookies import Cookies
from splitdns.wire.message import Transport, decode

CLIENT = "192.0.2.1"


class Porch:
    def __init__(self, drawn: float = 0.9) -> None:
        self.counts = Counts()
        self.now_s = 1000.0
        limiter = Limiter(Rates(), lambda: drawn)
        self.gate = Gate(self.counts, limiter, Cookies(bytes(16)), wall_clock=lambda: self.now_s)

    def answer(self, wire: bytes) -> bytes | None:
        return self.gate.answered_too_much(wire, CLIENT, Manners(), "internet")


def query(cookie: bytes | None = None, **options: object) -> bytes:
    if cookie is not None:
        options = {"options": [dns.edns.GenericOption(10, cookie)], "use_edns": 0}
    return dns.message.make_query("www.example.org", "A", **options).to_wire()  # type: ignore[arg-type]


def test_a_cookie_is_found_in_a_plain_query_only() -> None:
    porch = Porch()
    met = porch.gate.met(decode(query(bytes(8)), Transport.UDP), CLIENT)
    assert met is not None
    good = query(met.option)
    assert porch.gate.is_known(good, CLIENT)
    assert not porch.gate.is_known(good, "192.0.2.2")
    assert not porch.gate.is_known(query(), CLIENT)
    assert not porch.gate.is_known(query(use_edns=0), CLIENT)
    assert not porch.gate.is_known(good[:-1], CLIENT)
    for at in range(len(good)):
        porch.gate.is_known(good[:at], CLIENT)  # whatever is cut off, it is not an error


def test_a_query_without_a_cookie_has_met_none() -> None:
    for wire in (query(), query(use_edns=0)):
        assert Porch().gate.met(decode(wire, Transport.UDP), CLIENT) is None


@pytest.mark.parametrize(
    ("wire", "rcode", "flags"),
    [
        (query(), dns.rcode.NOERROR, dns.flags.TC),
        (query(use_edns=0), dns.rcode.NOERROR, dns.flags.TC),
        (query(bytes(8)), dns.rcode.BADCOOKIE, 0),
        (query(bytes(9)), dns.rcode.NOERROR, dns.flags.TC),
    ],
    ids=["plain", "EDNS", "cookie", "malformed"],
)
def test_what_slips(wire: bytes, rcode: int, flags: int) -> None:
    assert Porch().answer(wire) is None
    reply = dns.message.from_wire(Porch(drawn=0.1).answer(wire) or b"")
    assert (reply.rcode(), reply.flags & 0xFFF0) == (rcode, dns.flags.QR | dns.flags.RD | flags)


def test_nothing_slips_to_what_is_no_question() -> None:
    assert Porch(drawn=0.1).answer(bytes(12)) is None


def test_a_client_that_recurses_is_told_over_tcp_only() -> None:
    porch = Porch()
    assert porch.gate.asked_too_much(query(), CLIENT, Transport.UDP, "lan") is None
    reply = porch.gate.asked_too_much(query(), CLIENT, Transport.TCP, "lan")
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.REFUSED
    assert porch.counts.value(LIMITED, "lan", "query_rate") == 2
    assert porch.counts.value(DROPS, "query_rate") == 1


def test_the_log_says_so_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    porch = Porch()
    for _ in range(100):
        porch.answer(query())
    porch.gate.asked_too_much(query(), CLIENT, Transport.UDP, "lan")
    porch.now_s += LOG_INTERVAL_S
    porch.answer(query())
    assert [record.__dict__["limit"] for record in caplog.records] == [
        "response_rate",
        "query_rate",
        "response_rate",
    ]


@given(st.binary(max_size=120), st.booleans())
def test_whatever_octets_come_the_gate_stands(octets: bytes, with_header: bool) -> None:
    wire = query(bytes(8))[:40] + octets if with_header else bytes(12) + octets
    porch = Porch(drawn=0.1)
    assert not porch.gate.is_known(wire, CLIENT)
    reply = porch.answer(wire)
    assert reply is None or len(reply) <= len(wire) + 32
