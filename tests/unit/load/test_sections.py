"""The sections, each by itself; ``test_settings`` tests them as parts of a file."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from splitdns.load.sections import Section, TcpSettings, ViewSettings


def test_a_section_takes_no_setting_that_it_does_not_know_and_converts_nothing() -> None:
    for given in ({"conections": 5}, {"connections": "5"}, {"connections": 0}):
        with pytest.raises(ValidationError):
            TcpSettings.model_validate(given)


def test_defaults_are_read_like_values_and_cannot_be_changed() -> None:
    tcp = TcpSettings()
    assert tcp.idle_timeout == 10
    with pytest.raises(ValidationError):
        tcp.connections = 7


def test_a_view_tells_its_prefixes_from_any() -> None:
    view = ViewSettings.model_validate({"clients": ["10.0.0.0/8", "any"], "horizon": ["inside"]})
    assert [str(prefix) for prefix in view.prefixes] == ["10.0.0.0/8"]
    assert view.has_any


def test_every_section_is_one() -> None:
    assert {"ViewSettings", "TcpSettings"} <= {one.__name__ for one in Section.__subclasses__()}
