from __future__ import annotations

import os

import pytest

from splitdns.daemon.memory import from_file, memory_file, to_file
from splitdns.metrics import DROPS, Counts


def test_counts_travel_in_a_memory_file() -> None:
    counts = Counts()
    counts.add(DROPS, "short", by=3)

    assert from_file(to_file(counts)).value(DROPS, "short") == 3


def test_who_reads_a_memory_file_closes_it() -> None:
    memory = to_file("value")
    assert from_file(memory) == "value"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(memory)


def test_a_new_one_is_empty_and_no_other_program_inherits_it() -> None:
    memory = memory_file()
    assert os.fstat(memory).st_size == 0
    assert not os.get_inheritable(memory)
    os.close(memory)
