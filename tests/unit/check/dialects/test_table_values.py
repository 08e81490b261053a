from __future__ import annotations

from splitdns.check.dialects.table_values import Decision, Hairpin, Traffic


def test_traffic_of_nothing_in_particular_is_everything() -> None:
    assert (Traffic().port, Traffic().protocol) == (None, None)


def test_there_is_no_hairpin_unless_somebody_says_so() -> None:
    assert not Hairpin().is_on


def test_decisions_are_a_person_s_words() -> None:
    assert [*Decision] == ["allow", "deny", "reject"]
