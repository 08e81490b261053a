"""What is kept, stale, failed, on its way or forgotten; and chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from splitdns.answer.decide import Answer, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.stale import stale
from splitdns.names import ancestors
from splitdns.records import Type
from tests.replay.faults import Fault, Features, instead

CACHE, FAILURES = "splitdns.forward.cache", "splitdns.forward.failures"
FLIGHTS, FORWARDER = "splitdns.forward.flights", "splitdns.forward.forwarder"
CHAIN, DECIDE, UPSTREAMS = "splitdns.forward.chain", "splitdns.answer.decide", "splitdns.forward.upstreams"


def _limits(**others: Any) -> list[Fault]:
    """Whatever the scenario sets, these limits hold."""

    def made_with(init: Any) -> Any:
        return lambda cache, counts, limits: init(cache, counts, replace(limits, **others))

    return [(f"{CACHE}.Cache.__init__", made_with)]


def _get(found: Callable[[Any, Any, Any, float], Any]) -> list[Fault]:
    """A cache that finds something else; ``found`` is called with the right look-up, and its arguments."""
    return [(f"{CACHE}.Cache.get", lambda get: lambda cache, key, now_s: found(get, cache, key, now_s))]


def _fresh_only(get: Any, cache: Any, key: Any, now_s: float) -> Any:
    entry = get(cache, key, now_s)
    return entry if entry is not None and entry.is_fresh(now_s) else None


def _of_a_name_above(get: Any, cache: Any, key: Any, now_s: float) -> Any:
    found = (get(cache, key._replace(name=name), now_s) for name in ancestors(key.name))
    return next(filter(None, found), None)


def _of_any_type(get: Any, cache: Any, key: Any, now_s: float) -> Any:
    types = (key.qtype, Type.A, Type.AAAA)
    found = (get(cache, key._replace(qtype=qtype), now_s) for qtype in types)
    return next(filter(None, found), None)


def _remembers_no_data_for_all_types(remember: Any) -> Any:
    def remembers(cache: Any, key: Any, reply: Reply, now_s: float, **how: Any) -> Any:
        no_data = reply.soa is not None and not reply.answer
        return remember(cache, key._replace(qtype=0) if no_data else key, reply, now_s, **how)

    return remembers


def _remembers_always(remember: Any) -> Any:
    return lambda cache, key, reply, now_s, keep: remember(cache, key, reply, now_s)


def _drops_its_own_type_only(_: Any) -> Any:
    def supersedes(cache: Any, place: Any, slot: int) -> None:
        if slot in cache.names.get(place, ()):
            cache._drop(place, slot)

    return supersedes


def _forgets_that_it_was_renewed(ripe_s: Any) -> Any:
    def ripe(entry: Any) -> Any:
        entry.renewed = False
        return ripe_s.fget(entry)

    return property(ripe)


def _raises_zero_too(_: Any) -> Any:
    return lambda rrset, low_s, high_s: rrset.with_ttl(min(max(rrset.ttl_s, low_s), high_s))


def _keeps_no_denial(lifetime_s: Any) -> Any:
    return lambda reply, qtype: 0 if reply.soa else lifetime_s(reply, qtype)


def _keeps_without_soa(lifetime_s: Any) -> Any:
    return lambda reply, qtype: lifetime_s(reply, qtype) if reply.answer or reply.soa else 60


def _any_soa(_: Any) -> Any:
    def soa_of(response: Any, name: Any) -> Any:
        found = [(owner, raws) for (owner, rdtype), raws in response._authority.items() if rdtype == Type.SOA]
        return response._rrset(found[0][0], Type.SOA, found[0][1][:1]) if found else None

    return soa_of


def _gives_up_with_the_client(wait: Any) -> Any:
    def waits(flights: Any, flight: Any, client: str, until_s: float | None, done: Any) -> None:
        def told(outcome: Any) -> None:
            if outcome is None:
                flights._cancel(flight)
            done(outcome)

        wait(flights, flight, client, until_s, told)

    return waits


def _waits_from_now(wait: Any) -> Any:
    def waits(flights: Any, flight: Any, client: str, until_s: float | None, done: Any) -> None:
        until_s = until_s and until_s + flights.clock() - flight.started_s
        wait(flights, flight, client, until_s, done)

    return waits


def _first_each_time(note: Any) -> Any:
    def notes(failures: Any, question: Any, *more: Any) -> None:
        failures.over(question)
        note(failures, question, *more)

    return notes


def _of_any_question_about_the_name(_: Any) -> Any:
    def get(failures: Any, asked: Any) -> Any:
        return next((kept for key, kept in failures.kept.items() if key.name == asked.name), None)

    return get


def _as_it_came(_: Any) -> Any:
    def reduce(response: Any, *_: Any) -> Reply:
        rrsets = [response.rrset(owner, rdtype) for owner, rdtype in response._answer]
        return Reply(response.rcode, tuple(rrsets))

    return reduce


def _minds_no_contradiction(reduce: Any) -> Any:
    def reduced(response: Any, *question: Any) -> Reply:
        try:
            reply: Reply = reduce(response, *question)
        except UpstreamError:
            return Reply(response.rcode)
        return reply

    return reduced


def _all_aliases(_: Any) -> Any:
    def hop(response: Any, name: Any) -> Any:
        return tuple(filter(None, [response.rrset(name, Type.CNAME)]))

    return hop


FEATURES: Features = {
    # Stale
    "stale": _get(_fresh_only),
    "stale-note": [(f"{FORWARDER}.stale", instead(lambda reply: replace(stale(reply), edes=reply.edes)))],
    "stale-ttl": [("splitdns.forward.stale.TTL_S", instead(7))],
    "stale-patience": [(f"{FORWARDER}.CLIENT_PATIENCE_S", instead(100.0))],
    "stale-waits": [(f"{FORWARDER}.CLIENT_PATIENCE_S", instead(0.0))],
    "stale-since-take-off": [(f"{FLIGHTS}.Flights.wait", _waits_from_now)],
    "stale-recheck": [(f"{FORWARDER}.RECHECK_S", instead(0.0))],
    "stale-bad-luck": [(f"{UPSTREAMS}.Upstreams.are_down", instead(lambda *_: True))],
    "stale-look": [(f"{FORWARDER}.Forwarder._look_whether_back", instead(lambda *_: None))],
    "stale-bound": _limits(max_stale_s=10**9),
    "stale-at-once": [(f"{UPSTREAMS}.Upstreams.are_down", instead(lambda *_: False))],
    "refresh-goes-on": [(f"{FLIGHTS}.Flights.wait", _gives_up_with_the_client)],
    "superseded": [(f"{CACHE}.Cache._supersede", instead(lambda *_: None))],
    # Failures
    "failures": [(f"{FAILURES}.FIRST_S", instead(0.0))],
    "failure-back-off": [(f"{FAILURES}.Failures.note", _first_each_time)],
    "failure-by-type": [(f"{FAILURES}.Failures.get", _of_any_question_about_the_name)],
    "failure-over": [(f"{FAILURES}.Failures.over", instead(lambda *_: None))],
    "failures-forgotten": [(f"{FORWARDER}.Forwarder._is_back", instead(lambda *_: None))],
    "silence-bound": [(f"{FAILURES}.MAX_SILENCE_S", instead(300.0))],
    # Prefetch
    "prefetch": [(f"{CACHE}.Entry.is_ripe", instead(lambda *_: False))],
    "prefetch-once": [(f"{CACHE}.Entry.ripe_s", _forgets_that_it_was_renewed)],
    "prefetch-switch": _limits(prefetch=True),
    "ripe": [(f"{CACHE}.RIPE", instead(0.0))],
    "popular": [(f"{CACHE}.POPULAR_HITS", instead(0))],
    # How long, and what of which name and type
    "ttl": [(f"{CACHE}._aged", instead(lambda reply, *_: reply))],
    "ttl-zero": [(f"{CACHE}._lifetime_s", lambda lifetime_s: lambda *args: max(1, lifetime_s(*args)))],
    "ttl-bit": [("splitdns.forward.response.MAX_TTL_S", instead(2**40))],
    "bounds": [(f"{CACHE}._within", instead(lambda rrset, *_: rrset))],
    "floor-but-zero": [(f"{CACHE}._within", _raises_zero_too)],
    "shortest": [(f"{CACHE}._lifetime_s", instead(lambda *_: 300))],
    "negative": [(f"{CACHE}._lifetime_s", _keeps_no_denial)],
    "no-soa": [(f"{CACHE}._lifetime_s", _keeps_without_soa)],
    "soa-minimum": [(f"{CHAIN}._negative_soa", instead(lambda response, name: response.soa_of(name)))],
    "bailiwick-soa": [(f"{CHAIN}.Response.soa_of", _any_soa)],
    "no-name-for-all": [(f"{CACHE}._ALL_TYPES", instead(65_534))],
    "newest-word": [(f"{CACHE}.Cache._supersede", _drops_its_own_type_only)],
    "own-name-only": _get(_of_a_name_above),
    "by-type": _get(_of_any_type),
    "no-data-of-its-type": [(f"{CACHE}.Cache.remember", _remembers_no_data_for_all_types)],
    "folding": [(f"{FORWARDER}.fold", instead(bytes))],
    # Room
    "eviction": _limits(octets=10**9),
    "eviction-order": [(f"{CACHE}.Cache._spare", instead(lambda *_: False))],
    "cap-all": [(f"{FLIGHTS}.Flights._cancel", instead(lambda *_: None))],
    "cap-client": [(f"{FLIGHTS}.Flights.drop_oldest_of", instead(lambda *_: None))],
    "cap-name": [(f"{FLIGHTS}.MAX_FLIGHTS_PER_NAME", instead(1000))],
    # To forget
    "flush": [(f"{FORWARDER}.Forwarder.flush", instead(lambda *_, **__: 0))],
    "flush-by-label": [(f"{FORWARDER}.is_under", instead(lambda name, above: name.endswith(above[1:])))],
    "flush-under-way": [(f"{CACHE}.Cache.remember", _remembers_always)],
    # Chains
    "long-chains": [(f"{room}.MAX_CNAME_HOPS", instead(8)) for room in (CHAIN, DECIDE)],
    "end-of-chains": [(f"{room}.MAX_CNAME_HOPS", instead(1000)) for room in (CHAIN, DECIDE)],
    "circles-over-answers": [(f"{DECIDE}._too_long", instead(lambda _: Answer()))],
    "one-alias": [(f"{CHAIN}._hop", _all_aliases)],
    "rebuilt": [(f"{UPSTREAMS}.reduce", _as_it_came)],
    "contradiction": [(f"{UPSTREAMS}.reduce", _minds_no_contradiction)],
}
