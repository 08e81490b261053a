"""How each feature is taken out, so that its scenarios can be seen to turn red.

A module for each room; its ``FEATURES`` maps the name of a feature, as in a scenario's ``feature:`` line, to
faults. A fault is the dotted name of a function, a method or a constant of the project, and a function from
what stands there to what is put in its place.
"""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

Fault = tuple[str, Callable[[Any], Any]]
Features = dict[str, list[Fault]]


@contextlib.contextmanager
def taken_out(faults: list[Fault]) -> Iterator[None]:
    """Play without a feature."""
    with contextlib.ExitStack() as stack:
        for dotted, fault in faults:
            owner, _, attribute = dotted.rpartition(".")
            found = pkgutil.resolve_name(owner)
            stack.enter_context(mock.patch.object(found, attribute, fault(getattr(found, attribute))))
        yield


def instead(value: Any) -> Callable[[Any], Any]:
    """A fault that puts ``value`` there, whatever it was."""
    return lambda _: value
