import threading
import time

from splitdns.metrics import QUERYLOG_DROPPED, Counts
from splitdns.serve.backlog import Backlog
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.wire.message import Transport

PATIENCE_S = 60.0


def entry(number: int) -> QueryLogEntry:
    return QueryLogEntry(0.0, "192.0.2.1", Transport.UDP, "", None, b"", number, 1, 0, "zone", 0, 0, 0.0)


class Reader:
    """A thread that takes whatever waits until the backlog is closed."""

    def __init__(self, max_entries: int = 100) -> None:
        self.counts = Counts()
        self.taken: list[int] = []
        self.some = threading.Event()
        self.backlog = Backlog("reader", self._work, self.counts, QUERYLOG_DROPPED, max_entries)

    def _work(self) -> None:
        while not (self.backlog.is_closed and not self.backlog.waiting):
            self.backlog.gather()
            while self.backlog.waiting:
                self.taken.append(self.backlog.waiting.popleft().qtype)
                self.some.set()


def _hold(held: threading.Event) -> None:
    held.wait(PATIENCE_S)


def test_what_is_put_is_taken_in_its_order() -> None:
    reader = Reader()
    reader.backlog.start()
    for number in range(10):
        reader.backlog.put(entry(number))
    reader.backlog.close(PATIENCE_S)
    assert reader.taken == list(range(10))


def test_the_thread_hears_of_an_entry_that_comes_later() -> None:
    reader = Reader()
    reader.backlog.start()
    reader.backlog.put(entry(1))
    assert reader.some.wait(PATIENCE_S)
    reader.some.clear()
    reader.backlog.put(entry(2))
    assert reader.some.wait(PATIENCE_S)
    reader.backlog.close(PATIENCE_S)
    assert reader.taken == [1, 2]


def test_what_is_too_much_is_dropped_and_counted() -> None:
    reader = Reader(max_entries=3)  # whose thread has not begun
    for number in range(5):
        reader.backlog.put(entry(number))
    assert [waiting.qtype for waiting in reader.backlog.waiting] == [0, 1, 2]
    assert reader.counts.value(QUERYLOG_DROPPED) == 2


def test_closing_waits_no_longer_than_it_was_told() -> None:
    held = threading.Event()
    backlog = Backlog("held", lambda: _hold(held), Counts(), QUERYLOG_DROPPED, 1)
    backlog.start()
    began_s = time.monotonic()
    backlog.close(0.01)
    assert backlog.is_closed
    assert time.monotonic() - began_s < PATIENCE_S / 2
    held.set()


def test_a_rest_ends_when_it_is_closed() -> None:
    ended = threading.Event()

    def work() -> None:
        backlog.rest(PATIENCE_S * 10)
        ended.set()

    backlog = Backlog("resting", work, Counts(), QUERYLOG_DROPPED, 1)
    backlog.start()
    backlog.close(PATIENCE_S)
    assert ended.is_set()


def test_what_is_recalled_is_looked_for_at_once() -> None:
    reader = Reader()
    reader.backlog.waiting.append(entry(7))  # nobody told
    reader.backlog.start()
    reader.backlog.recall()
    assert reader.some.wait(PATIENCE_S)
    reader.backlog.close(PATIENCE_S)
    assert reader.taken == [7]
