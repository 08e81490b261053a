from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.corefile_lines import Directive, blocks
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts


def read(text: str, beside: Path = Path()) -> list[Directive]:
    return blocks(Printed(text, "Corefile"), Texts(beside, Found()))


def test_a_line_is_a_directive_and_braces_hold_more() -> None:
    (one,) = read('. example.org {\n  log # x\n  hosts {\n    10.0.0.1 a\n  }\n  template "a b" `c`\n}\n')

    assert (one.words, one.where.line, one.name, one.args) == ((".", "example.org"), 1, ".", ("example.org",))
    log, hosts, template = one.inner
    assert (log.words, log.block, len(hosts.inner)) == (("log",), None, 1)
    assert (template.args, one.all("log")) == (("a b", "c"), [log])


def test_what_is_imported_stands_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("x.example {\n errors\n}\n")
    text = "(s) {\n log\n import t\n}\n(t) {\n cache\n}\n. {\n import s\n}\nimport more\nimport no*ne\n"
    made = read(text, tmp_path)

    assert [[one.name for one in each.inner] for each in made] == [["log", "cache"], ["errors"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("}", "Corefile:1:1: expected no }"),
        (". {", "Corefile:1:1: expected } before the end of the file"),
        ("{", "Corefile:1:1: expected something before {"),
        ('a "b', "Corefile:1:3: expected a closing quote in this line"),
        ("a {\n" * 20, "Corefile:17:1: expected blocks, 16 deep at most"),
        (
            "(a) {\n import a\n}\n. {\n import a\n}\n",
            "Corefile:2:2: expected imports and blocks, 16 deep at most",
        ),
    ],
)
def test_what_is_no_corefile_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)

    assert str(caught.value) == message
