"""Where NSD and Knot agree on an answer, so do we, in rcode, AA and answer section (semantics 28)."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential import compare
from tests.differential.harness import Tally, serving
from tests.differential.zones import world
from tests.lab.versions import documented_peers

NSD_AND_KNOT = pytest.mark.needs("nsd", "knotd")
EVERY_KIND = {
    "NOERROR",
    "NXDOMAIN",
    "REFUSED",
    "NODATA",
    "truncated",
    "referral with glue",
    "referral without glue",
    "DNAME",
    "one alias",
    "a chain of aliases",
    "an alias to nowhere",
}
DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"


def _run(directory: Path, seed: int, worlds: int, questions: int, *, daemon: bool = False) -> Tally:
    rng = Random(seed)
    drawn = [world(rng, str(number)) for number in range(worlds)]
    with serving(drawn, directory, daemon=daemon) as trio:
        tally = trio.ask(questions, rng)
    print(f"seed {seed}: {tally.report()}")
    return tally


@NSD_AND_KNOT
@documented_peers
def test_where_nsd_and_knot_agree_so_do_we(tmp_path: Path) -> None:
    tally = _run(tmp_path, seed=1, worlds=40, questions=25)
    assert not tally.mistakes, tally.report()
    assert tally.questions == 1000
    assert {kind for kind, count in tally.kinds.items() if count > 2} >= EVERY_KIND


@NSD_AND_KNOT
def test_the_daemon_says_over_its_sockets_what_the_others_say(tmp_path: Path) -> None:
    tally = _run(tmp_path, seed=2, worlds=20, questions=25, daemon=True)
    assert not tally.mistakes, tally.report()


def test_every_class_of_difference_is_documented_with_its_rfc() -> None:
    sections = re.split(r"^### ", DIFFERENCES.read_text(), flags=re.MULTILINE)[1:]
    documented = {section.split("\n", 1)[0].strip("`"): section for section in sections}
    assert set(documented) == {known.id for known in compare.CLASSES}
    assert [name for name, text in documented.items() if not re.search(r"RFC \d+", text)] == []


@NSD_AND_KNOT
@documented_peers
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("daemon", [False, True], ids=["in-process", "daemon"])
@pytest.mark.parametrize("seed", range(100, 105))
def test_where_nsd_and_knot_agree_so_do_we_in_thousands_of_questions(
    tmp_path: Path, seed: int, daemon: bool
) -> None:
    tally = _run(tmp_path, seed=seed, worlds=200, questions=50, daemon=daemon)
    assert not tally.mistakes, tally.report()


@NSD_AND_KNOT
@documented_peers
@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.randoms(use_true_random=False), seed=st.integers(0, 2**32))
def test_a_world_that_hypothesis_draws_is_answered_alike(drawn: Random, seed: int) -> None:
    """Hypothesis stands behind the ``Random``, so that it shrinks the zones of a mistake."""
    with tempfile.TemporaryDirectory() as directory, serving([world(drawn)], Path(directory)) as trio:
        tally = trio.ask(60, Random(seed))
    assert not tally.mistakes, tally.report()
