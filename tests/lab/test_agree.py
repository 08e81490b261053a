"""Kernel equals walk: a few random gateways with a fresh seed in every run, and all that once was wrong."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.lab import fuzz
from tests.lab.agree import cases
from tests.lab.plan import read

pytestmark = [
    pytest.mark.root,
    pytest.mark.needs("nft", "iptables", "ipset", "sysctl"),
    pytest.mark.usefixtures("gateways"),
]

GATEWAYS = 30  # half a minute; ./dev lab-fuzz makes as many as one likes

KEPT = sorted(Path(__file__).with_name("cases").glob("*.yaml"))


@pytest.mark.timeout(600)  # a disagreement is made small, which takes a while
def test_the_walk_says_of_random_gateways_what_the_kernel_does() -> None:
    seed = secrets.token_hex(4)
    tally = fuzz.Tally()
    for at in range(GATEWAYS):
        tally.merge(fuzz.one(f"{seed}-{at}"))
    assert not tally.broken, tally.broken[0]
    assert not tally.odd, f"seed {seed}\n{fuzz.shown(*tally.odd[0])}"
    assert tally.cases > GATEWAYS * fuzz.CASES_A_GATEWAY
    assert tally.maybe < 0.1 * tally.cases  # of thousands it is far less; thirty gateways vary


@pytest.mark.parametrize("case", KEPT, ids=lambda path: path.stem)
def test_what_was_wrong_once_stays_right(case: Path) -> None:
    found = cases(read(case.read_text()))
    assert found
    for one in found:
        assert one.agrees, str(one)
