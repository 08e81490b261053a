"""What upstreams said, given again from octets that age, beside the same decided and encoded for each query.

Servers live through the same: one remembers nothing, one what a view remembers, and others answer by the
batch, too. They give the same octets, and count the same, whatever comes between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from ipaddress import IPv6Network, ip_network
from typing import Any

import dns.flags
import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.cache import POPULAR_HITS, CacheLimits, Key
from splitdns.forward.forwarder import Forwarder
from splitdns.metrics import (
    CACHE_EVICTIONS,
    CACHE_HITS,
    CACHE_PREFETCHES,
    CACHE_REQUESTS,
    REBINDINGS_BLOCKED,
    Counts,
)
from splitdns.names import from_text, wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve.exposition import render
from splitdns.serve.parts import COMPILED, PURE
from splitdns.serve.passed import Passed
from splitdns.serve.pipeline import Outcome, Pending, Pipeline
from splitdns.serve.pipelined import Pipelined
from splitdns.snapshot import Snapshot
from splitdns.view import Policy, View
from splitdns.wire.framing import frame
from splitdns.wire.message import Transport
from tests.build import UPSTREAMS, view, zone
from tests.wired import Wired

HOST, SERVER = "127.0.2.7", "dns://:53"
ZONE = """
www   300 IN A     198.51.100.1
out   70  IN CNAME b.example.net.
cut   300 IN NS    ns.example.net.
"""
NAMES = ("a.example.net.", "b.example.net.", "c.example.net.", "out.example.org.", "mail.example.org.")
MANY = tuple(f"n{number}.example.com." for number in range(12))


OPENED = ExitStack()  # the sockets of a test


class Outlook(Forwarder):
    """A forwarder whose flights land when they are told to."""

    def __init__(self, counts: Counts, clock: Callable[[], float], limits: CacheLimits) -> None:
        super().__init__(counts, clock=clock, limits=limits)
        self.flying: dict[Key, Callable[[Reply | UpstreamError], None]] = {}

    def _fly(self, key: Key, landed: Any) -> Any:
        self.flying[key] = partial(self.learn, key, self.flushes, landed)
        return asyncio.Event()  # which nobody will miss, should it be cancelled

    def land(self, reply_to: Callable[[Key], Reply]) -> None:
        while self.flying:
            key, learn = self.flying.popitem()
            learn(reply_to(key))


class Server:
    """Remembers nothing: each query goes the long way."""

    def __init__(self, limits: CacheLimits, policy: Policy) -> None:
        self.now_s = 1000.0
        self.counts = Counts()
        self.forwarder = Outlook(self.counts, lambda: self.now_s, limits)
        made: View = view(
            zone(ZONE, inherit={"mail": ["A"]}), recursion=True, routes={".": UPSTREAMS}
        )
        self.view = replace(made, policy=policy)
        snapshot = Snapshot(1, (self.view,), ((ip_network("127.0.2.0/24"), self.view),))
        self.pipeline = Pipeline(snapshot, self.forwarder, self.counts, clock=lambda: self.now_s)
        self.landed: list[bytes | None] = []

    def ask(self, wires: list[bytes], transport: Transport) -> list[Outcome]:
        return [self.answer(wire, transport) for wire in wires]

    def answer(self, wire: bytes, transport: Transport) -> Outcome:
        self.view.answers.entries.clear()
        self.view.answers.octets = 0
        return self.pipeline.answer_now(wire, HOST, transport, SERVER)

    def wait(self, pending: Pending | Passed) -> None:
        if isinstance(pending, Passed):
            pending.begin((b"", b"", 0), lambda _, answer: self._land(answer))
        else:
            self.pipeline.finish_then(pending, self._land)

    def _land(self, answer: bytes | None) -> None:
        """All but the id, by which queries are told apart on their way through a socket."""
        self.landed.append(answer and answer[2:])

    def settle(self) -> None: ...


class Remembering(Server):
    """As it is, but by the datagram."""

    def answer(self, wire: bytes, transport: Transport) -> Outcome:
        return self.pipeline.answer_now(wire, HOST, transport, SERVER)


class Batching(Remembering):
    """As it is, by the batch, through a socket."""

    parts = PURE

    def __init__(self, limits: CacheLimits, policy: Policy) -> None:
        super().__init__(limits, policy)
        self.wired = Wired(self.pipeline, SERVER, self.parts)
        OPENED.callback(self.wired.close)
        self.pipelined = Pipelined(self.pipeline, SERVER, 1)

    def ask(self, wires: list[bytes], transport: Transport) -> list[Outcome | Passed]:
        if transport is Transport.TCP:
            return [self._read(wire) for wire in wires]
        return self.wired.ask([(wire, HOST) for wire in wires])

    def _read(self, wire: bytes) -> Outcome:
        answers, pending, _, _ = self.pipelined.answer(frame(wire), HOST, 64)
        return pending[0] if pending else b"".join(answers)[2:]

    def settle(self) -> None:
        self.wired.hot.settle()
        self.pipelined.settle()

    @property
    def ready(self) -> int:
        return self.wired.learnt


class Compiled(Batching):
    """The same by the compiled loop, where there is one."""

    parts = COMPILED or PURE


class Servers:
    """All of them."""

    def __init__(self, limits: CacheLimits = CacheLimits(), policy: Policy = Policy()) -> None:  # noqa: B008
        self.each = [kind(limits, policy) for kind in (Server, Remembering, Batching, Compiled)]

    def later(self, by_s: float) -> None:
        for one in self.each:
            one.now_s += by_s

    def ask(self, *wires: bytes, transport: Transport = Transport.UDP) -> list[bytes | None]:
        """What all of them give; None: an upstream is asked."""
        found = []
        for one in self.each:
            outcomes = one.ask(list(wires), transport)
            for outcome in outcomes:
                if isinstance(outcome, Pending | Passed):
                    one.wait(outcome)
            found.append([None if isinstance(outcome, Pending | Passed) else outcome for outcome in outcomes])
        assert all(other == found[0] for other in found)
        self.compare()
        return found[0]

    def land(self, reply_to: Callable[[Key], Reply]) -> None:
        for one in self.each:
            one.forwarder.land(reply_to)
        self.compare()

    def flush(self, **what: Any) -> None:
        assert len({one.forwarder.flush(**what) for one in self.each}) == 1
        self.compare()

    def compare(self) -> None:
        first, *others = self.each
        for other in others:
            assert other.landed == first.landed
            assert other.forwarder.flying.keys() == first.forwarder.flying.keys()

    @property
    def counts(self) -> Counts:
        """What all of them have counted."""
        for one in self.each:
            one.settle()
        # In no order: what is counted beforehand comes later than what is counted at once.
        first, *others = [sorted(render(one.counts)[0].splitlines()) for one in self.each]
        assert all(other == first for other in others)
        return self.each[-1].counts


def query(name: str = "a.example.net.", rdtype: str = "A", number: int = 1, **options: Any) -> bytes:
    """As a stub resolver asks; ``options`` are ``make_query``'s."""
    return dns.message.make_query(name, rdtype, id=number, **options).to_wire()


def addresses(key: Key, *ttls_s: int) -> Reply:
    """An alias for each TTL but the last, then two addresses."""
    names = [key.name, *(from_text(f"t{number}.example.net.") for number in range(1, len(ttls_s)))]
    chain = [
        RRset(owner, Type.CNAME, ttl_s, (target,))
        for owner, ttl_s, target in zip(names, ttls_s, names[1:], strict=False)
    ]
    end = RRset(names[-1], key.qtype, ttls_s[-1], (b"\xc6\x33\x64\7", b"\xc6\x33\x64\x08"))
    signatures = [RRset(each.owner, Type.RRSIG, 40, (bytes((0, each.rdtype)) + bytes(20),)) for each in chain]
    proof = Proof(tuple(signatures), (), Security.CLAIMED) if key.do else None
    return Reply(Rcode.NOERROR, (*chain, end), proof=proof)


def denial(key: Key, rcode: Rcode, ttl_s: int) -> Reply:
    soa = RRset(from_text("net."), Type.SOA, ttl_s, (b"\1a\0\1b\0" + bytes(20),))
    proof = Proof((), (RRset(key.name, Type.NSEC, 5, (b"\0\0\1\x40",)),)) if key.do else None
    return Reply(rcode, soa=soa, proof=proof)


def ttls(answer: bytes | None) -> list[int]:
    assert answer is not None
    message = dns.message.from_wire(answer)
    return [rrset.ttl for rrset in (*message.answer, *message.authority)]


def living(test: Callable[[], None]) -> None:
    """Run ``test`` where there is an event loop, in which nothing ever comes to pass."""

    async def main() -> None:
        with OPENED:
            test()

    asyncio.run(main())


def filled(*ttls_s: int, limits: CacheLimits = CacheLimits(), **options: Any) -> Servers:  # noqa: B008
    """Servers that have asked for an address, and know the octets of that query."""
    servers = Servers(limits)
    servers.ask(query(**options))
    servers.land(lambda key: addresses(key, *ttls_s))
    for _ in range(3):
        servers.ask(query(**options))
    last = servers.each[-1]
    assert isinstance(last, Batching)
    assert last.ready == 1
    return servers


def test_ttls_run_by_the_second_and_to_the_second() -> None:
    def test() -> None:
        servers = filled(300, 90, 600)
        for at_s, expected in ((0.9, 0), (1.0, 1), (1.9, 1), (2.1, 2), (79.9, 79), (89.9, 89)):
            for one in servers.each:
                one.now_s = 1000 + at_s
            (answer,) = servers.ask(query(number=int(at_s * 10)))
            assert ttls(answer) == [300 - expected, 90 - expected, 600 - expected]
            servers.land(lambda key: addresses(key, 300, 90, 600))
            if at_s >= 79.9:
                break

    living(test)


@pytest.mark.parametrize("what", [{}, {"name": from_text("a.example.net.")}, {"view": "test"}])
def test_what_is_flushed_is_not_given_again_not_even_at_once(what: dict[str, Any]) -> None:
    def test() -> None:
        servers = filled(300)
        servers.flush(**what)
        assert servers.ask(query()) == [None]

    living(test)


def test_what_is_dropped_in_the_midst_of_a_batch_is_not_given_in_its_rest() -> None:
    def test() -> None:
        servers = filled(300)
        settled = servers.each[-1].forwarder.is_unknown

        def flush(question: Any) -> Any:
            for one in servers.each:
                one.forwarder.flush()
            return settled(question)

        last = servers.each[-1]
        last.forwarder.is_unknown = flush  # type: ignore[method-assign]
        given_1, other, given_2 = last.ask([query(), query("b.example.net."), query()], Transport.UDP)
        assert isinstance(given_1, bytes)
        assert isinstance(other, Pending | Passed)
        assert isinstance(given_2, Pending | Passed)

    living(test)


def test_who_asks_often_has_it_renewed_in_time_and_gets_the_newer_one() -> None:
    def test() -> None:
        servers = filled(100)
        assert not servers.counts.value(CACHE_PREFETCHES, "test")
        servers.later(89.9)
        servers.ask(query())
        assert not servers.counts.value(CACHE_PREFETCHES, "test")
        servers.later(0.1)
        assert ttls(*servers.ask(query())) == [10]
        assert servers.counts.value(CACHE_PREFETCHES, "test") == 1
        servers.later(1)
        assert ttls(*servers.ask(query())) == [9]
        servers.land(lambda key: addresses(key, 60))
        for _ in range(4):
            assert ttls(*servers.ask(query())) == [60]

    living(test)


def test_every_use_is_counted_as_one_of_the_cache() -> None:
    def test() -> None:
        servers = filled(300)
        for transport in (Transport.UDP, Transport.TCP):
            for _ in range(10):
                servers.ask(*[query()] * 5, transport=transport)
        assert servers.counts.value(CACHE_HITS, "success", "test") == 103
        assert servers.counts.value(CACHE_REQUESTS, "test") == 104
        answered = [(key[1], key[8], times) for key, times in servers.counts.requests.items()]
        assert sorted(answered) == [(".", "cache", 50), (".", "cache", 53), (".", "forward", 1)]

    living(test)


def test_what_is_asked_for_by_octets_alone_is_not_evicted_before_what_is_not() -> None:
    def test() -> None:
        servers = filled(3000, limits=CacheLimits(octets=4000))
        for number in range(40):
            servers.ask(query(), query(f"x{number}.example.net."))
            servers.land(lambda key: addresses(key, 3000))
            assert servers.ask(query()) != [None]
        assert servers.counts.value(CACHE_EVICTIONS, "success", "test") > 30

    living(test)


def test_a_name_of_ours_that_leads_out_keeps_its_own_ttl() -> None:
    def test() -> None:
        servers = filled(300, name="out.example.org.")
        servers.later(30)
        assert ttls(*servers.ask(query("out.example.org."))) == [70, 270]

    living(test)


def test_what_is_made_of_two_replies_or_put_together_is_made_each_time() -> None:
    def test() -> None:
        servers = Servers(policy=Policy(dns64=IPv6Network("64:ff9b::/96")))
        for name, rdtype in (("mail.example.org.", "A"), ("a.example.net.", "AAAA")):
            for _ in range(6):
                servers.ask(query(name, rdtype))
                servers.land(
                    lambda key: denial(key, Rcode.NOERROR, 50)
                    if key.qtype == Type.AAAA
                    else addresses(key, 300)
                )
                servers.later(7.5)
        last = servers.each[-1]
        assert isinstance(last, Batching)
        assert not last.ready

    living(test)


def test_what_depends_on_a_second_reply_is_over_when_that_is() -> None:
    def test() -> None:
        servers = Servers(policy=Policy(dns64=IPv6Network("64:ff9b::/96")))
        for _ in range(4):
            servers.ask(query(rdtype="AAAA"))
            servers.land(lambda key: denial(key, Rcode.NOERROR, 300 if key.qtype == Type.AAAA else 20))
        servers.later(25)
        servers.ask(query(rdtype="AAAA"))
        servers.land(lambda key: addresses(key, 300))
        (answer,) = servers.ask(query(rdtype="AAAA"))
        assert answer is not None
        assert dns.message.from_wire(answer).answer

    living(test)


def test_what_is_taken_out_is_counted_each_time() -> None:
    def test() -> None:
        servers = Servers(policy=Policy(rebinding=True))
        for _ in range(6):
            servers.ask(query())
            servers.land(lambda key: said(key, "inside", 300))
        assert servers.counts.value(REBINDINGS_BLOCKED, "test") == 6

    living(test)


def test_many_hits_are_enough_to_be_popular_however_they_came() -> None:
    def test() -> None:
        servers = Servers()
        servers.ask(query())
        servers.land(lambda key: addresses(key, 100))
        for _ in range(POPULAR_HITS):
            servers.ask(query())
        servers.later(95)
        servers.ask(query())
        assert servers.counts.value(CACHE_PREFETCHES, "test") == 1

    living(test)


# --- anything, in any order

TTLS = st.integers(0, 12)
REPLIES = st.one_of(
    st.tuples(st.just("addresses"), st.lists(TTLS, min_size=1, max_size=3)),
    st.tuples(st.just("denial"), st.tuples(st.sampled_from([Rcode.NOERROR, Rcode.NXDOMAIN]), TTLS)),
    st.tuples(st.just("alias"), st.tuples(st.sampled_from(["www.example.org.", *NAMES]), TTLS)),
    st.tuples(st.just("inside"), st.integers(1, 9)),
    st.tuples(st.just("failure"), st.just(0)),
)
QUERIES = st.builds(
    lambda name, rdtype, flags, size, do, upper: (
        name.upper() if upper else name,
        rdtype,
        {"flags": flags} | ({"use_edns": 0, "payload": size, "want_dnssec": do} if size else {}),
    ),
    st.sampled_from(NAMES),
    st.sampled_from(["A", "A", "A", "AAAA"]),
    st.sampled_from([dns.flags.RD] * 6 + [dns.flags.RD | dns.flags.CD, dns.flags.RD | dns.flags.AD, 0]),
    st.sampled_from([0, 0, 512, 1232, 1232]),
    st.booleans(),
    st.booleans(),
)
LATER = st.one_of(st.just(0.0), st.sampled_from([0.25, 0.5, 1.0, 2.5, 4.0]), st.floats(0, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.tuples(st.lists(QUERIES, min_size=1, max_size=4), st.integers(1, 3))),
        st.tuples(st.just("tcp"), st.tuples(st.lists(QUERIES, min_size=1, max_size=2), st.integers(1, 3))),
        st.tuples(st.just("fill"), st.sampled_from(MANY)),
        st.tuples(st.just("land"), st.lists(REPLIES, min_size=1, max_size=3)),
        st.tuples(st.just("later"), LATER),
        st.tuples(st.just("flush"), st.sampled_from([None, *NAMES])),
        st.tuples(st.just("count"), st.none()),
    ),
    min_size=5,
    max_size=60,
)


def said(key: Key, what: str, more: Any) -> Reply:
    match what:
        case "addresses":
            return addresses(key, *more)
        case "denial":
            return denial(key, *more)
        case "alias":
            target, ttl_s = more
            alias = RRset(key.name, Type.CNAME, ttl_s, (wire_from_text(target),))
            end = RRset(wire_from_text(target), key.qtype, ttl_s + 1, (b"\xc6\x33\x64\x09",))
            return Reply(Rcode.NOERROR, (alias, end), proof=Proof() if key.do else None)
        case "inside":
            if key.qtype != Type.A:
                return denial(key, Rcode.NOERROR, more)
            records = RRset(key.name, Type.A, more, (b"\xc0\xa8\1\1", b"\xc6\x33\x64\1")[: 1 + more % 2])
            return replace(addresses(key, more), answer=(records,))
    return Reply(Rcode.SERVFAIL)


@given(
    STEPS,
    st.sampled_from([CacheLimits(), CacheLimits(octets=4000), CacheLimits(prefetch=False, max_stale_s=0)]),
    st.sampled_from([Policy(), Policy(rebinding=True), Policy(dns64=IPv6Network("64:ff9b::/96"))]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_all_ways_give_the_same_and_count_the_same(
    steps: list[tuple[str, Any]], limits: CacheLimits, policy: Policy
) -> None:
    def test() -> None:
        servers = Servers(limits, policy)
        for step, what in steps:
            match step:
                case "ask":
                    asked, times = what
                    for number in range(times):
                        servers.ask(*(query(name, kind, number, **options) for name, kind, options in asked))
                case "tcp":
                    asked, times = what
                    wires = [query(name, kind, **options) for name, kind, options in asked]
                    servers.ask(*wires * times, transport=Transport.TCP)
                case "fill":
                    servers.ask(query(what))
                case "land":
                    servers.land(lambda key, what=what: said(key, *what[len(key.name) % len(what)]))
                case "later":
                    servers.later(what)
                case "flush":
                    servers.flush(name=what and from_text(what))
                case "count":
                    assert servers.counts
        assert servers.counts

    living(test)
