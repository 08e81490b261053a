from __future__ import annotations

import pytest

from splitdns.check.dialects.unifi.places import MAX_DEPTH, parse
from splitdns.errors import ConfigError, Where

TEXT = '{\n  "a": [1, -2.5, true, null, " x "],\n  "b": {"c": "\\u00e9"}\n}'


def test_every_value_has_its_place() -> None:
    item = parse(TEXT, "f")

    assert [(one.text, str(one.where)) for one in item.get("a").items()] == [
        ("1", "f:2:9"), ("-2.5", "f:2:12"), ("true", "f:2:18"), ("", "f:2:24"), ("x", "f:2:30"),
    ]  # fmt: skip
    assert item.get("b").get("c").text == "é"
    assert [name for name, _ in item.fields()] == ["a", "b"]


def test_what_is_not_there_is_nothing() -> None:
    item = parse(TEXT, "f")

    assert (item.get("z").value, item.get("z").where) == (None, Where("f", 1, 1))
    assert [*item.get("b").items(), *item.get("a").fields()] == []
    assert not item.get("b").is_true


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("", "f:1:1", "a value"),
        ("{", "f:1:2", "a name in quotes"),
        ('{"a" 1}', "f:1:6", ":"),
        ('{"a": 1', "f:1:8", ", or }"),
        ("[1\n2]", "f:2:1", ", or ]"),
        ('"x', "f:1:1", "a string"),
        ("[] []", "f:1:4", "the end"),
        ("[" * (MAX_DEPTH + 2), f"f:1:{MAX_DEPTH + 2}", f"at most {MAX_DEPTH} brackets"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(text: str, where: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "f")

    assert str(caught.value).startswith(f"{where}: expected {expected}")
