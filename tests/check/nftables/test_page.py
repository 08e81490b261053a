"""Every rule in the tables of docs/dialects/nftables.md goes through nft: its state is what the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import Support
from tests.check.nftables.cases import TABLE, Case, cases_of
from tests.check.nftables.kernel import listed
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "nftables.md"
_ROW = re.compile(r"^\| (`.*`) \| (\w+) \|", re.MULTILINE)
_WORST = (Support.UNKNOWN, Support.REFUSED, Support.WIDENED, Support.IGNORED)


def _rows() -> Iterator[tuple[str, str]]:
    for row in _ROW.finditer(PAGE.read_text()):
        yield from ((rule.replace("\\|", "|"), row[2]) for rule in re.findall("`([^`]*)`", row[1]))


ROWS = list(_rows())
DEFINITIONS = "\n".join(line for line in TABLE.read_text().splitlines() if " :=" in line)


@pytest.mark.root
@pytest.mark.needs("nft", "unshare")
def test_the_state_of_every_rule_is_what_the_page_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = DEFINITIONS + "\n" + "\n".join(rule for rule, _ in ROWS)
    cases: list[Case] = cases_of(text)
    assert len(cases) == len(ROWS) > 80
    rulesets = [case.ruleset(f"t{number}") for number, case in enumerate(cases)]
    printed, refused = listed(rulesets, tmp_path_factory.mktemp("page"))
    assert len(refused) <= 3, refused  # modules that a kernel may lack
    things = json.loads(printed)["nftables"]
    found, expected = {}, {}
    for number, (rule, state) in enumerate(ROWS):
        if number not in refused:
            own = [thing for thing in things if _table(thing) in (None, f"t{number}")]
            states = {note.support for note in read(json.dumps({"nftables": own}), "nft.json").notes}
            found[rule] = next((one.value for one in _WORST if one in states), "modelled")
            expected[rule] = state
    assert found == expected


def _table(thing: dict[str, dict[str, str]]) -> str | None:
    what, body = next(iter(thing.items()))
    return body.get("name" if what == "table" else "table")
