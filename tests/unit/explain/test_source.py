"""By what way a zone answers for a name."""

from __future__ import annotations

import pytest

from splitdns.explain.source import find
from splitdns.explain.values import How
from splitdns.names import from_text
from tests.build import zone

TEXT = """
www    3600 IN A 192.0.2.1
*.w    3600 IN A 192.0.2.2
a.ent  3600 IN A 192.0.2.3
"""
REGEXPS = [("^r[0-9]$", "192.0.2.4"), ("^n", ""), ("^n[0-9]$", "192.0.2.5")]


@pytest.mark.parametrize(
    ("name", "how", "matched"),
    [
        ("www", How.EXACT, ""),
        ("@", How.EXACT, ""),
        ("x.w", How.WILDCARD, "*.w.example.org."),
        ("y.x.w", How.WILDCARD, "*.w.example.org."),
        ("ent", How.EMPTY, ""),
        ("w", How.EMPTY, ""),
        ("r7", How.REGEXP, "^r[0-9]$"),
        ("n7", How.ABSENT, ""),  # the first regexp that matches is another view's
        ("nas", How.ELSEWHERE, ""),
        ("x", How.ABSENT, ""),
    ],
)
def test_each_way_of_an_authoritative_zone_is_told_apart(name: str, how: How, matched: str) -> None:
    authoritative = zone(TEXT, regexps=REGEXPS, elsewhere=["nas"])
    source = find(authoritative, from_text(name, authoritative.apex))
    assert (source.how, source.matched) == (how, matched)


@pytest.mark.parametrize(
    ("name", "how"), [("n7", How.REGEXP), ("x.nas", How.ABSENT), ("nas", How.ELSEWHERE), ("nope", How.ABSENT)]
)
def test_in_an_overlay_what_other_views_declare_is_undeclared__semantics_4(name: str, how: How) -> None:
    overlay = zone(TEXT, regexps=REGEXPS, elsewhere=["nas"], overlay=True)
    assert find(overlay, from_text(name, overlay.apex)).how is how


def test_a_broken_zone_answers_for_all_its_names() -> None:
    assert find(zone("", fault="errors"), from_text("www.example.org.")).how is How.BROKEN
