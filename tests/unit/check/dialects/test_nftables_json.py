"""The places of things in nft's JSON, and what is said about files that are no such JSON."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.nftables_json import items
from splitdns.errors import ConfigError

PRETTY = '{\n  "nftables": [\n    {"table": {}},\n    {\n      "rule": {"a": 1}\n    }\n  ]\n}\n'


def test_each_thing_has_the_place_of_its_brace() -> None:
    read = list(items(PRETTY, "f"))
    assert [(one.what, one.where.line, one.where.column) for one in read] == [("table", 3, 5), ("rule", 4, 5)]
    one_line = '{"nftables": [{"table": {}}, {"rule": {}}]}'
    assert [(one.where.line, one.where.column) for one in items(one_line, "f")] == [(1, 15), (1, 30)]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "expected the output of 'nft -j list ruleset'"),
        ("table inet t {", 1, 1, "expected the output"),
        ('{"nftables": [', 1, 15, "not JSON"),
        ('{"nftables": [{"table": {}}', 1, 28, "expected ',' or ']' here, found the end of the file"),
        ('{"nftables": [{"table": {}}\n {"x": {}}]}', 2, 2, "expected ',' or ']'"),
        ('{"nftables": [{"table": {}},]}', 1, 29, "another element after the comma"),
        ('{"nftables": [{"table": {]}', 1, 26, "not JSON"),
        ('{"nftables": []', 1, 16, "expected '}'"),
        ('{"nftables": []} x', 1, 16, "expected '}' and the end"),
        ('{"nftables": [5]}', 1, 15, "a thing of the ruleset as an object, found 5"),
        ('{"nftables": [{"rule": 5}]}', 1, 15, "expected 'rule' as an object, found 5"),
        ('{"nftables": [{"add": {"table": {}}}]}', 1, 15, "this is a command, 'add'"),
        ('{"nftables": [{"rule": {"comment": "\\ud800"}}]}', 1, 15, "characters that are none"),
        ('{"nftables": [{"rule": {"handle": ' + "9" * 5000 + "}}]}", 1, 15, "cannot be read"),
        ('{"nftables": [{"rule": ' + "[" * 100_000, 1, 15, "nested too deeply"),
    ],
)
def test_a_mistake_has_its_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        list(items(text, "nft.json"))
    assert message in caught.value.message
    assert (caught.value.where.line, caught.value.where.column) == (line, column)


def test_pairs_of_surrogates_are_a_character() -> None:
    (one,) = items('{"nftables": [{"rule": {"comment": "\\ud83d\\ude00"}}]}', "f")
    assert one.body == {"comment": "\N{GRINNING FACE}"}
