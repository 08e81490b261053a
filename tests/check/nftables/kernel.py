"""What the real nft makes of rules: loaded into a network namespace of their own, and listed as JSON.

A namespace lives as long as its process (unshare(1)), so nothing has to be cleaned up. All rulesets go in at
once, which is a hundred times as fast as one by one; those that nft or the kernel refuses are left out of the
next try.
"""

from __future__ import annotations

import re
import subprocess
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

_TRIES = 40


def listed(rulesets: Sequence[str], directory: Path) -> tuple[str, dict[int, str]]:
    """The JSON of all ``rulesets`` together, and by number those that were refused, with nft's words."""
    refused: dict[int, str] = {}
    path = directory / "all.nft"
    for _ in range(_TRIES):
        texts = ["" if number in refused else text for number, text in enumerate(rulesets)]
        path.write_text("".join(texts))
        firsts = list(accumulate((text.count("\n") for text in texts), initial=1))
        load = ["unshare", "--net", "sh", "-c", 'nft -f "$1" && nft -j list ruleset', "sh", str(path)]
        done = subprocess.run(load, capture_output=True, text=True, timeout=100)
        if done.returncode == 0:
            return done.stdout, refused
        wrong = [(int(line), words) for line, words in re.findall(r"all\.nft:(\d+):(.*)", done.stderr)]
        assert wrong, done.stderr
        refused.update((bisect_right(firsts, line) - 1, words) for line, words in wrong)
    raise AssertionError(f"nft refuses too much: {refused}")
