"""Before anything else is done with a query: has its sender had its share?

A view that does not recurse may be asked by anybody, and so by a forger with a victim's address: what a whole
network gets over UDP is limited there, unless a cookie proves that the sender is real (RFC 7873). In a view
that recurses, what is limited is what one client asks. Whoever is within the limits costs one look-up.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable

from splitdns.answer.limits import Limiter, Rates, Verdict
from splitdns.errors import WireError
from splitdns.metrics import DROPS, LIMITED, Counts
from splitdns.records import Rcode
from splitdns.snapshot import Manners
from splitdns.wire.cookies import MASTER_OCTETS, Cookies, Met
from splitdns.wire.edns import COOKIE, OPT_OCTETS, opt_record, parse_options
from splitdns.wire.header import error_reply, question_end, truncated_reply
from splitdns.wire.message import Answer, Query, Transport, decode, encode

log = logging.getLogger("splitdns.serve")

LOG_INTERVAL_S = 60.0  # between two lines about a limit: an attack lasts, and a metric counts it

RESPONSE_RATE, QUERY_RATE = "response_rate", "query_rate"


class Gate:
    """The limits of one worker, and its cookies."""

    def __init__(
        self,
        counts: Counts,
        limiter: Limiter | None = None,
        cookies: Cookies | None = None,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Without ``limiter`` there are no limits; without ``cookies``, they are this gate's alone."""
        limiter = limiter or Limiter(Rates(), random.random)
        self.limiter = limiter
        self._cookies = cookies or Cookies(os.urandom(MASTER_OCTETS))
        self._counts = counts
        self._wall_clock = wall_clock
        self._logged_s: dict[str, float] = {}

    def met(self, query: Query, client: str) -> Met | None:
        """What the query's cookie is worth, and the one for its answer; None where it has none.

        Raises:
            WireError: it has one that cannot be (RFC 7873 5.2.2).
        """
        option = query.edns.cookie if query.edns is not None else None
        return None if option is None else self._cookies.meet(option, client, self._wall_clock())

    def asked_too_much(self, wire: bytes, client: str, transport: Transport, view: str) -> bytes | None:
        """The answer to a client that may recurse; over TCP it is told, for nobody can have forged it."""
        self._limited(QUERY_RATE, client, view, transport is Transport.UDP)
        return None if transport is Transport.UDP else error_reply(wire, Rcode.REFUSED)

    def is_known(self, wire: bytes, client: str) -> bool:
        """Whether the query shows a cookie that we gave to its sender, who is then no forger."""
        cookie = _cookie(wire)
        try:
            return cookie is not None and self._cookies.meet(cookie, client, self._wall_clock()).good
        except WireError:
            return False

    def answered_too_much(self, wire: bytes, client: str, manners: Manners, view: str) -> bytes | None:
        """The answer to a network that had too many (semantics 19).

        What slips is hardly larger than the query: with a cookie that is not good, BADCOOKIE and one that is
        (RFC 7873 5.2.4), else TC.
        """
        reply = None
        if self.limiter.verdict() is Verdict.TRUNCATE:
            reply = self._bad_cookie(wire, client, manners) or _truncated(wire, manners)
        self._limited(RESPONSE_RATE, client, view, reply is None)
        return reply

    def _bad_cookie(self, wire: bytes, client: str, manners: Manners) -> bytes | None:
        if _cookie(wire) is None:
            return None
        try:
            query = decode(wire, Transport.UDP)
            met = self.met(query, client)
        except WireError:
            return None
        answer = Answer(Rcode.BADCOOKIE)
        cookie = met.option if met is not None else None
        return encode(answer, query, ra=False, payload_octets=manners.payload_octets, cookie=cookie)

    def _limited(self, reason: str, client: str, view: str, dropped: bool) -> None:
        self._counts.add(LIMITED, view, reason)
        if dropped:
            self._counts.add(DROPS, reason)
        now_s = self._wall_clock()
        if now_s - self._logged_s.get(reason, float("-inf")) >= LOG_INTERVAL_S:
            self._logged_s[reason] = now_s
            log.warning("limit.reached", extra={"limit": reason, "view": view, "client": client})


def _opt_at(wire: bytes) -> int | None:
    """Where the OPT record of a query starts that has a question and nothing else beside it."""
    end = question_end(wire)
    if end is None or wire[6:12] != b"\0\0\0\0\0\1" or wire[end : end + 3] != b"\0\0\x29":
        return None
    return end


def _cookie(wire: bytes) -> bytes | None:
    """The cookie of such a query, found without decoding it: this is done under attack."""
    at = _opt_at(wire)
    if at is None or len(wire) <= at + OPT_OCTETS:
        return None
    try:
        options = parse_options(wire[at + OPT_OCTETS :])
    except WireError:
        return None
    return next((octets for code, octets in options if code == COOKIE), None)


def _truncated(wire: bytes, manners: Manners) -> bytes | None:
    plain = _opt_at(wire) is None
    return truncated_reply(wire, b"" if plain else opt_record((), 0, manners.payload_octets, do=False))
