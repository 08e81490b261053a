"""A gateway's pf.conf."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.read import read
from splitdns.check.model import Network
from splitdns.errors import ConfigError
from tests.check.pf import read as read_conf


def test_the_words_tell_whose_it_is() -> None:
    assert {one.table for one in read_conf("pass\n").ruleset.chains} == {"pf-openbsd filter"}
    assert {one.table for one in read_conf("scrub in all\npass\n").ruleset.chains} == {"pf-freebsd filter"}


def test_both_kinds_of_translation_in_one_file_are_refused() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read_conf("rdr on em0 inet to (em0) -> 10.0.0.5\nanchor {\n pass in inet rdr-to 10.0.0.5\n}\n")

    (error,) = caught.value.exceptions
    assert str(error) == (
        "pf.conf:3:2: expected FreeBSD's rules only, as in line 1, found 'pass in inet rdr-to 10.0.0.5'"
    )


def test_mistakes_are_told_together() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read_conf("wrong\npass in\nwrong too\n")

    assert [error.where.line for error in caught.value.exceptions if isinstance(error, ConfigError)] == [1, 3]


def test_nothing_is_read_from_nothing() -> None:
    assert read([], Network()).ruleset.chains == ()
