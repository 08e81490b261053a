"""Validation beside the forwarder: a judge for those flights whose upstream set is validated.

What is asked on the way up the chain of trust goes through the same upstreams, past the cache: a chain keeps
what it has found itself, with its verdict. cryptography is imported only where something is validated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from splitdns.answer.decide import Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.asking import Failure, Judge
from splitdns.forward.cache import Key
from splitdns.forward.policy import PATIENCE_S
from splitdns.forward.query import Question
from splitdns.forward.upstreams import Upstreams
from splitdns.metrics import VALIDATIONS, Counts
from splitdns.names import Qname
from splitdns.records import Rcode
from splitdns.view import UpstreamSet

if TYPE_CHECKING:
    from splitdns.forward.dnssec.trust import Look
    from splitdns.forward.dnssec.validate import Validator

_INDETERMINATE = "indeterminate"


def get_ready(sets: Iterable[UpstreamSet]) -> None:
    """Import what validates, if any of ``sets`` wants it: no query is to wait for that (60 ms)."""
    if any(upstreams.validation is not None for upstreams in sets):
        import splitdns.forward.dnssec.validate  # noqa: F401


class Validation:
    """Of one worker. ``clock`` is the steady one, ``wall_clock`` the one that signatures are dated by."""

    def __init__(
        self,
        counts: Counts,
        upstreams: Upstreams,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._counts = counts
        self._upstreams = upstreams
        self._clock = clock
        self._wall_clock = wall_clock
        self._patience_s = patience_s
        self._validator: Validator | None = None

    def judge(self, key: Key) -> Judge | None:
        """Who judges the replies to this question, from now on for as long as it may take; None: nobody."""
        if key.upstreams.validation is None or key.cd:
            return None
        until_s = self._clock() + self._patience_s

        async def judge(reply: Reply) -> Reply:
            left_s = until_s - self._clock()
            judged = await self._its_validator().validate(
                reply, key.view, key.upstreams, key.name, key.qtype, left_s
            )
            assert judged.proof is not None
            security = judged.proof.security
            result = _INDETERMINATE if security is Security.UNCHECKED else security.value
            self._counts.add(VALIDATIONS, result, key.view)
            return judged

        return judge

    def forget(self) -> None:
        """Forget what is known of zones, as after a flush: what was broken may have been mended."""
        self._validator = None

    def _its_validator(self) -> Validator:
        if self._validator is None:
            from splitdns.forward.dnssec.validate import Validator

            self._validator = Validator(self._fetch, self._clock, self._wall_clock)
        return self._validator

    async def _fetch(self, upstreams: UpstreamSet, name: Qname, qtype: int, look: Look) -> Reply:
        """A reply to what the chain of trust asks; where ``look`` finds it bogus, another upstream's."""
        from splitdns.forward.dnssec.signatures import BogusError

        fault: BogusError | None = None

        async def judge(reply: Reply) -> Reply:
            nonlocal fault
            try:
                look(reply)
            except BogusError as error:
                fault = error
                return Reply(Rcode.SERVFAIL)
            return reply

        outcome = await self._upstreams.ask(Question(name, qtype, do=True, cd=True), upstreams, judge)
        if isinstance(outcome, Failure):
            raise fault or UpstreamError(outcome.reason)
        if outcome.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
            raise fault or UpstreamError(f"the upstreams failed, the last with rcode {outcome.rcode}")
        return outcome
