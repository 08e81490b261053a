"""Gateways' files that none of us wrote, and how exactly they are understood.

They stand beside the checkout and are no part of it; without them, the tests that read them are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from splitdns.check.model import Note, Ruleset, Support
from tests.meta.tree import ROOT

_CORPUS = ROOT.parent / "shared" / "corpus"


def files(*dialects: str, pattern: str = "*") -> list[Path]:
    """Each dialect's files."""
    return sorted(path for name in dialects for path in (_CORPUS / name).glob(pattern))


def needs(found: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not found, reason="no corpus here")


def short(path: Path) -> str:
    """For a test's name."""
    return path.name[-60:]


def assert_counted(found: Ruleset) -> None:
    assert found.rules == sum(len(chain.rules) for chain in found.chains)


def assert_known(found: Ruleset) -> None:
    """No construct is one that the reader has never heard of."""
    assert not [note for note in found.notes if note.support is Support.UNKNOWN]


@dataclass(frozen=True)
class Measured:
    """``widened``: what a construct is called that widens a rule, by the rule."""

    files: int
    refused: int
    rules: int
    widened: Mapping[object, str]

    @property
    def exact(self) -> float:
        """The share of rules that mean no more than they say."""
        return 1 - len(self.widened) / self.rules

    def tell(self, capsys: pytest.CaptureFixture[str], corpus: str) -> None:
        why = ", ".join(sorted(set(self.widened.values())))
        with capsys.disabled():
            print(
                f"\n{corpus} corpus: {self.rules} rules, {self.exact:.1%} exact, {len(self.widened)} widened"
                f" ({why}); {self.refused} of {self.files} files refused"
            )


def measured(found: Iterable[Ruleset | None], of_rule: Callable[[Note], bool] = lambda _: True) -> Measured:
    """How exact the models are; None: a file was refused. ``of_rule``: whether a note is about a rule."""
    read = list(found)
    known = [one for one in read if one is not None]
    notes = [note for one in known for note in one.notes if note.support is Support.WIDENED]
    return Measured(
        len(read),
        len(read) - len(known),
        sum(one.rules for one in known),
        {note.origin: note.name for note in notes if of_rule(note)},
    )
