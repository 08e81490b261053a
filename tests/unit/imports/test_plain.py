from __future__ import annotations

import pytest

from splitdns.imports.plain import duration, listed, quoted
from splitdns.load import marked


@pytest.mark.parametrize(
    "text", ["www", "a.b", "no", "010", "*.a", "1.2.3.4", "a: b", "", "é", '"', "\\", "@", "~x"]
)
def test_a_text_is_read_as_it_was(text: str) -> None:
    document = marked.read(f"key: {quoted(text)}\nlist: {listed([text, text])}\n", "x.yaml")

    assert document.data == {"key": text, "list": [text, text]}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0"), (59, "59"), (300, "5m"), (7200, "2h"), (86_400, "1d")]
)
def test_durations_are_short(seconds: int, text: str) -> None:
    assert duration(seconds) == text
