"""Gateways as people have them, in their own files, and all that the check finds there.

Beside each file, ``NAME.findings`` has a line for each finding (``lines``). `python -m
tests.check.DIALECT.goldens` writes a dialect's anew, to be read before they are kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from splitdns.check.fetch import Text
from splitdns.check.finding import Finding
from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import Site, checked
from tests.check.lines import shown


@dataclass(frozen=True, kw_only=True)
class Goldens:
    """The cases of a dialect, or of some that are alike.

    ``texts``: what the gateway says in a case. ``sites``: what stands beside it, by its ``name``; ``home``
    stands beside all others.
    """

    cases: Sequence[Path]
    texts: Callable[[Path], list[Text]]
    home: Site
    sites: Mapping[str, Site]
    name: Callable[[Path], str] = attrgetter("stem")

    def findings(self, case: Path, directory: Path) -> Sequence[Finding]:
        """All that the check finds; ``directory`` is for the configuration's files."""
        return checked(self.sites.get(self.name(case), self.home), self.texts(case), directory).findings

    def write(self) -> None:
        """Keep what is found now, and tell it."""
        for case in self.cases:
            with tempfile.TemporaryDirectory() as directory:
                found = self.findings(case, Path(directory))
            golden(case).write_text("".join(f"{line}\n" for line in sorted(map(shown, found))))
            for one in found:
                print(f"{case.parent.name}/{case.stem}: {shown(one)}\n    {one.message}")


def golden(case: Path) -> Path:
    return case.with_suffix(".findings")


def text(dialect: Dialect, path: Path) -> Text:
    return Text(dialect, path.name, path.read_text())


def explained(findings: Iterable[Finding]) -> str:
    """For a test that fails."""
    return "\n".join(f"{one.code} {one.message}" for one in findings)
