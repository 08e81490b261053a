"""What a reader may do with a person's file, whatever stands in it: read it, or tell its mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from splitdns.errors import ConfigError

T = TypeVar("T")
MOST_OCTETS = 1_000  # of a mistake that a person still reads


def read_or_told(read: Callable[[], T]) -> T | None:
    """What ``read`` gives; None: it told mistakes, each with its place and in few words."""
    try:
        return read()
    except ExceptionGroup as group:
        told = group.exceptions
    for error in told:
        assert isinstance(error, ConfigError), error
        assert error.where.line >= 1, error
        assert 0 < len(str(error).encode()) <= MOST_OCTETS, error
    return None
