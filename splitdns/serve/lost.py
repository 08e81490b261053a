"""Notices that the clients' own addresses do not arrive.

Views are chosen by source address. Where something in between replaces all of them by its own, a container
engine's proxy or a gateway that masquerades, everybody meets the same view, and nothing looks broken. It
shows in one way: for a long time, all queries come from a single address, and that is where this machine's
own way out begins. One client alone on its network does not look so, and neither does the machine asking
itself.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from splitdns.metrics import SOURCE_LOST, Counts
from splitdns.view import fold_address

log = logging.getLogger("splitdns.serve")

LOOK_S = 600.0  # between two looks
MIN_QUERIES = 500  # between two looks, of one worker; with less there is nothing to say

REMEDY = "let the sources through: host networking, no userland proxy, no masquerading towards this server"


def suspect(hosts: Collection[str], queries: int, gateways: Collection[str], views: int) -> str | None:
    """The address behind which the clients seem to be, where only that one asked; None: nothing to say.

    ``hosts`` are the sockets' hosts that asked ``queries`` questions, ``gateways`` the addresses of this
    machine's ways out.
    """
    if views < 2 or queries < MIN_QUERIES:
        return None
    asked = {str(fold_address(host)) for host in hosts}
    (only,) = asked if len(asked) == 1 else (None,)
    return only if only in gateways else None


class Lookout:
    """One worker's eye on it; ``queries`` are always all that it was asked so far."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._queries = 0
        self._told = False

    def look(self, hosts: Collection[str], queries: int, gateways: Collection[str], views: int) -> None:
        """Judge what came since the last look, by ``hosts``; too little changes nothing."""
        since, self._queries = queries - self._queries, queries
        if since < MIN_QUERIES:
            return
        found = suspect(hosts, since, gateways, views)
        self._counts.set(SOURCE_LOST, found is not None)
        if found is not None and not self._told:
            fields = {"client": found, "queries": since, "remedy": REMEDY}
            log.warning("clients.source_lost", extra=fields)
        self._told = found is not None
