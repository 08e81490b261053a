"""Every circumstance has its words."""

from __future__ import annotations

from splitdns.check.verdict import Verdict
from splitdns.explain.values import Hop, How, Origin, Record, Result
from splitdns.explain.words import MEANINGS, RESULTS, error_text, how_text, origin_text, status_text
from splitdns.records import RRset

NAME = b"\0"


def test_every_origin_every_way_and_every_end_has_words() -> None:
    assert all(origin_text(Record(RRset(NAME, 1, 60, ()), origin)) for origin in Origin)
    assert all(how_text(Hop(NAME, how, Result.NODATA)) for how in How)
    assert set(RESULTS) == set(Result)
    assert set(MEANINGS) == {verdict.value for verdict in Verdict}


def test_codes_without_a_name_are_numbers() -> None:
    assert status_text(3) == "NXDOMAIN"
    assert status_text(99) == "RCODE99"
    assert error_text(22, "") == "no reachable authority"
    assert error_text(999, "why") == "EDE999: why"
