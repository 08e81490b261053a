"""Whether we differ from NSD and Knot as docs/differences.md says is asked of the versions that it names.

Later ones judge some files and questions otherwise, and then it is the page that has to follow first.
"""

from __future__ import annotations

import re
import subprocess

import pytest

_DOCUMENTED = {"nsd -v": "NSD version 4.6", "knotd --version": "version 3.2"}


def others() -> list[str]:
    """The peers on this machine that are of other versions, by what they say of themselves."""
    found = []
    for command, documented in _DOCUMENTED.items():
        try:
            said = subprocess.run(command.split(), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            continue  # which the mark "needs" is about
        printed = said.stdout + said.stderr
        if not re.search(re.escape(documented) + r"\b", printed):
            found.append(printed.strip().partition("\n")[0])
    return found


OTHERS = others()
documented_peers = pytest.mark.skipif(
    bool(OTHERS), reason=f"docs/differences.md is about NSD 4.6 and Knot DNS 3.2; here: {', '.join(OTHERS)}"
)
