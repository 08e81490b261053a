from __future__ import annotations

import pytest

from splitdns.web.door import Door
from splitdns.web.drawing import clock, draw, environment, milliseconds, number, octets, span

FRAME = {"path": "/", "done": "", "door": Door(open=True)}


def test_whatever_stands_in_a_page_is_escaped() -> None:
    shown = draw("wrong.html", {**FRAME, "reason": "<script>\"'&"})

    assert "<script>" not in shown
    assert "&lt;script&gt;&#34;&#39;&amp;" in shown


def test_no_template_passes_anything_by_unescaped() -> None:
    loader = environment().loader
    assert loader is not None
    for name in loader.list_templates():
        source = loader.get_source(environment(), name)[0]
        assert "safe" not in source.split(), name
        assert "autoescape" not in source
        assert "style=" not in source, f"{name}: the policy forbids it"
        assert "onclick" not in source


def test_a_value_that_is_not_there_is_a_bug() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        draw("wrong.html", FRAME)


def test_numbers_as_people_read_them() -> None:
    gap = "\N{NARROW NO-BREAK SPACE}"
    assert (number(0), number(1234567)) == ("0", f"1{gap}234{gap}567")
    assert [octets(value) for value in (0, 1023, 1024, 3 << 20, 5 << 30)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "3.0 MiB",
        "5.0 GiB",
    ]
    assert [milliseconds(value) for value in (None, 0.4231, 3.14)] == ["–", "0.42 ms", "3.1 ms"]
    assert milliseconds(12.6) == "13 ms"
    assert [span(value) for value in (-1, 59, 60, 7200, 200_000)] == ["0 s", "59 s", "1 min", "2 h", "2 d"]
    assert clock(3661) == "01:01:01"
