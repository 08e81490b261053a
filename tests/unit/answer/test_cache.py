"""Encoded answers, bounded in octets, the least recently used first to go."""

from splitdns.answer.cache import get, remember
from splitdns.view import Answers, Remembered


def test_what_is_remembered_is_found() -> None:
    answers = Answers()
    remember(answers, b"key", Remembered(b"answer"))
    assert get(answers, b"key") == Remembered(b"answer")
    assert get(answers, b"other") is None


def test_the_least_recently_used_is_forgotten_first() -> None:
    answers = Answers()
    for key in (b"1", b"2", b"3"):
        remember(answers, key, Remembered(bytes(100)), max_octets=1200)
    get(answers, b"1")
    remember(answers, b"4", Remembered(bytes(100)), max_octets=1200)
    assert list(answers.entries) == [b"3", b"1", b"4"]


def test_the_octets_are_counted_exactly_through_every_change() -> None:
    answers = Answers()
    for number in range(100):
        remember(answers, bytes([number % 7]), Remembered(bytes(number)), max_octets=1500)
    counted = sum(len(key) + len(answer.encoded) + 260 for key, answer in answers.entries.items())
    assert answers.octets == counted <= 1500


def test_an_answer_larger_than_everything_is_not_kept() -> None:
    answers = Answers()
    remember(answers, b"k", Remembered(bytes(2000)), max_octets=1000)
    assert not answers.entries
    assert answers.octets == 0
