"""The reader of examples itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.meta.examples import blocks, commands, is_as_shown

PAGE = """\
# Page

```yaml
# splitdns.yaml
listen: []
```

- in a list:

  ```console
  $ dig \\
      +short
  192.0.2.1
  $ true
  ```
"""


def test_blocks_know_their_language_their_title_and_their_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    first, second = blocks(page)
    assert (first.language, first.line, first.title) == ("yaml", 4, "splitdns.yaml")
    assert (second.language, second.line) == ("console", 11)
    assert [command.line for command in commands(second)] == ["dig     +short", "true"]
    assert [command.shown for command in commands(second)] == ["192.0.2.1\n", ""]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("", "", True),
        ("", "a line\n", False),
        ("a b", "a\t b\n", True),
        ("a", "a\nb\n", False),
        ("a\n...", "a\nb\nc\n", True),
        ("a\n...", "a\n", True),
        ("...\nc", "a\nb\nc\n", True),
        ("...\nb", "a\nb\nc\n", False),
        ("took ... ms", "took 12 ms\n", True),
        ("took … ms", "took 12 s\n", False),
        ("1.2", "1x2\n", False),
    ],
)
def test_what_is_shown_may_leave_things_out_but_only_where_it_says_so(
    shown: str, printed: str, same: bool
) -> None:
    assert is_as_shown(shown, printed) is same
