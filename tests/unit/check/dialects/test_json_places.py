"""Arrays of JSON with the places of their elements, and values by their shape."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import (
    Document,
    Misshapen,
    listed,
    mapping,
    only,
    placed,
    whole,
    word,
)
from splitdns.errors import ConfigError, Where


def test_elements_have_places_and_the_array_an_end() -> None:
    document = Document('[ 1,\n  {"a": 2}\n] rest', "f")
    elements, end = document.array(1)
    assert elements == [(1, Where("f", 1, 3)), ({"a": 2}, Where("f", 2, 3))]
    assert document.text[end:] == " rest"
    assert Document("[]", "f").array(1) == ([], 2)


@pytest.mark.parametrize("text", ["[", "[1", "[1,", "[1,]", "[1 2]", "[" * 100_000, f"[{'9' * 5_000}]"])
def test_a_broken_array_is_an_error_with_a_place(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Document(text, "f").array(1)
    assert caught.value.where.line == 1


def test_what_is_misshapen_gets_its_place() -> None:
    with pytest.raises(ConfigError, match="f:3:5: expected a name as a str"), placed(Where("f", 3, 5)):
        word(5, "a name")


def test_other_shapes_are_named() -> None:
    with pytest.raises(Misshapen, match="expected a key as a string, found true"):
        word(True, "a key")
    with pytest.raises(Misshapen, match="as a whole number, found true"):
        whole(True, "a priority")
    with pytest.raises(Misshapen, match="as an object, found null"):
        mapping(None, "it")
    with pytest.raises(Misshapen, match="as an array"):
        listed({}, "it")
    with pytest.raises(Misshapen, match="with one key"):
        only({"a": 1, "b": 2}, "it")
