from __future__ import annotations

from splitdns.check.rules import Accept, Chain, Note, Origin, Rule, Ruleset, Support
from splitdns.errors import Where


def test_an_origin_shows_its_place_its_words_and_its_maker() -> None:
    where = Where("rules.json", 12)

    assert str(Origin(where)) == "rules.json:12"
    assert str(Origin(where, "-j ACCEPT", "Docker")) == "rules.json:12: -j ACCEPT (Docker)"


def test_rulesets_are_put_together_in_order() -> None:
    origin = Origin(Where("rules.json"))
    one = Ruleset((Chain("a", "x", (Rule((), Accept(), origin),)),), rules=1)
    two = Ruleset((Chain("b", "y", ()),), (Note(Support.IGNORED, "counter", origin),), rules=2)

    both = one.with_(two)

    assert [chain.table for chain in both.chains] == ["a", "b"]
    assert (len(both.notes), both.rules) == (1, 3)
