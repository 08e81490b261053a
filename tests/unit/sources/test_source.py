from __future__ import annotations

from splitdns.sources.source import Said


def test_what_is_said_is_nothing_that_never_ends_unless_it_says_so() -> None:
    assert Said() == Said((), None, None)
