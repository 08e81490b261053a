"""Files that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.pf.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Ruleset
from tests.check.corpus import assert_known, files, measured, needs, short
from tests.check.gateways import interface, network
from tests.check.reading import read_or_told

FILES = files("pf", pattern="*.conf")

pytestmark = needs(FILES)

# What was measured: of 64 rules 6 are widened, all for tables whose content is elsewhere; and one file has
# empty macros, with which pf refuses it too.
MOST_REFUSED = 1
LEAST_EXACT = 0.9


# The interfaces that these files name, with addresses of ours.
NAMES = ("em0", "em1", "em2", "athn0", "vmx0", "vmx1", "vr0", "vr1", "pppoe0")
NETWORK = network(
    *(interface(name, f"10.{at}.0.1/24", uplink=at == 0) for at, name in enumerate(NAMES))
)


def _read(path: Path) -> Ruleset | None:
    return read_or_told(lambda: read([Printed(path.read_text(), path.name)], NETWORK).ruleset)


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_real_file_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    if (found := _read(path)) is not None:
        assert_known(found)


def test_most_rules_of_real_files_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(map(_read, FILES))
    found.tell(capsys, "pf")

    assert found.refused <= MOST_REFUSED
    assert found.exact >= LEAST_EXACT
