from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts
from splitdns.imports.unbound_lines import Clause, clauses


def read(text: str, beside: Path = Path()) -> list[Clause]:
    return clauses(Printed(text, "u.conf"), Texts(beside, Found()))


def test_clauses_have_attributes() -> None:
    server, zone = read(
        "# x\nserver: port: 53\n  local-data: 'a TXT \"b c\"'\n  access-control: 2001:db8::/32 allow # y\n"
        'forward-zone:\n name: "."\n name: b\n log: yes'
    )

    assert [(one.name, one.values, one.where.line) for one in server.attributes] == [
        ("port", ("53",), 2),
        ("local-data", ('a TXT "b c"',), 3),
        ("access-control", ("2001:db8::/32", "allow"), 4),
    ]
    assert (zone.one("name"), zone.one("none"), zone.all("log")[0].is_yes) == ("b", "", True)


def test_files_stand_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("port: 5")
    (tmp_path / "b.conf").write_text("port: 6")
    (tmp_path / "loop").write_text("include: loop")

    (server,) = read('server:\ninclude: "*.conf"\ninclude: a.conf\ninclude: gone', tmp_path)

    assert [one.value for one in server.attributes] == ["5", "6", "5"]
    with pytest.raises(ConfigError, match="20 deep at most"):
        read("server:\ninclude: loop", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port: 53", "u.conf:1:1: expected a clause such as server:, found 'port'"),
        ("server:\n x y", None),
        ("\n nothing", "u.conf:2:2: expected an attribute such as interface:, found 'nothing'"),
        ('server: a: "x\n', "u.conf:1:12: expected a closing quote in this line"),
    ],
)
def test_what_is_no_configuration_is_a_mistake(text: str, message: str | None) -> None:
    if message is None:
        with pytest.raises(ConfigError):
            read(text)
        return
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == message
