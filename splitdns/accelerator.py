"""Whether the compiled loop runs: where it was built, and nobody switched it off.

Without a compiler the server is complete, and only slower. So it is no error if the module is missing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from types import ModuleType

SWITCH = "SPLITDNS_PURE"  # in the environment, set to anything: Python's loop

NATIVE: ModuleType | None = None
with suppress(ImportError):
    NATIVE = import_module("splitdns._native")

_switched_off = bool(os.environ.get(SWITCH))
RUNS = NATIVE is not None and not _switched_off


def state() -> str:
    """Which of the two runs, for a person."""
    if NATIVE is None:
        return "none"
    return f"compiled, but switched off by {SWITCH}" if _switched_off else "compiled"
