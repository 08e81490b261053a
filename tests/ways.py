"""The general ways beside the plain ones, which nearly every question takes: tests hold the two together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from splitdns.answer.passing import Passing
from splitdns.forward.relay import Relay


@contextmanager
def the_general_way_only() -> Iterator[None]:
    """No question passes as it stands, and none is relayed by octets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Relay, "begin", lambda *_: None)
        patch.setattr(Passing, "upstreams", lambda *_: None)
        yield
