"""What every test of the lab needs: a kernel that lets us build networks."""

from __future__ import annotations

import functools

import pytest

from tests.lab import built, network


@functools.cache
def _unavailable() -> str | None:
    return network.unavailable()


@pytest.fixture(scope="session")
def gateways() -> None:
    """For tests that build gateways: skip them where the kernel cannot."""
    if reason := built.unavailable():
        pytest.skip(reason)


@pytest.hookimpl(trylast=True)  # after the checks of the markers
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and (reason := _unavailable()):
        pytest.skip(reason)
