from __future__ import annotations

from splitdns.check.model import Clients, Kind
from splitdns.check.sets import PORTS, PROTOCOLS, Numbers
from splitdns.check.verdict import Endpoint, Outcome, Packets, Result, Verdict

LAN = Clients("lan", Kind.NETWORK, 4, Numbers.of((1, 9)), "lan0")
PACKETS = Packets(4, LAN.numbers, Numbers.one(99), PROTOCOLS, PORTS, PORTS)
SERVER = Endpoint("server", Numbers.one(20), Numbers.one(443), LAN.numbers)
OTHER = Endpoint("other", Numbers.one(21), Numbers.one(443), LAN.numbers)


def result(*outcomes: Outcome, truncated: bool = False) -> Result:
    return Result(LAN, PACKETS, outcomes, truncated=truncated)


def test_outcomes_that_agree_are_certain() -> None:
    one = Outcome(Verdict.OK_DNAT, (), SERVER)

    assert result(one, one).verdict is Verdict.OK_DNAT


def test_outcomes_that_differ_in_how_they_end_or_where_are_maybe() -> None:
    works = Outcome(Verdict.OK_DNAT, (), SERVER)

    assert result(works, Outcome(Verdict.DROPPED, ())).verdict is Verdict.MAYBE
    assert result(works, Outcome(Verdict.OK_DNAT, (), OTHER)).verdict is Verdict.MAYBE


def test_what_was_cut_short_is_maybe() -> None:
    assert result(Outcome(Verdict.DROPPED, ()), truncated=True).verdict is Verdict.MAYBE


def test_only_the_four_ok_verdicts_work() -> None:
    assert [verdict for verdict in Verdict if verdict.works] == [
        Verdict.OK_DIRECT,
        Verdict.OK_ROUTED,
        Verdict.OK_DNAT,
        Verdict.OK_HAIRPIN,
    ]
