"""What every test of the lab needs: the right to build networks."""

from __future__ import annotations

import functools
import os

import pytest

from tests.lab import network


@functools.cache
def _unavailable() -> str | None:
    return network.unavailable()


@pytest.fixture(autouse=True)
def _networks_can_be_built(request: pytest.FixtureRequest) -> None:
    """Skip without the means, but never in CI: there a skipped lab is a failed one."""
    if request.node.get_closest_marker("root") and (reason := _unavailable()):
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
