"""Validation, and what becomes of signatures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from splitdns.answer.decide import Reply, Security
from splitdns.forward.dnssec.denial import Cut, Proven
from splitdns.forward.dnssec.trust import Unsigned
from tests.replay.faults import Features, instead

DNSSEC, DECIDE = "splitdns.forward.dnssec", "splitdns.answer.decide"
VALIDATE = "splitdns.forward.validate.Validation.judge"


def _believes(judged: Any) -> Any:
    """As if a reply that is insecure were secure."""

    def believed(reply: Reply, verdict: Any) -> Reply:
        verdict.security = Security.SECURE
        reply_judged: Reply = judged(reply, verdict)
        return reply_judged

    return believed


def _keeps_its_ttl(_: Any) -> Any:
    def judged(reply: Reply, verdict: Any) -> Reply:
        assert reply.proof is not None
        return replace(reply, proof=replace(reply.proof, security=verdict.security))

    return judged


def _does_not_miss(zone: Any) -> Any:
    async def found(validator: Any, name: Any, signatures: Any, walk: Any) -> Any:
        return await zone(validator, name, signatures, walk) if signatures else Unsigned(name)

    return found


def _asks_one(begin: Any) -> Any:
    tasks: set[asyncio.Future[None]] = set()

    def begins(upstreams: Any, question: Any, of: Any, judge: Any, done: Any) -> Any:
        async def judged(reply: Reply) -> None:
            done(await judge(reply))

        def then(outcome: Any) -> None:
            if judge and isinstance(outcome, Reply):
                tasks.add(asyncio.ensure_future(judged(outcome)))
            else:
                done(outcome)

        return begin(upstreams, question, of, None, then)

    return begins


def _cannot_tell(failure: Any) -> Any:
    """As if what cannot be found out were as good as unsigned."""

    def failed(ede: Any, reason: str, security: Any) -> Any:
        return failure(ede, reason, security) if security is Security.BOGUS else Reply(0)

    return failed


def _with_ad(finish: Any) -> Any:
    return lambda walk, end: finish(walk._replace(secure=bool(walk.proofs)), end)


def _whatever_was_asked(get: Any) -> Any:
    return lambda cache, key, now_s: get(cache, key._replace(do=False), now_s)


def _all_alike(method: Any) -> Any:
    return lambda cache, key, *more, **how: method(cache, key._replace(cd=False), *more, **how)


FEATURES: Features = {
    "validation": [(VALIDATE, instead(lambda *_: None))],
    "chain-kept": [(f"{DNSSEC}.trust.Trust._kept", instead(lambda *_: None))],
    "broken-chain-kept": [(f"{DNSSEC}.trust.BOGUS_TTL_S", instead(0.0))],
    "signature-check": [(f"{DNSSEC}.signatures._is_made_by", instead(lambda *_: True))],
    "signature-times": [(f"{DNSSEC}.signatures._serial_difference", instead(lambda *_: 300))],
    "signature-ttl": [(f"{DNSSEC}.validate._judged", _keeps_its_ttl)],
    "signature-missed": [(f"{DNSSEC}.validate.Validator._zone", _does_not_miss)],
    "ds-proof": [(f"{DNSSEC}.trust.Trust._delegations", instead(lambda *_: (Cut.UNSIGNED, 300.0)))],
    "denial-of-names": [
        (f"{DNSSEC}.denial.Denial.no_name", instead(lambda *_: Proven.SECURE)),
    ],
    "opt-out": [(f"{DNSSEC}.denial._OPT_OUT", instead(0x80))],
    "iterations": [(f"{DNSSEC}.denial.MAX_ITERATIONS", instead(1000))],
    "algorithms": [(f"{DNSSEC}.signatures.ALGORITHMS", instead(range(256)))],
    "negative-anchor": [("splitdns.view.Validation.negative", instead(frozenset()))],
    "indeterminate": [(f"{DNSSEC}.validate._failure", _cannot_tell)],
    "bogus-fail-over": [("splitdns.forward.upstreams.Upstreams.begin", _asks_one)],
    "ad-for-insecure": [(f"{DNSSEC}.validate._judged", _believes)],
    "ad-with-ours": [(f"{DECIDE}._finish", _with_ad)],
    "ad-for-all": [(f"{DECIDE}._wants_signatures", instead(lambda _: True))],
    "signatures-for-all": [(f"{DECIDE}._wants_signatures", instead(lambda _: True))],
    "cd": [(VALIDATE, lambda judge: lambda all_, key: judge(all_, key._replace(cd=False)))],
    "cd-kept-apart": [
        ("splitdns.forward.cache.Cache.get", _all_alike),
        ("splitdns.forward.cache.Cache.remember", _all_alike),
    ],
    "do-kept": [("splitdns.forward.cache.Cache.get", _whatever_was_asked)],
}
