"""A wrong choice, and which one may be meant."""

from __future__ import annotations

import pytest

from splitdns.cli.usage import in_our_words
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["zone", "import", "--from", "bind", "x"], "'corefile'; is 'bind-views' meant?"),
        (["rules", "--dialect", "nft"], "'pf-freebsd'; is 'nftables' meant?"),
        (["check", "--fail-on", "eror"], "'warning'; is 'error' meant?"),
        (["rules", "--dialect", "pf"], "'pf-freebsd'."),  # of three
        (["rules", "--dialect", ""], "'pf-freebsd'."),
        (["schema", "everything"], "'everything' is not one of 'config', 'zone', 'report'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_choice_that_there_is_not_is_answered_with_what_may_be_meant(
    arguments: list[str], said: str, run: Run
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{said}\n")
    assert "Value error" not in result.stderr


def test_other_messages_stay_as_they_are() -> None:
    assert in_our_words("Value 7 is not a valid path.") == "Value 7 is not a valid path."
