"""How upstreams are asked: spelling, cookies, tries, strategies, health, connections, circles."""

from __future__ import annotations

from typing import Any

from splitdns.errors import UpstreamError
from splitdns.forward.exchange import NoResponseError
from splitdns.forward.policy import Plan
from splitdns.forward.query import Match
from splitdns.forward.streams import _Pool
from tests.replay.faults import Features, instead

EXCHANGE, UPSTREAMS, POLICY = (f"splitdns.forward.{name}" for name in ("exchange", "upstreams", "policy"))
HEALTH, TRAITS, STREAMS = (f"splitdns.forward.{name}" for name in ("health", "traits", "streams"))
DATAGRAMS = "splitdns.forward.datagrams"


def _whatever_the_case(match: Any) -> Any:
    def matching(wire: bytes, query: Any) -> Match:
        found: Match = match(wire, query)
        return Match.WHOLE if found is Match.MISSPELLED else found

    return matching


async def _gives_up(*_: Any) -> Any:
    raise UpstreamError("not what was expected")


def _in_order(upstreams: Any, health: Any, _: Any) -> Plan:
    return Plan(health.order(upstreams))


def _only_the_newest(begin: Any) -> Any:
    def begins(asking: Any, now_s: float) -> None:
        for trying in asking._live:
            trying.cancel()
        asking._live.clear()
        begin(asking, now_s)

    return begins


def _whenever_asked(failed: Any) -> Any:
    return lambda health, upstream, _, now_s: failed(health, upstream, float("inf"), now_s)


async def _on_what_there_is(streams: Any, upstream: Any, query: Any) -> bytes:
    pool = streams._pools.setdefault(upstream, _Pool(upstream, streams._network, streams._random))
    wire: bytes = await (await pool.connection()).ask(query)
    return wire


def _learns_but_accepts(accepts: Any) -> Any:
    def accepted(traits: Any, cookie: bytes) -> bool:
        accepts(traits, cookie)
        return True

    return accepted


FEATURES: Features = {
    "spelling": [(f"{DATAGRAMS}.match", _whatever_the_case)],
    "another-look": [(f"{EXCHANGE}.Exchanger._settled", instead(_gives_up))],
    "case-learnt": [(f"{TRAITS}.Traits.mangles_case", instead(lambda *_: None))],
    "edns-learnt": [(f"{TRAITS}.Traits.lacks_edns", instead(lambda *_: None))],
    "learnt-for-an-hour": [(f"{TRAITS}.LEARNT_FOR_S", instead(1e9))],
    "cookies": [(f"{TRAITS}.Traits.accepts", instead(lambda *_: True))],
    "cookie-expected": [(f"{TRAITS}.Traits.accepts", _learns_but_accepts)],
    "cookie-forgotten": [(f"{TRAITS}.Traits.forget_cookie", instead(lambda _: None))],
    "flood": [(f"{DATAGRAMS}.MAX_UNWANTED", instead(1_000_000))],
    "strategy": [(f"{UPSTREAMS}.plan", instead(_in_order))],
    "three-at-once": [(f"{POLICY}.AT_ONCE", instead(10))],
    "round-trip": [(f"{HEALTH}.Health.wait_s", instead(lambda *_: 0.4))],
    "long-round-trip": [(f"{HEALTH}.Health.wait_s", instead(lambda *_: 0.05))],
    "late-answers": [("splitdns.forward.asking.Asking._begin_next", _only_the_newest)],
    "back-off": [(f"{POLICY}.QUICK_ROUNDS", instead(0))],
    "probe-back-off": [(f"{HEALTH}.MAX_PROBE_S", instead(1.0))],
    "heard-meanwhile": [(f"{HEALTH}.Health.failed", _whenever_asked)],
    "overtaken": [(f"{UPSTREAMS}.MAX_ASIDE", instead(0))],
    "out-of-reach": [(f"{UPSTREAMS}.SilenceError", instead(NoResponseError))],
    "connections": [(f"{EXCHANGE}.Exchanger._over_connection", instead(_gives_up))],
    "reconnect": [(f"{STREAMS}.Streams.ask", instead(_on_what_there_is))],
    "circle": [("splitdns.forward.loops.Loops.via", instead(lambda *_: None))],
}
