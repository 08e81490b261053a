"""Changes as nft commands: translations in a table of our own, acceptances in the chain that drops.

A table of its own takes nothing away and is removed as a whole. An ``accept`` in it would not help, because
another table's ``drop`` still holds: so that one is inserted where the drop is, with a comment to find it by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splitdns.check.changes import (
    OURS,
    Admit,
    AdmitReplies,
    Change,
    Forward,
    Hairpin,
    RedirectDns,
    SpareDns,
)
from splitdns.check.mending.spelling import ports_of
from splitdns.check.sets import numbers_of, shown_addresses
from splitdns.check.traffic import DNS_PORT

COMMENT = "splitdns"
_FAMILIES = {4: "ip", 6: "ip6"}


def written(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Commands that make the changes, and those that undo them; for a shell, as root."""
    do: list[str] = []
    undo: list[str] = []
    for family, name in _FAMILIES.items():
        forwards = [one for one in changes if isinstance(one, Forward) and one.address.version == family]
        hairpins = [one for one in changes if isinstance(one, Hairpin) and one.family == family]
        redirects = [
            one for one in changes if isinstance(one, RedirectDns) and one.resolver.version == family
        ]
        if not forwards and not hairpins and not redirects:
            continue
        do.append(f"nft add table {name} {OURS}")
        undo.append(f"nft delete table {name} {OURS}")
        if forwards or redirects:
            do.append(_chain(name, "prerouting", -101))
            do += [f"nft add rule {name} {OURS} prerouting {_redirect(name, one)}" for one in redirects]
            do += [f"nft add rule {name} {OURS} prerouting {_forward(name, one)}" for one in forwards]
        if hairpins:
            do.append(_chain(name, "postrouting", 99))
            do += [f"nft add rule {name} {OURS} postrouting {_hairpin(name, one)}" for one in hairpins]
    for change in changes:
        if not isinstance(change, Admit | AdmitReplies | SpareDns):
            continue
        chain = f"{change.table.removeprefix('nft ')} {change.chain}"
        do.append(f"nft insert rule {chain} {_admitted(change)} counter accept comment '\"{COMMENT}\"'")
        undo.append(_delete_by_comment(chain))
    return do, list(dict.fromkeys(undo))


def _chain(family: str, hook: str, priority: int) -> str:
    return f"nft add chain {family} {OURS} {hook} '{{ type nat hook {hook} priority {priority}; }}'"


def _forward(family: str, one: Forward) -> str:
    match = _to(family, one.address, one.protocol, one.port)
    if one.to_port == one.port:
        return f"{match} counter dnat to {one.to}"
    if one.port[0] == one.port[1]:
        return f"{match} counter dnat to {_endpoint(one.to.version, str(one.to))}:{one.to_port[0]}"
    pairs = zip(_each(one.port), _each(one.to_port), strict=True)
    ports = ", ".join(f"{public} : {inside}" for public, inside in pairs)
    return f"{match} counter dnat to {one.to} : {one.protocol} dport map '{{ {ports} }}'"


def _hairpin(family: str, one: Hairpin) -> str:
    source = _set(shown_addresses(one.family, one.clients))
    return f"{family} saddr {source} {_to(family, one.to, one.protocol, one.to_port)} counter masquerade"


def _redirect(family: str, one: RedirectDns) -> str:
    clients = _set(shown_addresses(one.resolver.version, one.clients - numbers_of(one.resolver)))
    match = f"iifname {one.interface} {family} saddr {clients} {family} daddr != {one.resolver}"
    action = "redirect" if one.on_gateway else f"dnat to {one.resolver}"
    return f"{match} {one.protocol} dport {DNS_PORT} counter {action}"


def _admitted(change: Admit | AdmitReplies | SpareDns) -> str:
    if isinstance(change, AdmitReplies):
        return "ct state established,related"
    if isinstance(change, SpareDns):
        family = _FAMILIES[change.resolver.version]
        return f"{family} saddr {change.resolver} {change.protocol} dport {DNS_PORT}"
    return _to(_FAMILIES[change.to.version], change.to, change.protocol, change.to_port)


def _to(family: str, address: object, protocol: str, port: tuple[int, int]) -> str:
    return f"{family} daddr {address} {protocol} dport {ports_of(port)}"


def _endpoint(family: int, address: str) -> str:
    return address if family == 4 else f"[{address}]"


def _each(ports: tuple[int, int]) -> Iterable[int]:
    return range(ports[0], ports[1] + 1)


def _set(ranges: str) -> str:
    return f"'{{ {ranges} }}'" if "," in ranges else ranges


def _delete_by_comment(chain: str) -> str:
    handles = f"nft -a list chain {chain} | sed -n 's/.*comment \"{COMMENT}\" # handle //p'"
    return f"for handle in $({handles}); do nft delete rule {chain} handle $handle; done"

