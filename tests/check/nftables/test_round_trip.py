"""Every rule of the table goes through the real nft and kernel, and its JSON is read as the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splitdns.check.dialects.nftables import read
from tests.check.nftables.cases import Case, cases
from tests.check.nftables.kernel import listed
from tests.check.nftables.spoken import spoken

CASES = cases()

pytestmark = [pytest.mark.root, pytest.mark.needs("nft", "unshare")]


class Listed:
    """The JSON of each case by the line of its rule, or why there is none."""

    def __init__(self, directory: Path) -> None:
        text, self._refused = listed([case.ruleset(f"t{case.line}") for case in CASES], directory)
        first, *things = json.loads(text)["nftables"]
        self._by_table: dict[str, list[object]] = {f"t{case.line}": [first] for case in CASES}
        for thing in things:
            what, body = next(iter(thing.items()))
            self._by_table[body["name" if what == "table" else "table"]].append(thing)

    def of(self, case: Case) -> str:
        words = self._refused.get(CASES.index(case))
        if words is not None:
            pytest.skip(f"refused here: {words.splitlines()[0]}")
        return json.dumps({"nftables": self._by_table[f"t{case.line}"]})


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Listed:
    return Listed(tmp_path_factory.mktemp("rules"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.line}: {case.rule}")
def test_a_rule_means_what_the_table_says(kernel: Listed, case: Case) -> None:
    ruleset = read(kernel.of(case), "nft.json")
    assert ruleset.rules == 1
    found = []
    rests: dict[str, str] = {}
    for chain in ruleset.chains:
        if chain.name == "other":
            continue
        if chain.name != "c":
            rests[chain.name] = f"rest{chr(39) * len(rests)}"
        place = f"[{rests[chain.name]}] " if chain.name in rests else ""
        found += [place + spoken(rule) for rule in chain.rules]
    text = "\n".join(found)
    for name in sorted(rests, key=len, reverse=True):
        text = text.replace(f"jump {name}", f"jump {rests[name]}")
    notes = [f"~ {note.support} {note.name}" for note in ruleset.notes]
    assert (*text.splitlines(), *notes) == case.expected


def test_most_rules_of_the_table_were_tried(kernel: Listed) -> None:
    assert len(CASES) > 350
    assert len(kernel._refused) <= len(CASES) // 20
