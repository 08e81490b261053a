"""Rulesets that others wrote end in a model with notes, none in a traceback; how much of them is modelled.

    pytest -s tests/check/nftables/test_corpus.py
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import Ruleset, Support
from tests.check.nftables.kernel import listed

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
JSON = sorted((CORPUS / "nft-json").glob("*.json"))
TEXTS = sorted((CORPUS / "nft").glob("*"))


def shares(ruleset: Ruleset) -> Counter[str]:
    """How many rules are modelled as they stand, widened somewhere, or never seen before."""
    worst = {Support.WIDENED: "widened", Support.UNKNOWN: "unknown"}
    of_rule: dict[object, str] = {}
    for note in ruleset.notes:
        if note.support in worst and note.origin.handle is not None:
            of_rule.setdefault(note.origin, worst[note.support])
    found = Counter(of_rule.values())
    found["modelled"] = ruleset.rules - len(of_rule)
    return found


def of_iptables(ruleset: Ruleset) -> bool:
    return any(note.support is Support.REFUSED for note in ruleset.notes)


def test_every_ruleset_of_nft_is_read_and_most_of_it_modelled(capsys: pytest.CaptureFixture[str]) -> None:
    if not JSON:
        pytest.skip("no rulesets of other people here")
    total: Counter[str] = Counter()
    iptables: Counter[str] = Counter()
    for path in JSON:
        ruleset = read(path.read_text(), path.name)
        (iptables if of_iptables(ruleset) else total).update(shares(ruleset))
    with capsys.disabled():
        print(f"\nnft: {dict(total)} of {total.total()} rules; made by iptables-nft: {dict(iptables)}")
    assert total["unknown"] == iptables["unknown"] == 0
    assert total["widened"] / total.total() <= 0.05  # measured: 2 of 67, for a set whose elements expire


@pytest.mark.root
@pytest.mark.needs("nft", "unshare")
def test_every_file_of_nft_is_loaded_and_read(tmp_path: Path) -> None:
    read_at_all = 0
    for path in TEXTS:
        text, refused = listed([path.read_text()], tmp_path)
        if not refused:  # by this kernel, or this nft
            assert read(text, path.name).rules > 0, path.name
            read_at_all += 1
    if not TEXTS:
        pytest.skip("no rulesets of other people here")
    assert read_at_all
