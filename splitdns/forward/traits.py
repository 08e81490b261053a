"""What upstreams have shown of themselves: whether letters keep their case, whether EDNS is known, cookies.

Each is learnt from a response that nobody could have forged blindly, and forgotten after a while, for servers
are replaced. A client cookie is drawn anew for each upstream, so that no two of them can tell by it whom they
have in common (RFC 7873 6, RFC 9018 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from splitdns.forward.query import Manner
from splitdns.view import Upstream

CLIENT_COOKIE_OCTETS = 8
SERVER_COOKIE_OCTETS = range(8, 33)  # RFC 7873 4
LEARNT_FOR_S = 3600.0  # a server that had to be asked in a lesser manner is tried with all of it again
MAX_KNOWN = 1000  # reloads leave upstreams behind; beyond, all is forgotten and learnt anew


@dataclass(slots=True)
class Traits:
    """One upstream; the times are those up to which it is asked without something."""

    client_cookie: bytes
    server_cookie: bytes = b""
    knows_edns: bool = False
    as_is_until_s: float = float("-inf")
    without_edns_until_s: float = float("-inf")

    def manner(self, now_s: float) -> Manner:
        """How to ask it over a connection that is not encrypted."""
        edns = now_s >= self.without_edns_until_s
        cookie = self.client_cookie + self.server_cookie if edns else b""
        return Manner(spelled=now_s >= self.as_is_until_s, edns=edns, cookie=cookie)

    def takes_all(self, now_s: float) -> bool:
        """Whether it is asked in random case and with EDNS."""
        return now_s >= self.as_is_until_s and now_s >= self.without_edns_until_s

    def accepts(self, cookie: bytes) -> bool:
        """Whether a response with this COOKIE option (empty: none) is the upstream's own (RFC 7873 5.3).

        One that has shown a server cookie always does. What it shows now is what it gets the next time.
        """
        if not cookie:
            return not self.server_cookie
        if cookie[:CLIENT_COOKIE_OCTETS] != self.client_cookie:
            return False
        server_cookie = cookie[CLIENT_COOKIE_OCTETS:]
        if len(server_cookie) in SERVER_COOKIE_OCTETS:
            self.server_cookie = server_cookie
        return True

    def forget_cookie(self) -> None:
        """It has none any more."""
        self.server_cookie = b""

    def mangles_case(self, now_s: float) -> None:
        """It gives names back in another case: ask as they are, for a while."""
        self.as_is_until_s = now_s + LEARNT_FOR_S

    def lacks_edns(self, now_s: float) -> None:
        """It answers only without EDNS. One that has ever answered with it knows it, whatever it said now."""
        if not self.knows_edns:
            self.without_edns_until_s = now_s + LEARNT_FOR_S


class Known:
    """All upstreams that one worker has asked."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.traits: dict[Upstream, Traits] = {}

    def of(self, upstream: Upstream) -> Traits:
        """What is known of ``upstream``; at first nothing."""
        try:
            return self.traits[upstream]
        except KeyError:
            if len(self.traits) >= MAX_KNOWN:
                self.traits.clear()
            client_cookie = self._random.randbytes(CLIENT_COOKIE_OCTETS)
            traits = self.traits[upstream] = Traits(client_cookie)
            return traits
