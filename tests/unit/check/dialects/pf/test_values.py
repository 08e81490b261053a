"""What a pf.conf says."""

from __future__ import annotations

from splitdns.check.dialects.pf.values import Filter, Table, Written


def test_a_filter_that_says_nothing_holds_for_everything() -> None:
    assert Filter() == Filter(on=(), family=None)


def test_nothing_is_written_at_first() -> None:
    assert (Written().rules, Written().answer, Table().hosts) == ([], "drop", ())
