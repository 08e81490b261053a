"""Changes as RouterOS commands: each rule before all others, with a comment to find it by.

They can be pasted into a terminal. A forward for a leased address is one for whatever address is local but
the others. RouterOS has no way to shift a range of ports, so that each port of one gets a rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.spelling import clients_of, ports_of
from splitdns.check.model import Gateway
from splitdns.check.sets import Address, numbers_of
from splitdns.check.traffic import DNS_PORT

COMMENT = "splitdns"
INSIDE = "splitdns-inside"  # a list of the device's own addresses that a forward is not for
MAX_PORTS = 128  # of a range that is shifted; beyond it, rules by port are nothing for a person to keep
_TOP = {4: "ip", 6: "ipv6"}
_NAT = {4: "routeros nat", 6: "routeros ipv6 nat"}
_TO = {4: "to-addresses", 6: "to-address"}
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")
_SPECIAL = re.compile(r'(["\\$?])')


def written(
    changes: Sequence[Change], gateway: Gateway, _earlier: Sequence[Change] = ()
) -> tuple[list[str], list[str]]:
    """Commands that make the changes, and those that undo them; for a terminal of the device."""
    do: list[str] = []
    undo: list[str] = []
    for change in changes:
        if isinstance(change, Forward) and _is_too_wide(change):
            ports, to_ports = ports_of(change.port), ports_of(change.to_port)
            do.append(f"# RouterOS shifts no ranges: serve {ports}/{change.protocol}, and not {to_ports}")
            continue
        others = _others(change, gateway) if isinstance(change, Forward) else ()
        for other in others[1:] and others:
            menu = f"/{_TOP[other.version]} firewall address-list"
            do.append(f"{menu} add address={other} comment={COMMENT} list={INSIDE}")
            undo.append(f"{menu} remove [find comment={COMMENT}]")
        for table, chain, rule in _rules(change, others):
            menu = _menu(table)
            do.append(f"{menu} add chain={_word(chain)} {rule} comment={COMMENT} place-before=0")
            undo.append(f"{menu} remove [find comment={COMMENT}]")
    return list(dict.fromkeys(do)), list(dict.fromkeys(undo))


def _others(change: Forward, gateway: Gateway) -> tuple[Address, ...]:
    """The device's other addresses, where the forward's is leased, so that a rule must not name it.

    None, where another one is leased too: what is local is then more than what is meant.
    """
    own = [own for one in gateway.network.interfaces for own in one.addresses]
    own = [one for one in own if one.address.version == change.address.version]
    leased = [one.address for one in own if one.dynamic]
    if leased != [change.address]:
        return ()
    return tuple(one.address for one in own if one.address != change.address)


def _rules(change: Change, others: Sequence[Address] = ()) -> Iterator[tuple[str, str, str]]:
    """Each rule's table, as the reader names it, its chain, and its words."""
    match change:
        case Forward():
            yield from _forwards(change, others)
        case Hairpin():
            for clients in clients_of(change.family, change.clients):
                to = _to(change.to, change.protocol, change.to_port)
                yield _NAT[change.family], "srcnat", f"action=masquerade src-address={clients} {to}"
        case Admit():
            to = _to(change.to, change.protocol, change.to_port)
            yield change.table, change.chain, f"action=accept {to}"
        case AdmitReplies():
            yield change.table, change.chain, "action=accept connection-state=established,related"
        case RedirectDns():
            yield from _redirected(change)
        case SpareDns():
            asked = f"protocol={change.protocol} dst-port={DNS_PORT}"
            yield change.table, change.chain, f"action=accept src-address={change.resolver} {asked}"


def _forwards(change: Forward, others: Sequence[Address]) -> Iterator[tuple[str, str, str]]:
    family = change.address.version
    meant = f"dst-address={change.address}"
    if others:
        but = f"dst-address=!{others[0]}" if len(others) == 1 else f"dst-address-list=!{INSIDE}"
        meant = f"dst-address-type=local {but}"
    to = f"{_TO[family]}={change.to}"
    pairs = [(change.port, change.to_port)]
    if _shifts(change):
        shift = change.to_port[0] - change.port[0]
        pairs = [((at, at), (at + shift, at + shift)) for at in range(change.port[0], change.port[1] + 1)]
    for port, to_port in pairs:
        match = f"{meant} protocol={change.protocol} dst-port={ports_of(port)}"
        ports = f" to-ports={ports_of(to_port)}" if to_port != port else ""
        yield _NAT[family], "dstnat", f"action=dst-nat {match} {to}{ports}"


def _shifts(change: Forward) -> bool:
    return change.to_port != change.port and change.port[0] != change.port[1]


def _is_too_wide(change: Forward) -> bool:
    return _shifts(change) and change.port[1] - change.port[0] >= MAX_PORTS


def _redirected(change: RedirectDns) -> Iterator[tuple[str, str, str]]:
    resolver = change.resolver
    family = resolver.version
    action = "redirect" if change.on_gateway else f"dst-nat {_TO[family]}={resolver}"
    for clients in clients_of(family, change.clients - numbers_of(resolver)):
        match = f"in-interface={_word(change.interface)} src-address={clients} dst-address=!{resolver}"
        asked = f"protocol={change.protocol} dst-port={DNS_PORT}"
        yield _NAT[family], "dstnat", f"action={action} {match} {asked}"


def _menu(table: str) -> str:
    """``routeros ipv6 filter``: ``/ipv6 firewall filter``."""
    family = 6 if table.startswith("routeros ipv6 ") else 4
    return f"/{_TOP[family]} firewall {table.rpartition(' ')[2]}"


def _to(address: object, protocol: str, port: tuple[int, int]) -> str:
    return f"dst-address={address} protocol={protocol} dst-port={ports_of(port)}"


def _word(text: str) -> str:
    """A name, in quotes where the terminal needs them."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = _SPECIAL.sub(r"\\\1", text)
    return f'"{escaped}"'
