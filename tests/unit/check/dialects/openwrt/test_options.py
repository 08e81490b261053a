"""Options are read by name, and none is forgotten."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.openwrt.options import LeftOutError, Options
from splitdns.check.dialects.openwrt.uci import read
from splitdns.check.dialects.openwrt.values import truth
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Note

TEXT = "config x\noption a 1\noption b 'yes no'\nlist c on\nlist c off\noption d 2\n"


def options(notes: list[Note] | None = None) -> Options:
    (section,) = read([Printed(TEXT, "firewall")])
    return Options(section, [] if notes is None else notes)


def test_values_are_one_or_several() -> None:
    found = options()

    assert found.one("a", truth) is True
    assert found.one("z", truth) is None
    assert found.several("b", truth) == found.several("c", truth) == (True, False)
    assert found.several("z", truth) == ()


def test_what_fw4_does_not_take_leaves_the_section_out() -> None:
    with pytest.raises(LeftOutError, match="option d: expected 1 or 0, found '2'"):
        options().one("d", truth)
    with pytest.raises(LeftOutError, match="option c must not be a list"):
        options().one("c", truth)


def test_what_nobody_asked_for_is_noted() -> None:
    notes: list[Note] = []
    found = options(notes)
    found.one("a", truth)
    found.ignore(("b", "z"), "because")
    assert found.widen(("c", "y"), "not known") == ["c"]
    found.rest()

    assert [(one.support.value, one.name) for one in notes] == [
        ("ignored", "option b"),
        ("widened", "option c"),
        ("ignored", "option d"),
    ]
    assert notes[0].origin.text == "firewall.@x[0]=x a='1' b='yes no' c='on' 'off' d='2'"
