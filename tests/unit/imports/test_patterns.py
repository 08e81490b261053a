"""Patterns over complete names, for relative ones: the same names match, or it is told which do not."""

from __future__ import annotations

import re

import pytest

from splitdns.imports.patterns import matches, relative, tail

APEX = "myserver.net"
RELATIVE = ("www", "a.www", "xwww", "db1", "a.b", "dev", "x.dev", "wwwx", "ads7", "www.x")
EXACT = [
    r"(^|www\.)myserver\.net$",
    r"^(www\.)?myserver\.net$",
    r"^(?:www\.|db[0-9]+\.)?myserver[.]net$",
    r"\.myserver\.net$",
    r".*\.myserver\.net$",
    r".+\.dev\.myserver\.net$",
    r"^db[0-9]\.myserver\.net$",
    r"^www\.myserver\.net$",
    r"^.*\.myserver\.net$",
    r"(^|.*\.)myserver\.net$",
    r"(dev|www)\.myserver\.net$",
    r"dev.myserver.net$",
    r"[^.]+\.myserver\.net$",
    r"^myserver\.net$",
]


@pytest.mark.parametrize("pattern", EXACT)
def test_a_pattern_holds_for_the_same_names(pattern: str) -> None:
    found = relative(pattern, APEX)

    assert found is not None
    assert found.note == ""
    assert found.apex is bool(re.search(pattern, APEX))
    for name in RELATIVE:
        held = bool(found.pattern) and matches(found.pattern, name)
        assert held is bool(re.search(pattern, f"{name}.{APEX}")), name


@pytest.mark.parametrize(
    ("pattern", "made", "note"),
    [
        (r"myserver\.net$", ".", "names of other zones that merely end so are not carried over"),
        (r".*\.myserver\.net", ".", "taken as ending with the name"),
    ],
)
def test_what_is_not_quite_the_same_is_told(pattern: str, made: str, note: str) -> None:
    found = relative(pattern, APEX)

    assert found is not None
    assert (found.pattern, found.note) == (made, note)


@pytest.mark.parametrize(
    "pattern",
    [r"^ads\.", r"myserver\.(net|org)$", r"[a-z]+myserver\.net$", r"a|www\.myserver\.net$", r"(",
     r"(a(b|c)\.)myserver\.net$", r"example\.org$", r"(a\))myserver\.net$"],
)  # fmt: skip
def test_what_is_not_of_one_zone_is_not_to_be_said(pattern: str) -> None:
    assert relative(pattern, APEX) is None


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (r"(^|www\.)x\.net$", (r"(^|www\.)", "x.net")),
        (r"a+x[.]net", ("a+", "x.net")),
        (r"\d\.net$", (r"\d", ".net")),
        (r"x?", ("x?", "")),
        ("", ("", "")),
    ],
)
def test_a_pattern_ends_with_plain_text(pattern: str, parts: tuple[str, str]) -> None:
    assert tail(pattern) == parts
