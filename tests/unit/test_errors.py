"""Errors say where, and all of them at once."""

import pytest

from splitdns.errors import ConfigError, Problems, Where, ZoneError


@pytest.mark.parametrize(
    ("where", "text"),
    [(Where("a.yaml", 6, 14), "a.yaml:6:14"), (Where("a.yaml", 6), "a.yaml:6"), (Where("a.yaml"), "a.yaml")],
)
def test_a_place_reads_as_editors_read_it(where: Where, text: str) -> None:
    assert str(where) == text


def test_problems_are_raised_together_in_the_order_of_their_places() -> None:
    problems = Problems()
    problems.error(ZoneError(Where("z", 9, 1), "later"))
    problems.error(ConfigError(Where("z", 2, 1), "sooner"))
    problems.warn(Where("z", 1, 1), "only a warning")
    with pytest.raises(ExceptionGroup) as caught:
        problems.raise_errors("z is wrong")
    assert [str(error) for error in caught.value.exceptions] == ["z:2:1: sooner", "z:9:1: later"]
    assert str(problems.warnings[0]) == "z:1:1: warning: only a warning"


def test_without_errors_nothing_is_raised() -> None:
    Problems().raise_errors("unused")
