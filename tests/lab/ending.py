"""What became of a real connection, in the words of the exposure check.

The verdict is drawn from what was seen, never from what the rules say: who answered and whom he saw, and
where nobody answered, how far the packet and the reply to it came.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from splitdns.check.verdict import Verdict
from tests.lab.observe import Observation
from tests.lab.sights import Sight, Step

# What an ICMP error of a router says that knows no way; the others are a filter's or a closed port's.
_NO_WAY = {(3, 0), (3, 1), (1, 0), (1, 3)}


@dataclass(frozen=True, slots=True)
class Ending:
    """``host``: who answered, or None; ``port``: at which of his ports; ``source``: whom he saw."""

    verdict: Verdict
    host: str | None = None
    port: int | None = None
    source: str | None = None


def ending(
    seen: Observation, gateway: str, owns: Mapping[str, frozenset[str]], bridges: Collection[str] = ()
) -> Ending:
    """How ``seen`` ended. ``owns``: the addresses of every host, ``gateway`` among them; ``bridges``: its."""
    if seen.answer is not None:
        answer = seen.answer
        return Ending(_answered(seen, gateway), answer.host, answer.port, answer.source)
    return Ending(_unanswered(seen, gateway, owns, bridges))


def _answered(seen: Observation, gateway: str) -> Verdict:
    answer = seen.answer
    assert answer is not None
    if answer.host == gateway:
        return Verdict.ROUTER_SELF
    if (answer.address, answer.port) != (seen.probe.destination, seen.probe.port):
        return Verdict.OK_DNAT if answer.source == seen.source else Verdict.OK_HAIRPIN
    return Verdict.OK_ROUTED if _routed(seen, gateway) else Verdict.OK_DIRECT


def _routed(seen: Observation, gateway: str) -> bool:
    """Whether the gateway was the first hop or one on the way, and not only the switch between two ports."""
    if seen.probe.client == gateway:
        return True
    asked = [one for one in seen.sights if one.step is Step.ASKS and one.host == gateway]
    came = {one.hops_left for one in asked if not one.outgoing}
    return any(one.outgoing and one.hops_left + 1 in came for one in asked)


def _unanswered(
    seen: Observation, gateway: str, owns: Mapping[str, frozenset[str]], bridges: Collection[str]
) -> Verdict:
    if seen.error == errno.ECONNREFUSED:
        return Verdict.REFUSED
    client = seen.probe.client
    asked = [one for one in seen.sights if one.step is Step.ASKS]
    replies = [one for one in seen.sights if one.step is not Step.ASKS]
    came_back = [one for one in replies if one.host == client and not one.outgoing]
    told = [one for one in came_back if _is_mirror(one, seen) and one.step is not Step.ANSWERS]
    if told and (seen.error or client != gateway):  # the gateway may have dropped what came for itself
        no_way = all(one.step is Step.TELLS and one.icmp in _NO_WAY for one in told)
        return Verdict.NO_ROUTE if no_way else Verdict.REFUSED
    if not asked:
        dropped = client == gateway and not seen.error and not seen.tracked
        return Verdict.DROPPED if dropped else Verdict.NO_ROUTE
    arrived = [
        one
        for one in asked
        if one.host != gateway and not one.outgoing and one.destination in owns[one.host]
    ]
    if any(one.source in owns[one.host] and one.interface != "lo" for one in arrived):
        return Verdict.SELF_LOOP
    wrong = [one for one in came_back if not _is_mirror(one, seen) and one.interface != "lo"]
    if wrong and client != gateway:
        return Verdict.ASYM_REPLY
    if any(_is_mirror(one, seen) for one in came_back):
        return Verdict.DROPPED  # the answer came, and then no more
    if arrived:
        return _lost_on_the_way_back(arrived[0].host, replies, gateway, bridges)
    return _lost_on_the_way_there(seen, asked, gateway, bridges)


def _is_mirror(reply: Sight, seen: Observation) -> bool:
    wrote = (seen.probe.destination, seen.probe.port, seen.source, seen.source_port)
    return (reply.source, reply.source_port, reply.destination, reply.destination_port) == wrote


def _lost_on_the_way_back(
    server: str, replies: list[Sight], gateway: str, bridges: Collection[str]
) -> Verdict:
    if not any(one.host == server and one.outgoing for one in replies):
        return Verdict.NO_ROUTE
    errors = [one for one in replies if one.icmp in _NO_WAY and one.host == gateway]
    if errors and all(one.outgoing for one in errors):
        return Verdict.NO_ROUTE  # the gateway itself has told the server so
    sent = {one.hops_left for one in replies if one.host == server and one.outgoing}
    others = [one for one in replies if one.host not in {gateway, server} and not one.outgoing]
    if any(one.hops_left in sent for one in others):
        return Verdict.ASYM_REPLY  # another router has it, straight from the server, and no way to the client
    entered = any(one.host == gateway and not one.outgoing for one in replies)
    left = any(
        one.host == gateway and one.outgoing and one.interface not in bridges for one in replies
    )  # what only a bridge has had, no port has sent out
    return Verdict.DROPPED if entered and not left else Verdict.NO_ROUTE


def _lost_on_the_way_there(
    seen: Observation, asked: list[Sight], gateway: str, bridges: Collection[str]
) -> Verdict:
    """The gateway enters a connection into its table when its first packet has passed every hook."""
    left = [one for one in asked if one.host == gateway and one.outgoing and one.interface != "lo"]
    if left and not all(one.interface in bridges for one in left):
        return Verdict.NO_ROUTE  # sent on, to nobody
    if left and not seen.tracked:
        return Verdict.DROPPED  # a bridge had it, and no port to send it out by
    if any(one.host == gateway and one.interface == "lo" for one in asked):
        return Verdict.DROPPED  # from the gateway to itself, and entered before it came in again
    if not any(one.host == gateway for one in asked):
        return Verdict.NO_ROUTE
    if any(one.host == gateway and one.outgoing for one in seen.sights if one.step is not Step.ASKS):
        return Verdict.NO_ROUTE  # answered or refused by the gateway, and lost after that
    return Verdict.NO_ROUTE if seen.tracked else Verdict.DROPPED
