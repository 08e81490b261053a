from __future__ import annotations

from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.imports.bind_masters import whole
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts


def test_what_is_included_stands_in_its_place_and_the_origin_is_as_before(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("$ORIGIN deep\nx A 10.0.0.1\n")
    found = Found()
    text = "$ORIGIN in\n$INCLUDE a\n$INCLUDE a lab ; why\n$INCLUDE gone\n$include a @\nb A 10.0.0.2\n"

    made = whole(Printed(text, "z"), "example.com", Texts(tmp_path, found), "d")

    assert made.splitlines() == [
        "$ORIGIN in", "$ORIGIN in.example.com.", "$ORIGIN deep", "x A 10.0.0.1", "$ORIGIN in.example.com.",
        "$ORIGIN lab.in.example.com.", "$ORIGIN deep", "x A 10.0.0.1", "$ORIGIN in.example.com.",
        "$ORIGIN in.example.com.", "$ORIGIN deep", "x A 10.0.0.1", "$ORIGIN in.example.com.", "b A 10.0.0.2",
    ]  # fmt: skip
    (missing,) = found.missing
    assert str(missing).startswith("z:4:1: d/gone cannot be read: No such file or directory; looked for ")
