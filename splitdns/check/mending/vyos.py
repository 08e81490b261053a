"""Changes as commands of VyOS' configuration mode: numbered rules, each before all that decide otherwise.

An insertion goes into the rule set that drops. Since 1.4 interfaces stand behind ``name``, and may be left
out; before, every rule of NAT needs one. Which it is, the gateway's own rules tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.numbered import Lines, Session, in_session, rule_set
from splitdns.check.mending.numbers import Asked
from splitdns.check.mending.spelling import clients_of, ports_of
from splitdns.check.model import Gateway
from splitdns.check.sets import numbers_of
from splitdns.check.traffic import DNS_PORT

_LAST = 999_999
_OLD = ("name ", "ipv6-name ")


def written(changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change] = ()) -> Lines:
    """Commands that make the changes, and those that undo them, for configuration mode.

    ``earlier`` changes of the same gateway have been written before, and have their numbers.
    """
    return in_session(changes, gateway, earlier, _write)


def _write(session: Session, change: Change) -> None:
    match change:
        case Forward():
            _forward(session, change)
        case Hairpin():
            path = f"{_nat(change.family)} source"
            asked = Asked(change.family, destination=numbers_of(change.to))
            for clients in clients_of(change.family, change.clients):
                words = [
                    *_interface(session, "outbound"),
                    f"source address {clients}",
                    f"destination address {change.to}",
                    f"destination port {ports_of(change.to_port)}",
                    f"protocol {change.protocol}",
                    "translation address masquerade",
                ]
                session.insert(path, words, asked, _LAST)
        case RedirectDns():
            _redirect(session, change)
        case Admit() | AdmitReplies():
            rule_set(session, change, _LAST)
        case SpareDns():
            family = change.resolver.version
            path = f"{_nat(family)} destination"
            words = [
                *_interface(session, "inbound"),
                f"source address {change.resolver}",
                f"destination port {DNS_PORT}",
                f"protocol {change.protocol}",
                "exclude",
            ]
            session.insert(path, words, Asked(family), _LAST)


def _forward(session: Session, change: Forward) -> None:
    family = change.address.version
    for port, to_port in session.pairs(change):
        words = [
            *_interface(session, "inbound"),
            f"destination address {change.address}",
            f"destination port {ports_of(port)}",
            f"protocol {change.protocol}",
            f"translation address {change.to}",
            *([f"translation port {ports_of(to_port)}"] if to_port != port else []),
        ]
        session.insert(f"{_nat(family)} destination", words, session.asked(change, port), _LAST)


def _redirect(session: Session, change: RedirectDns) -> None:
    family = change.resolver.version
    clients = change.clients - numbers_of(change.resolver)
    for source in clients_of(family, clients):
        words = [
            f"inbound-interface {'' if _is_old(session) else 'name '}{change.interface}",
            f"source address {source}",
            f"destination address !{change.resolver}",
            f"destination port {DNS_PORT}",
            f"protocol {change.protocol}",
            f"translation address {change.resolver}",
        ]
        session.insert(f"{_nat(family)} destination", words, session.asked_dns(change), _LAST)


def _nat(family: int) -> str:
    return "nat" if family == 4 else "nat66"


def _interface(session: Session, way: str) -> list[str]:
    return [f"{way}-interface any"] if _is_old(session) else []


def _is_old(session: Session) -> bool:
    """Whether the gateway writes as VyOS did before 1.4."""
    names = [chain.name for chain in session.gateway.ruleset.chains]
    if any(name.startswith(("ipv4 ", "ipv6 ")) for name in names):
        return False
    rules = [rule.origin.text for chain in session.gateway.ruleset.chains for rule in chain.rules]
    bound = [text for text in rules if "bound-interface" in text and not text.startswith("firewall")]
    if bound:
        return not any("bound-interface name" in text or "bound-interface group" in text for text in bound)
    return any(name.startswith(_OLD) for name in names)
