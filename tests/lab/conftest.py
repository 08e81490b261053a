"""What every test of the lab needs: the right to build networks."""

from __future__ import annotations

import functools

import pytest

from tests.lab import network
from tests.lab.means import need


@functools.cache
def _unavailable() -> str | None:
    return network.unavailable()


@pytest.fixture(autouse=True)
def _networks_can_be_built(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("root"):
        need(_unavailable())
