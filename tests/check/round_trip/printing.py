"""The lines that ``splitdns rules`` prints, without the comments between them."""

from __future__ import annotations

from splitdns.check.changes import Change
from splitdns.check.check import Checked
from splitdns.check.mend import cures, redirections
from splitdns.check.mending.writers import written


def printed(result: Checked, dialect: str, *, redirect_dns: bool = False) -> tuple[list[str], list[str]]:
    """What makes all cures, and what takes them back, in the order in which they are to be done."""
    do: list[str] = []
    undo: list[str] = []
    done: list[Change] = []
    gateway = result.judgement.gateway
    redirecting = [cure for _, cure in redirections(result)] if redirect_dns else []
    for cure in (*cures(result), *redirecting):
        assert cure.changes, cure.left
        assert not cure.left, cure.left
        changes = [one for one in cure.changes if one not in done]
        for lines, back in written(changes, dialect, gateway, done):
            do += [line for line in lines if line not in do]
            undo = [line for line in back if line not in undo] + undo
        done += changes
    return do, undo
