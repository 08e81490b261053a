"""Memory files: what is long goes from process to process in one, and nothing of it is left.

Both ends run the same code in processes of one family and trust each other, so what is in it may be a pickle.
"""

from __future__ import annotations

import os
import pickle
from typing import Any


def memory_file() -> int:
    """The descriptor of an empty memory file."""
    return os.memfd_create("splitdns", os.MFD_CLOEXEC)


def to_file(value: object) -> int:
    """A memory file that holds ``value``, which has to be picklable; the caller closes it."""
    memory = memory_file()
    with open(memory, "wb", closefd=False) as file:
        pickle.dump(value, file, protocol=5)
    return memory


def from_file(memory: int) -> Any:
    """What ``to_file`` wrote; closes the file."""
    with open(memory, "rb") as file:
        file.seek(0)
        return pickle.load(file)  # noqa: S301 (the same program wrote it)
