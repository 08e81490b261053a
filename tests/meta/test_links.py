"""A link in a page leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.meta.tree import name, pages

_LINK = re.compile(r"(?<!`)\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code forges make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in _HEADING.findall(text)
    }


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_within_the_project_resolve(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = next(page for page in pages() if name(page) == "docs/README.md")
    linked = {(index.parent / target).resolve() for target in _LINK.findall(index.read_text())}
    unlinked = {name(page) for page in pages() if page.parent == index.parent and page not in linked}
    assert unlinked == {"docs/README.md"}
