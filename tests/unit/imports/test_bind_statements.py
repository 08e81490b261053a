from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.bind_statements import Statement, statements
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts


def read(text: str, beside: Path = Path()) -> list[Statement]:
    return statements(Printed(text, "n.conf"), Texts(beside, Found()))


def test_statements_have_words_and_a_block() -> None:
    acl, zone = read(
        'acl a { !10/8; ! "b c"; { x; }; }; // no\n# no\n/* no\n no */ zone "x" IN { type primary; };;'
    )

    assert [(one.words, one.block is None) for one in acl.inner] == [
        (("!", "10/8"), True), (("!", "b c"), True), ((), False),
    ]  # fmt: skip
    assert (zone.name, zone.value, zone.where.line) == ("zone", "x IN", 4)
    kind = zone.one("typo", "type")
    assert kind is not None
    assert (kind.value, zone.one("file"), len(zone.all("type"))) == ("primary", None, 1)


def test_files_stand_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("x;")
    (tmp_path / "loop").write_text('include "loop";')

    assert [one.name for one in read('include "a.conf"; y; include "*.conf"; include "gone";', tmp_path)] == [
        "x", "y", "x",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="32 deep at most"):
        read('include "loop";', tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "n.conf:1:1: expected ; or } before the end of the file"),
        ("a {", "n.conf:1:3: expected ; or } before the end of the file"),
        ("}", "n.conf:1:1: expected no }"),
        ("a { b }", "n.conf:1:7: expected ; before }"),
        ('a "b;\n', "n.conf:1:3: expected no '\"' that is not closed"),
        ("{" * 40, "n.conf:1:33: expected blocks, 32 deep at most"),
    ],
)
def test_what_is_not_closed_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)

    assert str(caught.value) == message
