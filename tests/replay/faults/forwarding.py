"""Chains, fail-over and forgery."""

from __future__ import annotations

from typing import Any

from splitdns.answer.decide import Answer, Forward, Reply
from splitdns.answer.decide import resume as resume_decided
from splitdns.errors import UpstreamError
from splitdns.forward.query import Match
from tests.replay.faults import Features, instead


def _ends_at_the_first_hop(forward: Forward, reply: Reply | None) -> Answer | Forward:
    decided = resume_decided(forward, reply)
    return resume_decided(forward, None) if isinstance(decided, Forward) else decided


def _does_not_mind_circles(reduce: Any) -> Any:
    def reduced(response: Any, name: bytes, qtype: int) -> Reply:
        try:
            reply: Reply = reduce(response, name, qtype)
        except UpstreamError:
            return Reply(response.rcode, (response.rrset(name, 5),))
        return reply

    return reduced


def _remembers_all_records(remember: Any) -> Any:
    """As if whatever stands in a response were true: here, what the response said of bank.example."""

    def remembers(cache: Any, view: str, upstreams: Any, name: bytes, *more: Any) -> Any:
        _, reply, *rest = more
        for rrset in reply.answer:
            remember(cache, view, upstreams, rrset.name, rrset.rdtype, Reply(0, (rrset,)), *rest)
        return remember(cache, view, upstreams, name, *more)

    return remembers


def _once(next_: Any) -> Any:
    def only_the_first(tries: Any, now_s: float) -> Any:
        attempt = next_(tries, now_s)
        tries.due_s = None
        tries.drop = lambda *args: None
        return attempt

    return only_the_first


def _begins_each(begin: Any) -> Any:
    def begins(flights: Any, key: Any) -> Any:
        flights.flights.pop(key, None)
        return begin(flights, key)

    return begins


FLIGHTS, UPSTREAMS = "splitdns.forward.flights", "splitdns.forward.upstreams"
EXCHANGE, POLICY = "splitdns.forward.exchange", "splitdns.forward.policy"
HEALTH = "splitdns.forward.health"
CACHE, CHAIN = "splitdns.forward.cache", "splitdns.forward.chain"

FEATURES: Features = {
    "patience": [(f"{UPSTREAMS}.Tries", lambda tries: lambda *args: tries(*args[:4], 100.0))],
    "hops": [("splitdns.serve.pipeline.resume", instead(_ends_at_the_first_hop))],
    "hops-anew": [("splitdns.answer.decide._same_upstreams", instead(lambda *_: True))],
    "only-the-question": [(f"{CACHE}.Cache.remember", _remembers_all_records)],
    "circles": [(f"{UPSTREAMS}.reduce", _does_not_mind_circles)],
    "coalescing": [(f"{FLIGHTS}.Flights.begin", _begins_each)],
    "dname": [(f"{CHAIN}.Response.dname_above", instead(lambda *_: None))],
    "forgery": [("splitdns.forward.datagrams.match", instead(lambda *_: Match.WHOLE))],
    "edns-fallback": [(f"{EXCHANGE}.NO_EDNS", instead(frozenset()))],
    "lame": [(f"{CHAIN}.Response.is_referral", instead(False))],
    "again": [(f"{POLICY}.ROUNDS", instead(1))],
    "fail-over": [(f"{POLICY}.Tries.next", _once)],
    "down": [(f"{HEALTH}.FAILURES_TO_BE_DOWN", instead(1_000_000))],
    "probe": [(f"{HEALTH}.Health.due", instead(lambda *_: ()))],
    "tcp": [("splitdns.forward.datagrams.is_truncated", instead(lambda _: False))],
}
