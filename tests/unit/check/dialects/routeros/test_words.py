"""Words of scripts: continuation, strings, brackets, and where each stands."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros.words import MAX_DEPTH, Command, commands
from splitdns.errors import ConfigError


def read(text: str) -> list[Command]:
    return list(commands(text, "gateway.rsc"))


def pairs(text: str) -> list[tuple[str, str]]:
    (command,) = read(text)
    return [(word.key, word.value) for word in command.words]


def test_a_backslash_joins_lines_between_and_within_words() -> None:
    text = (
        'add comment=\\\n    "two \\\n    parts" connection-state=\\\r\n'
        "    established,\\\n    related x=1"
    )

    assert pairs(text) == [
        ("", "add"), ("comment", "two parts"), ("connection-state", "established,related"), ("x", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a \"b\" \\ \$c \?"', 'a "b" \\ $c ?'),
        (r'"\48\69\0A"', "Hi\n"),
        (r'"a\_b\tc"', "a b\tc"),
        (r'"(^|www\\.)x\\.net\$"', r"(^|www\.)x\.net$"),
        (r"a\_b", "a b"),
        ('!"LAN a"', "!LAN a"),
        ("{:put 1}", "{:put 1}"),
    ],
)
def test_a_value_means_what_its_escapes_say(written: str, meant: str) -> None:
    assert pairs(f"set x={written}")[1] == ("x", meant)


def test_brackets_hold_a_command_over_several_lines() -> None:
    (command,) = read('set [ find where\n comment="a ] b" name~"x" ] name=WAN')

    group = command.words[1].group
    assert group is not None
    assert [(word.key, word.operator, word.value) for word in group] == [
        ("", "=", "find"), ("", "=", "where"), ("comment", "=", "a ] b"), ("name", "~", "x"),
    ]  # fmt: skip
    assert command.words[2].value == "WAN"


def test_comments_prompts_and_semicolons_part_commands() -> None:
    text = "# by RouterOS 7.1\n[admin@MikroTik] > /ip address\nadd a=1; add b=2\n  # more\n\nadd c=#3\n"

    found = read(text)

    assert [command.text for command in found] == ["/ip address", "add a=1", "add b=2", "add c=#3"]
    assert str(found[2].words[1].where) == "gateway.rsc:3:14"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('add x="a\nb', "gateway.rsc:1:7: expected '\"' at the end of a string, found the end of the text"),
        ("set [ find\n", "gateway.rsc:1:6: expected ']' at the end, found the end of the text"),
        ("add ]", "gateway.rsc:1:5: expected a word, found ']'"),
        ("[" * (MAX_DEPTH + 1), f"gateway.rsc:1:{MAX_DEPTH + 1}: expected at most"),
    ],
)
def test_what_does_not_end_is_told_where_it_begins(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(message)


def test_as_many_brackets_as_are_allowed_are_read() -> None:
    assert len(read("[" * MAX_DEPTH + "]" * MAX_DEPTH)) == 1
