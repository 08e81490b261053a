from __future__ import annotations

import pytest

from splitdns.check.dialects.iptables_matches import NEVER
from splitdns.check.model import Support, Unknown
from tests.check.iptables import one_rule

WITHIN = [
    "-m limit --limit 25/sec --limit-burst 50",
    "-m hashlimit --hashlimit-upto 10/sec --hashlimit-name a",
    "-m hashlimit --hashlimit 10/sec --hashlimit-name a",
    "-m connlimit --connlimit-upto 5 --connlimit-mask 32",
]
BEYOND = [
    "-m hashlimit --hashlimit-above 10/sec --hashlimit-name a",
    "-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr",
    "-m recent --update --seconds 60 --hitcount 4 --name ssh --rsource",
    "-m recent --rcheck --name bad",
]


@pytest.mark.parametrize("words", WITHIN)
@pytest.mark.parametrize("target", ["ACCEPT", "RETURN"])
def test_a_limit_that_lets_through_holds_for_one_connection(words: str, target: str) -> None:
    rule, (note,) = one_rule(f"{words} -j {target}")

    assert rule.conditions == ()
    assert (note.support, note.reason) == (
        Support.IGNORED,
        "taken as not reached: one connection is asked about",
    )


@pytest.mark.parametrize("words", BEYOND)
@pytest.mark.parametrize("target", ["DROP", "REJECT"])
def test_a_limit_beyond_which_is_dropped_does_not_hold_for_one_connection(words: str, target: str) -> None:
    rule, (note,) = one_rule(f"{words} -j {target}")

    assert rule.conditions == (NEVER,)
    assert note.support is Support.IGNORED


@pytest.mark.parametrize(
    "words",
    [
        *(f"{words} -j DROP" for words in WITHIN),
        *(f"{words} -j mine" for words in WITHIN),
        *(f"{words} -j ACCEPT" for words in BEYOND),
        "-m recent ! --rcheck --name bad -j DROP",
        "-m recent --remove --name bad -j DROP",
    ],
)
def test_a_limit_whose_closed_reading_that_would_be_may_hold_or_not(words: str) -> None:
    rule, (note,) = one_rule(words)

    assert isinstance(rule.conditions[0], Unknown)
    assert note.support is Support.WIDENED


def test_to_remember_an_address_holds_for_every_packet() -> None:
    rule, notes = one_rule("-m recent --set --name ssh --rsource -j ACCEPT")

    assert (rule.conditions, notes) == ((), ())
