"""Each finding has its page, with its severity, an example and the remedy; and no page is of none."""

from __future__ import annotations

import pytest

from splitdns.check.finding import Code
from tests.meta.tree import ROOT

PAGES = ROOT / "docs" / "findings"


@pytest.mark.parametrize("code", Code, ids=lambda code: code.value)
def test_a_finding_has_a_page(code: Code) -> None:
    text = (PAGES / f"{code.value}.md").read_text()

    assert text.startswith(f"# {code.value}: ")
    assert f"\nSeverity: {code.severity}\n" in text
    assert "\n## Example\n\n```\n" in text
    assert "\n## Remedy\n\n" in text


def test_no_page_is_of_a_finding_that_does_not_exist() -> None:
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    assert pages == {code.value for code in Code}


def test_the_list_names_each_once() -> None:
    listed = (PAGES / "README.md").read_text()
    assert all(listed.count(f"]({code.value}.md)") == 1 for code in Code)
