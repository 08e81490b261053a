from __future__ import annotations

import pytest

from splitdns.check.flows import DESTINATION
from splitdns.check.results import MAX_BOXES, Ending, results
from splitdns.check.sets import Numbers
from splitdns.check.verdict import Verdict
from tests.unit.check.test_flows import flow


def test_certain_endings_are_results_as_they_are() -> None:
    low, high = flow(Numbers.of((1, 3))), flow(Numbers.of((4, 9)))
    found = list(results([Ending(low, Verdict.DROPPED), Ending(high, Verdict.NO_ROUTE)], 4))
    assert [(one.packets.destination, one.verdict) for one in found] == [
        (low.values[DESTINATION], Verdict.DROPPED),
        (high.values[DESTINATION], Verdict.NO_ROUTE),
    ]


def test_unsure_endings_are_cut_where_their_possibilities_change() -> None:
    whole = flow(Numbers.of((1, 10))).unsure("why")
    part = whole.narrowed(DESTINATION, Numbers.of((4, 6)))
    found = list(results([Ending(whole, Verdict.DROPPED), Ending(part, Verdict.ROUTER_SELF)], 4))
    by_numbers = {one.packets.destination: (one.verdict, one.reasons) for one in found}
    assert by_numbers == {
        Numbers.of((4, 6)): (Verdict.MAYBE, ("why",)),
        Numbers.of((1, 3), (7, 10)): (Verdict.DROPPED, ()),
    }


def test_what_was_given_up_is_truncated() -> None:
    (one,) = results([Ending(flow().unsure("too much"), None)], 4)
    assert (one.truncated, one.verdict, one.reasons) == (True, Verdict.MAYBE, ("too much",))


def test_stages_are_made_when_read() -> None:
    (one,) = results([Ending(flow().stopped("client", "says").stopped("end"), Verdict.DROPPED)], 4)
    stages = one.outcomes[0].stages
    assert [stage.where for stage in stages] == ["client", "end"]
    assert (len(stages), stages[0].says, list(stages[:1])) == (2, "says", [stages[0]])
    assert stages == tuple(stages)
    assert hash(stages) == hash(tuple(stages))
    assert repr(stages) == repr(tuple(stages))


@pytest.mark.parametrize(("boxes", "truncated"), [(MAX_BOXES, False), (MAX_BOXES + 1, True)])
def test_too_many_cases_are_one_that_is_given_up(boxes: int, truncated: bool) -> None:
    whole = flow(Numbers.of((1, boxes))).unsure("why")
    endings = [
        Ending(whole.narrowed(DESTINATION, Numbers.one(at)), Verdict.DROPPED) for at in range(1, boxes + 1)
    ]
    found = list(results(endings, 4))
    assert [one.truncated for one in found] == ([True] if truncated else [False] * boxes)
    assert sum(one.packets.destination.size for one in found) == boxes
