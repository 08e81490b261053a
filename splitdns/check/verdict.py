"""What becomes of packets: the values that the walk gives and everything after it reads.

The walk says where a connection ended and why; whether that is right, only the zones can tell (``judge``).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from splitdns.check.model import Clients, Hook, Rule
from splitdns.check.sets import Numbers
from splitdns.value import value


class Verdict(StrEnum):
    """How a connection ends, as its client sees it."""

    OK_DIRECT = "ok-direct"  # past the gateway: client and server are on one link
    OK_ROUTED = "ok-routed"  # through the gateway, nothing rewritten on the way
    OK_DNAT = "ok-dnat"  # the destination rewritten, the source kept
    OK_HAIRPIN = "ok-hairpin"  # both rewritten
    ROUTER_SELF = "router-self"  # the gateway itself is met
    WRONG_HOST = "wrong-host"  # a host, or a port of it, that was not meant (only the judge can say so)
    REFUSED = "refused"  # told so: a reset or an ICMP error
    DROPPED = "dropped"  # by a rule
    ASYM_REPLY = "asym-reply"  # the reply comes from where the client never wrote to
    SELF_LOOP = "self-loop"  # the server meets its own address as a source
    NO_ROUTE = "no-route"  # there, or back
    MAYBE = "maybe"

    @property
    def works(self) -> bool:
        return self.value.startswith("ok-")


@value(frozen=True, slots=True)
class Packets:
    """A box of packets of one family: every combination of the fields' numbers.

    Of ICMP, ``destination_ports`` holds the types, and ``source_ports`` is any.
    """

    family: int
    source: Numbers
    destination: Numbers
    protocols: Numbers
    source_ports: Numbers
    destination_ports: Numbers


EPHEMERAL = Numbers(((32_768, 65_535),))  # Linux's range and that of RFC 6335
FIRST_EPHEMERAL = 49_152  # RFC 6335 6: the port of a client that is shown


@value(frozen=True, slots=True)
class Question:
    """Connections to judge: from each of ``clients`` to these destinations, protocols and ports.

    They come from ephemeral ports, so that a rule about port 25 is not taken for one about a client's.
    """

    clients: tuple[Clients, ...]
    family: int
    destination: Numbers
    protocols: Numbers
    ports: Numbers


@value(frozen=True, slots=True)
class Act:
    """A rule that acted on the packets (not those that only let them pass), in a chain at a hook."""

    hook: Hook
    table: str
    chain: str
    rule: Rule | None  # None: the chain's policy
    what: str  # "accept", "drop", "dnat to 192.168.1.20:443", …


@value(frozen=True, slots=True)
class Stage:
    """Packets on a piece of their way, and what acted on them there.

    ``where``: "client", "prerouting", "routing", "forward", "postrouting", "input", "output", "server",
    "reply", "client again"; ``packets`` are as they leave it. ``says`` is one phrase for a person.
    """

    where: str
    packets: Packets
    acts: tuple[Act, ...] = ()
    says: str = ""


@value(frozen=True, slots=True)
class Endpoint:
    """Whom the packets reached: a host's name (None: nobody known has that address; "" is the gateway)."""

    host: str | None
    addresses: Numbers
    ports: Numbers
    seen_source: Numbers  # as the server sees it


@value(frozen=True, slots=True)
class Outcome:
    """One way in which it may end; never MAYBE or WRONG_HOST. ``DROPPED`` and ``NO_ROUTE`` reached nobody."""

    verdict: Verdict
    stages: Sequence[Stage]
    endpoint: Endpoint | None = None
    acts: tuple[Act, ...] = ()  # all of the stages', in their order


@value(frozen=True, slots=True)
class Result:
    """What becomes of some of a question's packets, all alike.

    One outcome: it is certain. Several: it depends on what is not modelled, and ``reasons`` say on what.
    ``truncated``: a work limit was hit, and the outcomes may not be all.
    """

    clients: Clients
    packets: Packets
    outcomes: tuple[Outcome, ...]
    reasons: tuple[str, ...] = ()
    truncated: bool = False

    @property
    def verdict(self) -> Verdict:
        """MAYBE where outcomes differ in their verdict or in whom they reach."""
        if self.truncated or not self.outcomes:
            return Verdict.MAYBE
        if len(self.outcomes) > 1 and len({(one.verdict, one.endpoint) for one in self.outcomes}) > 1:
            return Verdict.MAYBE
        return self.outcomes[0].verdict
