"""What ``splitdns rules --redirect-dns`` prints, put into a gateway's file and read again, leads DNS here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.check.changes import Hairpin, RedirectDns
from splitdns.check.mend import redirections
from tests.check.round_trip.dialects import DIALECTS
from tests.check.round_trip.faults import FAULTS
from tests.check.round_trip.printing import printed
from tests.check.round_trip.test_round_trip import check, found, read

(PLAIN,) = (fault for fault in FAULTS if fault.name == "FWD-MISSING")


def _dialects() -> Iterator[object]:
    for name, dialect in DIALECTS.items():
        marks = [pytest.mark.root, pytest.mark.needs(*dialect.tools)] if dialect.tools else []
        yield pytest.param(name, id=name, marks=marks)


@pytest.mark.parametrize("name", [*_dialects()])
def test_printed_redirections_lead_dns_here_and_go_again(name: str, tmp_path: Path) -> None:
    dialect = DIALECTS[name]
    before = dialect.apply(read(PLAIN, dialect), [])
    open_ = check(PLAIN, dialect, before, tmp_path)
    changes = [change for _, cure in redirections(open_) for change in cure.changes]
    assert {type(change) for change in changes} == {RedirectDns, Hairpin}  # the resolver is on the LAN

    do, undo = printed(open_, name, redirect_dns=True)
    mended = dialect.apply(before, do)
    led = check(PLAIN, dialect, mended, tmp_path)

    assert found(led) == [], "\n".join([*do, *(one.message for one in led.findings)])
    assert [*redirections(led)] == [], "\n".join(do)
    assert dialect.apply(mended, undo) == before, "\n".join(undo)
