"""The lines that ``splitdns rules`` prints, without the comments between them."""

from __future__ import annotations

from splitdns.check.check import Checked
from splitdns.check.mend import cures, redirections
from splitdns.check.mending.writers import written


def printed(result: Checked, dialect: str, *, redirect_dns: bool = False) -> tuple[list[str], list[str]]:
    """What makes all cures, and what takes them back, in the order in which they are to be done."""
    do: list[str] = []
    undo: list[str] = []
    redirecting = [cure for _, cure in redirections(result)] if redirect_dns else []
    for cure in (*cures(result), *redirecting):
        assert cure.changes, cure.left
        assert not cure.left, cure.left
        for lines, back in written(cure.changes, dialect):
            do += [line for line in lines if line not in do]
            undo = [line for line in back if line not in undo] + undo
    return do, undo
