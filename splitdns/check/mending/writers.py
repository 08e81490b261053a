"""Which dialects changes can be written in, and by which module."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, SpareDns
from splitdns.check.mending import (
    edgeos,
    iptables,
    nftables,
    nsx,
    openwrt,
    opnsense,
    pf,
    pfsense,
    routeros,
    table,
    unifi,
    vyos,
)
from splitdns.check.model import Gateway, Network, Ruleset
from splitdns.value import value

Lines = tuple[list[str], list[str]]
_NOBODY = Gateway(Network(), Ruleset())


@value(frozen=True, slots=True)
class Writer:
    """``written`` gives what makes the changes, and what takes them back, line by line.

    ``tables``: how the names of this dialect's tables begin. What is inserted into a chain is written in the
    dialect that keeps the chain, whatever the others are written in.
    """

    written: Callable[[Sequence[Change]], Lines]
    tables: tuple[str, ...]


@value(frozen=True, slots=True)
class Numbered:
    """A ``Writer`` of numbered rules, which asks for those that the gateway has.

    It is given the changes that were written ``earlier``, too, whose numbers are taken.
    """

    written: Callable[[Sequence[Change], Gateway, Sequence[Change]], Lines]
    tables: tuple[str, ...]


WRITERS: dict[str, Writer | Numbered] = {
    "nftables": Writer(nftables.written, ("nft ",)),
    "iptables": Writer(iptables.written, ("iptables ", "ip6tables ")),
    "pfsense": Writer(pfsense.written, ("pfsense ",)),
    "opnsense": Writer(opnsense.written, ("opnsense ",)),
    "nsx": Numbered(nsx.written, ("nsx ",)),
    "routeros": Numbered(routeros.written, ("routeros ",)),
    "openwrt": Numbered(openwrt.written, ("openwrt ",)),
    "vyos": Numbered(vyos.written, ("vyos ",)),
    "edgeos": Numbered(edgeos.written, ("edgeos ",)),
    "unifi": Numbered(unifi.written, ("unifi ",)),
    "table": Numbered(table.written, (table.TABLE,)),
    "pf-openbsd": Writer(pf.written_openbsd, ("pf-openbsd ",)),
    "pf-freebsd": Writer(pf.written_freebsd, ("pf-freebsd ",)),
}


def written(
    changes: Sequence[Change], dialect: str, gateway: Gateway = _NOBODY, earlier: Sequence[Change] = ()
) -> list[Lines]:
    """``changes`` in ``dialect``, one of ``WRITERS``; insertions each in the dialect of their chain.

    ``earlier`` changes of the same ``gateway`` have been written before.
    """
    parts = _by_keeper(changes, dialect)
    before = _by_keeper(earlier, dialect)
    return [_by(WRITERS[name], part, gateway, before[name]) for name, part in parts.items() if part]


def usual(gateway: Gateway) -> str:
    """The dialect in which a person would expect changes of ``gateway``; for Linux, that is nftables."""
    names = (
        name
        for chain in gateway.ruleset.chains
        for name, writer in WRITERS.items()
        if name != "iptables" and chain.table.startswith(writer.tables)
    )
    return next(names, "nftables")


def _by(
    writer: Writer | Numbered, changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change]
) -> Lines:
    if isinstance(writer, Numbered):
        return writer.written(changes, gateway, earlier)
    return writer.written(changes)


def _by_keeper(changes: Sequence[Change], dialect: str) -> dict[str, list[Change]]:
    parts: dict[str, list[Change]] = {name: [] for name in WRITERS}
    for change in changes:
        parts[_keeper(change, dialect)].append(change)
    return parts


def _keeper(change: Change, dialect: str) -> str:
    if isinstance(change, Admit | AdmitReplies | SpareDns):
        for name, writer in WRITERS.items():
            if change.table.startswith(writer.tables):
                return name
    return dialect
