"""What every test may rely on: which tests run where, and that none is skipped in silence in CI.

    @pytest.mark.long            runs in ./dev test-long only (or: pytest --long, pytest -m long)
    @pytest.mark.root            runs as root only; all of them in one process, as they share one kernel
    @pytest.mark.needs("nsd")    runs where these commands are installed

With CI=true in the environment, a test that is root's or needs a command fails where it would be skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator

import hypothesis
import pytest

CI = os.environ.get("CI") == "true"
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # where Debian keeps daemons


# An example takes as long as it takes: a machine that has other work stands still at any moment.
hypothesis.settings.register_profile(
    "splitdns",
    hypothesis.settings(),  # Hypothesis' own, which is another one in CI
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("splitdns")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long tests too")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.xdist_group("root"))
    if config.getoption("--long") or "long" in config.getoption("markexpr"):
        return
    if long := [item for item in items if item.get_closest_marker("long")]:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: sudo ./dev test")
    wanted = [command for marker in item.iter_markers("needs") for command in marker.args]
    if absent := [command for command in wanted if shutil.which(command, path=PATH) is None]:
        pytest.skip(f"not installed: {', '.join(absent)} (./dev test as root installs it)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    guarded = item.get_closest_marker("root") or item.get_closest_marker("needs")
    if CI and guarded and report.skipped and report.when == "setup":
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{reason}; CI does not accept that"
    return report
