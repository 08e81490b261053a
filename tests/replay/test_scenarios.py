"""Every scenario plays as it says, and none proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.play import play
from tests.replay.scenario import ScenarioError, lint, parse

HERE = Path(__file__).parent
SCENARIOS = sorted(HERE.glob("scenarios/*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    scenario = parse(path.read_text())
    play(scenario)
    lint(scenario)


def test_the_example_of_the_readme_plays() -> None:
    scenario = parse((HERE / "README.md").read_text().split("```")[1].strip())
    play(scenario)
    lint(scenario)


ASK = "0 ask www.example.org A\n"
GIVEN = """\
# x
forward . 192.0.2.1
192.0.2.1 www.example.org A
    NOERROR
    answer www.example.org. 300 A 198.51.100.1
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GIVEN, "nobody asks"),
        (GIVEN + ASK + "    answer www.example.org. 300 A 198.51.100.1\n", "nothing expected"),
        (GIVEN + "    then\n    silence\n" + ASK + "    NOERROR\n", "reaction 2 .* never met"),
    ],
)
def test_a_scenario_that_proves_nothing_is_rejected(text: str, reason: str) -> None:
    scenario = parse(text)
    if scenario.asks:
        for reaction in next(iter(scenario.upstreams.values()))[:1]:
            reaction.met = 1
    with pytest.raises(ScenarioError, match=reason):
        lint(scenario)


@pytest.mark.parametrize(
    "expected",
    [
        "NXDOMAIN",
        "NOERROR",
        "NOERROR\n    answer www.example.org. 299 A 198.51.100.1",
        "NOERROR after 1\n    answer www.example.org. 300 A 198.51.100.1",
        "NOERROR\n    answer www.example.org. 300 A 198.51.100.1\n    asked 192.0.2.1 2",
        "NOERROR\n    answer www.example.org. 300 A 198.51.100.1\n    ede 22",
    ],
)
def test_a_wrong_expectation_fails(expected: str) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        play(parse(GIVEN + ASK + f"    {expected}\n"))
    assert caught.group_contains(AssertionError)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "forward . 192.0.2.1",
        "# x\nwhat is this line",
        "# x\n0 ask www.example.org A\n    silence",
        "# x\n    answer www.example.org. 300 A 198.51.100.1",
        GIVEN + GIVEN[4:],
    ],
)
def test_a_text_that_is_no_scenario_is_rejected(text: str) -> None:
    with pytest.raises(ScenarioError):
        lint(parse(text))
