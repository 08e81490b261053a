"""Questions of ours that come back to us, because whom we ask asks us.

A router that DHCP points to us may forward to us what we forward to it; a gateway that sends every DNS packet
to us sends ours too. Nobody in such a circle has the answer, and each round holds a question until it is
given up. Forwarders drop EDNS options and choose their own ids, but they hand the name on as it is spelled,
and ours are spelled at random: who asks for the same name in the same letters, while it is on its way, asks
what we asked. The sender's address would say nothing: whole networks may share one with an upstream.
"""

from __future__ import annotations

from splitdns.names import fold
from splitdns.view import Upstream

# Letters in a name from which on its spelling says enough: one in 256 of those who ask for the same name at
# the same time, and in random case, is taken for us; it asks again, and is answered.
MIN_LETTERS = 8


class Loops:
    """What is on its way over UDP, and how it is spelled."""

    def __init__(self) -> None:
        self.under_way: dict[tuple[bytes, int], Upstream] = {}  # by the name as it is spelled, and the type

    def leave(self, spelled: bytes, qtype: int, upstream: Upstream) -> None:
        """A query for the name, spelled so, goes to ``upstream``."""
        self.under_way[spelled, qtype] = upstream

    def arrive(self, spelled: bytes, qtype: int) -> None:
        """It is answered, or given up."""
        self.under_way.pop((spelled, qtype), None)

    def via(self, spelled: bytes, qtype: int) -> Upstream | None:
        """Whom we are asking the very same question; None: nobody, it is the client's own."""
        upstream = self.under_way.get((spelled, qtype))
        if upstream is None or fold(spelled) == spelled:
            return None
        return upstream if sum(chr(octet).isalpha() for octet in spelled) >= MIN_LETTERS else None
