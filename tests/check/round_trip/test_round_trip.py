"""What ``splitdns rules`` prints, put into the gateway's file and read again, cures exactly the fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.check.check import Checked
from splitdns.check.fetch import Text
from splitdns.check.finding import Severity
from splitdns.check.mend import CURABLE
from splitdns.check.mending.writers import WRITERS
from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import checked
from tests.check.round_trip.dialects import DIALECTS, Mended, Texts
from tests.check.round_trip.faults import FAULTS, Fault
from tests.check.round_trip.printing import printed

HERE = Path(__file__).parent


def _pairs() -> Iterator[object]:
    for name, dialect in DIALECTS.items():
        marks = [pytest.mark.root, pytest.mark.needs(*dialect.tools)] if dialect.tools else []
        for fault in FAULTS:
            if fault.name not in dialect.cannot:
                yield pytest.param(fault, name, id=f"{fault.name}-{name}", marks=marks)


def read(fault: Fault, dialect: Mended) -> Texts:
    """What the files of the gateway say."""
    paths = ((of, HERE / path.format(name=fault.name, shape=fault.shape)) for of, path in dialect.sources)
    return tuple(Text(Dialect(of), path.name, path.read_text()) for of, path in paths)


def check(fault: Fault, dialect: Mended, texts: Texts, directory: Path) -> Checked:
    return checked(fault, dialect.exported(texts), directory)


def found(result: Checked) -> list[tuple[str, str]]:
    """What is to be mended."""
    return [(one.code.value, one.subject) for one in result.findings if one.severity > Severity.INFO]


@pytest.mark.parametrize(("fault", "name"), [*_pairs()])
def test_printed_rules_cure_the_fault_and_nothing_gets_worse(fault: Fault, name: str, tmp_path: Path) -> None:
    dialect = DIALECTS[name]
    before = dialect.apply(read(fault, dialect), [])
    faulty = check(fault, dialect, before, tmp_path)
    assert {code for code, _ in found(faulty)} == {fault.code.value}

    do, undo = printed(faulty, name)
    mended = dialect.apply(before, do)
    after = check(fault, dialect, mended, tmp_path)
    assert found(after) == [], "\n".join([*do, *(one.message for one in after.findings)])
    assert mended != before

    assert dialect.apply(mended, undo) == before, "\n".join(undo)


def test_there_is_a_fault_for_every_finding_that_rules_cure() -> None:
    assert {fault.code for fault in FAULTS} == CURABLE
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_every_dialect_that_is_written_goes_round() -> None:
    assert set(WRITERS) - set(DIALECTS) == {"table"}  # words for a person, who reads them


def test_what_a_dialect_cannot_be_tried_with_is_told() -> None:
    for name, dialect in DIALECTS.items():
        assert set(dialect.cannot) <= {fault.name for fault in FAULTS}, name
        assert all(dialect.cannot.values()), name
