"""As a forwarder we say what Unbound and BIND say, before the same resolver and the same hierarchy."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from tests.differential import agree
from tests.differential.agree import Tally, compare
from tests.differential.forwarders import forwarding

PEERS = pytest.mark.needs("nsd", "unbound", "named", "dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey")
DIFFERENCES = Path(__file__).parents[2] / "docs" / "forwarding-differences.md"

EVERY_KIND = {"NOERROR", "NODATA", "NXDOMAIN"}
WHEN_VALIDATING = EVERY_KIND | {"SERVFAIL"} | {f"{kind}, AD" for kind in EVERY_KIND}
MODES = pytest.mark.parametrize("validate", [False, True], ids=["plain", "validating"])


def _run(directory: Path, seed: int, questions: int, *, validate: bool) -> Tally:
    with forwarding(directory, validate=validate) as forwarders:
        tally = compare(forwarders, questions, Random(seed))
    print(f"seed {seed}: {tally.report()}")
    return tally


@PEERS
@MODES
def test_forwarders_agree(tmp_path: Path, validate: bool) -> None:
    tally = _run(tmp_path, 1, 300, validate=validate)
    assert not tally.mistakes, tally.report()
    assert set(tally.kinds) == (WHEN_VALIDATING if validate else EVERY_KIND)


@PEERS
@MODES
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [100, 101])
def test_forwarders_agree_in_thousands_of_questions(tmp_path: Path, seed: int, validate: bool) -> None:
    tally = _run(tmp_path, seed, 6000, validate=validate)
    assert not tally.mistakes, tally.report()
    met = {name.partition(":")[0] for name in tally.classes}
    expected = {known.id for known in agree.CLASSES} if validate else set()
    assert met == expected, "a class that explains nothing"


def test_every_class_of_difference_is_documented_with_its_rfc() -> None:
    sections = re.split(r"^### ", DIFFERENCES.read_text(), flags=re.MULTILINE)[1:]
    documented = {section.split("\n", 1)[0].strip("`"): section for section in sections}
    assert set(documented) == {known.id for known in agree.CLASSES}
    assert [name for name, text in documented.items() if not re.search(r"RFC \d+", text)] == []
