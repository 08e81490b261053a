from __future__ import annotations

from splitdns.serve.pipeline import QueryLogEntry
from splitdns.serve.tap import MAX_ENTRIES, Tap
from splitdns.wire.message import Transport


def entry(number: int) -> QueryLogEntry:
    client = "192.0.2.1"
    return QueryLogEntry(number, client, Transport.UDP, "lan", None, b"\0", 1, 1, 0, "zone", 40, 60, 0.001)


def test_the_first_of_a_moment_are_kept_and_the_others_counted() -> None:
    tap = Tap()
    for number in range(MAX_ENTRIES + 3):
        tap(entry(number))

    entries, skipped = tap.take()

    assert [one.time_s for one in entries] == [*range(MAX_ENTRIES)]
    assert skipped == 3


def test_each_moment_begins_anew() -> None:
    tap = Tap(1)
    tap(entry(1))
    tap(entry(2))
    tap.take()
    tap(entry(3))

    assert tap.take() == ([entry(3)], 0)
    assert tap.take() == ([], 0)
