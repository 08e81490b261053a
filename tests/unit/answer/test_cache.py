"""Encoded answers, bounded in octets, the least recently used first to go."""

from __future__ import annotations

import tracemalloc
from math import inf

from splitdns.answer.cache import get, remember
from splitdns.view import Ageing, Answers, Copy, Remembered

NOW_S = 100.0


class Clock:
    """A kept reply that came at 0, and is asked about a second at a time."""

    over = False

    def __init__(self) -> None:
        self.asked = 0

    def age(self, now_s: float) -> tuple[int, float] | None:
        self.asked += 1
        return int(now_s), int(now_s) + 1.0

    def count(self, times: int) -> None: ...

    def join(self, copy: Copy) -> None: ...

    def leave(self, copy: Copy) -> None: ...


def aged(kept: Clock, *ttls_s: int) -> Remembered:
    encoded = bytes(10) + b"".join(ttl_s.to_bytes(4, "big") for ttl_s in ttls_s)
    ttls = tuple(number for at, ttl_s in enumerate(ttls_s) for number in (10 + 4 * at, ttl_s))
    return Remembered(encoded, until_s=-inf, ageing=Ageing(kept, ttls))


def test_what_ages_is_made_older_once_for_all_who_ask_in_a_second() -> None:
    answers, kept = Answers(), Clock()
    remember(answers, b"key", aged(kept, 300, 40))
    for now_s, first, second in ((0, 300, 40), (0.9, 300, 40), (7.5, 293, 33), (7.9, 293, 33), (41, 259, 0)):
        found = get(answers, b"key", now_s)
        assert found is not None
        assert found.encoded[10:] == first.to_bytes(4, "big") + second.to_bytes(4, "big")
    assert kept.asked == 3


def test_what_is_over_is_forgotten_with_its_octets() -> None:
    answers, kept = Answers(), Clock()
    remember(answers, b"key", aged(kept, 300))
    assert get(answers, b"key", 1.0) is not None
    kept.over = True
    kept.age = lambda now_s: None  # type: ignore[method-assign]
    assert get(answers, b"key", 1.0) is None
    assert (answers.entries, answers.octets) == ({}, 0)


def test_what_an_ageing_answer_is_said_to_take_up_is_what_it_does() -> None:
    answers, kept = Answers(), Clock()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(3000):
            key = b"\1\4name\4%4d\0\0\1\0\1" % number
            remember(answers, key, aged(kept, 3000 + number, 5000 + number))
            get(answers, key, 1.0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.75 < (after - before) / answers.octets < 1.25


def test_what_is_remembered_is_found() -> None:
    answers = Answers()
    remember(answers, b"key", Remembered(b"answer"))
    assert get(answers, b"key", NOW_S) == Remembered(b"answer")
    assert get(answers, b"other", NOW_S) is None


def test_the_least_recently_used_is_forgotten_first() -> None:
    answers = Answers()
    for key in (b"1", b"2", b"3"):
        remember(answers, key, Remembered(bytes(100)), max_octets=1250)
    get(answers, b"1", NOW_S)
    remember(answers, b"4", Remembered(bytes(100)), max_octets=1250)
    assert list(answers.entries) == [b"3", b"1", b"4"]


def test_the_octets_are_counted_exactly_through_every_change() -> None:
    answers = Answers()
    for number in range(100):
        remember(answers, bytes([number % 7]), Remembered(bytes(number)), max_octets=1500)
    counted = sum(len(key) + len(answer.encoded) + 300 for key, answer in answers.entries.items())
    assert answers.octets == counted <= 1500


def test_an_answer_larger_than_everything_is_not_kept() -> None:
    answers = Answers()
    remember(answers, b"k", Remembered(bytes(2000)), max_octets=1000)
    assert not answers.entries
    assert answers.octets == 0
