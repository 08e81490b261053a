"""What becomes of a question's packets: each is in exactly one result, with everything that may become of it.

A gateway is prepared once and then asked any number of questions. The packets of one question walk together,
as sets; only TCP, datagrams, ICMP and the rest go apart, because conntrack treats them differently.

>>> from splitdns.check.model import Clients, Gateway, Kind, Network, Ruleset
>>> from splitdns.check.sets import Numbers
>>> from splitdns.check.verdict import Question
>>> clients = Clients("internet", Kind.INTERNET, 4, Numbers.one(0x08080808), "wan")
>>> question = Question((clients,), 4, Numbers.one(0xC6336401), Numbers.one(6), Numbers.one(443))
>>> [result.verdict.value for result in walk(Gateway(Network(), Ruleset()), question)]
['no-route']
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitdns.check.answers import ANSWERED, UNREACHABLE
from splitdns.check.boundaries import cuts
from splitdns.check.conditions import PORTED, Budget
from splitdns.check.cuts import Cuts
from splitdns.check.journey import Journey
from splitdns.check.model import Gateway
from splitdns.check.neighbours import Neighbours
from splitdns.check.netfilter import Netfilter
from splitdns.check.results import Ending, results
from splitdns.check.rules import TCP
from splitdns.check.sets import Numbers
from splitdns.check.sources import Sources, UnsplitError
from splitdns.check.verdict import Question, Result


@dataclass(frozen=True, slots=True)
class Limits:
    """``clauses``: how many rules may be tried for one question; what is left over then is a MAYBE."""

    clauses: int = 2_000_000


def walk(gateway: Gateway, question: Question, limits: Limits = Limits()) -> list[Result]:
    """What becomes of each of ``question``'s packets."""
    return Walker(gateway, limits).walk(question)


class Walker:
    """A gateway prepared for any number of questions."""

    def __init__(self, gateway: Gateway, limits: Limits = Limits()) -> None:
        self._gateway = gateway
        self._limits = limits
        self._budget = Budget(limits.clauses)
        self._families: dict[int, tuple[Netfilter, Neighbours, Cuts]] = {}
        self._sources: dict[tuple[int, ...], Sources] = {}  # by the clients' ids; it keeps the clients

    def walk(self, question: Question) -> list[Result]:
        """What becomes of each of ``question``'s packets; those of several outcomes come last."""
        family = question.family
        if family not in self._families:
            self._families[family] = self._prepared(family)
        netfilter, neighbours, ends = self._families[family]
        clients = tuple(one for one in question.clients if one.family == family)
        key = tuple(map(id, clients))
        sources = self._sources.get(key)
        if sources is None:
            sources = self._sources[key] = Sources(clients, ends)
        self._budget.left = self._limits.clauses
        while True:
            try:
                return list(results(_endings(question, netfilter, neighbours, sources), family))
            except UnsplitError as unsplit:
                sources = self._sources[key] = Sources(clients, sources.cuts.and_(unsplit.numbers))

    def _prepared(self, family: int) -> tuple[Netfilter, Neighbours, Cuts]:
        netfilter = Netfilter(self._gateway, family, self._budget)
        neighbours = Neighbours(self._gateway, netfilter.terrain)
        return netfilter, neighbours, cuts(self._gateway, netfilter.terrain, neighbours)


def _endings(
    question: Question, netfilter: Netfilter, neighbours: Neighbours, sources: Sources
) -> list[Ending]:
    endings: list[Ending] = []
    for protocols, ports in _classes(question):
        journey = Journey(netfilter, neighbours, sources, protocols)
        journey.set_out(question.destination, protocols, ports)
        endings += journey.endings
    return endings


def _classes(question: Question) -> Iterator[tuple[Numbers, Numbers]]:
    """The protocols and ports of a question, by what conntrack makes of them."""
    icmp = UNREACHABLE[question.family][0]
    only = Numbers.one
    for protocols in (only(TCP), PORTED - only(TCP)):
        if both := question.protocols & protocols:
            yield both, question.ports
    if icmp in question.protocols:
        rest = question.ports
        for kind in ANSWERED[question.family]:
            if kind in rest:
                yield only(icmp), only(kind)
                rest -= only(kind)
        if rest:
            yield only(icmp), rest
    if others := question.protocols - PORTED - only(icmp):
        yield others, question.ports


