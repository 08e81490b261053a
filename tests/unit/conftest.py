"""What unit tests of more than one room need."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """For tests of what configures logging: the others find it as it was."""
    root, ours = logging.getLogger(), logging.getLogger("splitdns")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
