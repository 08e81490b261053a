from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.toml_places import Toml

TEXT = '# x\n[dns]\nhosts = [\n  "a",\n  "b"\n]\n[ dns . cache ]\nsize = 1\n'


def test_values_have_their_lines() -> None:
    toml = Toml(Printed(TEXT, "p.toml"))

    assert toml.get("dns", "hosts") == ["a", "b"]
    assert toml.get("dns", "none", "size") is None
    assert str(toml.where("dns", "hosts")) == "p.toml:3:1"
    assert str(toml.where("dns", "hosts", item="b")) == "p.toml:5:4"
    assert str(toml.where("dns", "cache", "size")) == "p.toml:8:1"
    assert str(toml.where("dns", "cache", "gone")) == "p.toml:7:1"
    assert str(toml.where("web")) == "p.toml"


@pytest.mark.parametrize(("text", "place"), [("a = \n", "1:5"), ("a = [" * 20_000, "1:1"), ("[", "1:2")])
def test_what_is_no_toml_is_a_mistake(text: str, place: str) -> None:
    with pytest.raises(ConfigError, match="expected TOML") as caught:
        Toml(Printed(text, "p.toml"))

    assert str(caught.value).startswith("p.toml:1:") or place == "1:1"
