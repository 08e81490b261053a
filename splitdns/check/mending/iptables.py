"""Changes as iptables commands: each inserted before all rules of its chain, undone by the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.spelling import ports_of, prefixes_of
from splitdns.check.sets import numbers_of
from splitdns.check.traffic import DNS_PORT

COMMENT = "splitdns"
_COMMANDS = {4: "iptables", 6: "ip6tables"}


def written(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Commands that make the changes, and those that undo them, the last first; for a shell, as root."""
    do: list[str] = []
    undo: list[str] = []
    for change in changes:
        for command, table, chain, rule in _rules(change):
            do.append(f"{command} -t {table} -I {chain} {rule}")
            undo.insert(0, f"{command} -t {table} -D {chain} {rule}")
    return do, undo


def _rules(change: Change) -> Iterator[tuple[str, str, str, str]]:
    match change:
        case Forward():
            family = change.address.version
            to = str(change.to) if family == 4 else f"[{change.to}]"
            if change.to_port != change.port:
                base = f"/{change.port[0]}" if change.port[0] != change.port[1] else ""
                to = f"{to}:{ports_of(change.to_port)}{base}"
            elif family == 6:
                to = str(change.to)
            match = _to(change.address, change.protocol, change.port)
            rule = f"{match} {_COMMENTED} -j DNAT --to-destination {to}"
            yield _COMMANDS[family], "nat", "PREROUTING", rule
        case Hairpin():
            for prefix in prefixes_of(change.family, change.clients):
                to = _to(change.to, change.protocol, change.to_port)
                yield (
                    _COMMANDS[change.family],
                    "nat",
                    "POSTROUTING",
                    f"-s {prefix} {to} {_COMMENTED} -j MASQUERADE",
                )
        case Admit():
            to = _to(change.to, change.protocol, change.to_port)
            table = change.table.removeprefix("iptables ").removeprefix("ip6tables ")
            yield _COMMANDS[change.to.version], table, change.chain, f"{to} {_COMMENTED} -j ACCEPT"
        case AdmitReplies():
            table = change.table.removeprefix("iptables ").removeprefix("ip6tables ")
            rule = f"-m conntrack --ctstate RELATED,ESTABLISHED {_COMMENTED} -j ACCEPT"
            yield _COMMANDS[change.family], table, change.chain, rule
        case RedirectDns():
            yield from _redirected(change)
        case SpareDns():
            table = change.table.removeprefix("iptables ").removeprefix("ip6tables ")
            match = f"-s {change.resolver} -p {change.protocol} --dport {DNS_PORT}"
            yield _COMMANDS[change.resolver.version], table, change.chain, f"{match} {_COMMENTED} -j ACCEPT"


def _redirected(change: RedirectDns) -> Iterator[tuple[str, str, str, str]]:
    resolver = change.resolver
    action = "REDIRECT" if change.on_gateway else f"DNAT --to-destination {resolver}"
    for prefix in prefixes_of(resolver.version, change.clients - numbers_of(resolver)):
        rule = (
            f"-i {change.interface} -s {prefix} ! -d {resolver} -p {change.protocol} --dport {DNS_PORT} "
            f"{_COMMENTED} -j {action}"
        )
        yield _COMMANDS[resolver.version], "nat", "PREROUTING", rule


_COMMENTED = f"-m comment --comment {COMMENT}"


def _to(address: object, protocol: str, port: tuple[int, int]) -> str:
    return f"-d {address} -p {protocol} --dport {ports_of(port, ':')}"
