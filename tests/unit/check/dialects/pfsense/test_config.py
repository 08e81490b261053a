"""Switches, places and mistakes of one file."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.pfsense import config as module
from splitdns.check.dialects.pfsense.config import Config, Flavour, is_on, origin_of, shown
from splitdns.errors import Problems


def config(text: str) -> Config:
    return Config(xml_places.read(text, "f"), Flavour.PFSENSE, Problems(), [])


def test_a_switch_is_an_element_that_is_not_zero() -> None:
    root = xml_places.read("<a><b/><c>0</c><d>yes</d></a>", "f")

    assert [is_on(root, tag) for tag in "bcde"] == [True, False, True, False]
    assert not is_on(None)


def test_rows_are_found_through_several_parents_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    found = config("<a><b><c>1</c></b><b><c>2</c><c>3</c></b></a>")
    assert [one.text for one in found.rows("b", "c")] == ["1", "2", "3"]
    monkeypatch.setattr(module, "MAX_RULES", 2)
    assert [one.text for one in found.rows("b", "c")] == ["1", "2"]
    assert "at most 2 of <c>" in str(found.problems.errors[0])


def test_an_origin_says_what_a_person_called_it() -> None:
    rule = xml_places.read("<rule><descr>web</descr></rule>", "f")

    assert str(origin_of(rule, "pass")) == "f:1:1: web: pass"
    assert shown("x" * 100).endswith("…")
