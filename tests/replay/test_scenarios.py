"""Every scenario plays as it says, none proves nothing, and each turns red where its feature is taken out."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from splitdns.forward.parts import COMPILED, PURE, Parts
from tests.replay import faults
from tests.replay.faults import Features, taken_out
from tests.replay.play import play
from tests.replay.scenario import ScenarioError, lint, parse
from tests.ways import the_general_way_only

HERE = Path(__file__).parent
SCENARIOS = sorted(HERE.glob("scenarios/**/*.txt"))

KINDS = {"pure": PURE} | ({} if COMPILED is None else {"compiled": COMPILED})


def _features() -> Features:
    """Those of all rooms; a name stands for one thing only."""
    features: Features = {}
    for module in pkgutil.iter_modules(faults.__path__):
        found: Features = importlib.import_module(f"{faults.__name__}.{module.name}").FEATURES
        assert not found.keys() & features.keys()
        features |= found
    return features


FEATURES = _features()
CLAIMS = [(path, name) for path in SCENARIOS for name in parse(path.read_text()).features]


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, parts: Parts) -> None:
    scenario = parse(path.read_text())
    play(scenario, parts)
    lint(scenario)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario_without_the_plain_way(path: Path) -> None:
    scenario = parse(path.read_text())
    with the_general_way_only():
        play(scenario)
    lint(scenario)


@pytest.mark.parametrize(("path", "feature"), CLAIMS, ids=lambda claim: getattr(claim, "stem", claim))
def test_a_scenario_is_red_without_its_feature(path: Path, feature: str) -> None:
    assert feature in FEATURES, "say in tests/replay/faults how it is taken out"
    scenario = parse(path.read_text())
    red = False
    with taken_out(FEATURES[feature]), the_general_way_only():  # which features are taken out of
        try:
            play(scenario, PURE)
            lint(scenario)
        except Exception:
            red = True
    assert red, f"{path.stem} is green without {feature}: it does not show it"


def test_every_feature_has_its_scenario() -> None:
    assert FEATURES.keys() - {feature for _, feature in CLAIMS} == set()


def test_the_example_of_the_readme_plays() -> None:
    scenario = parse((HERE / "README.md").read_text().split("```")[1].strip())
    play(scenario)
    lint(scenario)


ASK = "0 ask www.example.org A\n"
GIVEN = """\
# x
feature: ttl
forward . 192.0.2.1
192.0.2.1 www.example.org A
    NOERROR
    answer www.example.org. 300 A 198.51.100.1
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GIVEN, "nobody asks"),
        (GIVEN.replace("feature: ttl\n", "") + ASK + "    NOERROR\n", "no feature"),
        (GIVEN + ASK + "    NOERROR\n1 look\n", "nothing expected"),
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
        "NOERROR\n    answer www.example.org. 300 A 198.51.100.1\n1 look\n    asked 192.0.2.1 2",
        "NOERROR\n    answer www.example.org. 300 A 198.51.100.1\n    counted cache_misses_total test 2",
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
