"""Errors that say where.

A person's file fails with ``ConfigError`` or ``ZoneError``, a peer's bytes with ``WireError``, an upstream
with ``UpstreamError``. What a person wrote is reported all at once: readers collect problems in
``Problems`` and raise them together as an ``ExceptionGroup``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from splitdns.value import value


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a person's file; ``line`` and ``column`` count from 1, and 0 means "the whole file"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class SplitdnsError(Exception):
    """The root of what splitdns raises on purpose; everything else is a bug."""


class InputError(SplitdnsError):
    """A mistake in a person's file, at ``where``: what was expected, what was found."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(where, message)
        self.where = where
        self.message = message

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class ConfigError(InputError):
    """A mistake in ``splitdns.yaml``."""


class ZoneError(InputError):
    """A mistake in a zone file."""


class WireError(SplitdnsError):
    """Bytes from a peer that are not a DNS message."""


class UpstreamError(SplitdnsError):
    """No upstream gave a usable answer."""


@value(frozen=True, slots=True)
class Caution:
    """Something that loads, and that a person should know (NSD's and Knot's warnings, at least)."""

    where: Where
    message: str

    def __str__(self) -> str:
        return f"{self.where}: warning: {self.message}"


@dataclass(slots=True)
class Problems:
    """Collects every mistake of a reader, so that a person sees all of them at once."""

    errors: list[InputError] = field(default_factory=list)
    warnings: list[Caution] = field(default_factory=list)

    def error(self, error: InputError) -> None:
        self.errors.append(error)

    def warn(self, where: Where, message: str) -> None:
        self.warnings.append(Caution(where, message))

    def extend(self, other: Problems) -> None:
        self.errors += other.errors
        self.warnings += other.warnings

    def raise_errors(self, message: str) -> None:
        """Raise every collected error, in the order of their places.

        Raises:
            ExceptionGroup[InputError]: when there is at least one.
        """
        if self.errors:
            raise ExceptionGroup(message, sorted(self.errors, key=lambda error: error.where))


@contextmanager
def all_at_once(file: str) -> Iterator[None]:
    """For a reader that stops at its first mistake: the mistake as one of a file's, as others raise them.

    Raises:
        ExceptionGroup[ConfigError]: there was one.
    """
    try:
        yield
    except ConfigError as error:
        raise ExceptionGroup(file, [error]) from None


class Caught:
    """Makes an exception a value, as ``asyncio.gather`` does, but without a task."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Caught:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):  # who cancels means it
            return False
        self.error = error
        return True
