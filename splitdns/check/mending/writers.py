"""Which dialects changes can be written in, and by which module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from splitdns.check.changes import Admit, AdmitReplies, Change, SpareDns
from splitdns.check.mending import iptables, nftables, opnsense, pfsense, routeros


@dataclass(frozen=True, slots=True)
class Writer:
    """``written`` gives what makes the changes, and what takes them back, line by line.

    ``tables``: how the names of this dialect's tables begin. What is inserted into a chain is written in the
    dialect that keeps the chain, whatever the others are written in.
    """

    written: Callable[[Sequence[Change]], tuple[list[str], list[str]]]
    tables: tuple[str, ...]


WRITERS: dict[str, Writer] = {
    "nftables": Writer(nftables.written, ("nft ",)),
    "iptables": Writer(iptables.written, ("iptables ", "ip6tables ")),
    "pfsense": Writer(pfsense.written, ("pfsense ",)),
    "opnsense": Writer(opnsense.written, ("opnsense ",)),
    "routeros": Writer(routeros.written, ("routeros ",)),
}


def written(changes: Sequence[Change], dialect: str) -> list[tuple[list[str], list[str]]]:
    """``changes`` in ``dialect``, one of ``WRITERS``; insertions each in the dialect of their chain."""
    parts: dict[str, list[Change]] = {name: [] for name in WRITERS}
    for change in changes:
        parts[_keeper(change, dialect)].append(change)
    return [WRITERS[name].written(part) for name, part in parts.items() if part]


def _keeper(change: Change, dialect: str) -> str:
    if isinstance(change, Admit | AdmitReplies | SpareDns):
        for name, writer in WRITERS.items():
            if change.table.startswith(writer.tables):
                return name
    return dialect
