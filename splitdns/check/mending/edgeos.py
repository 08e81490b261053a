"""Changes as commands of EdgeOS' configuration mode: rules of ``service nat``, and of ``port-forward``.

``service nat`` wants an interface in every rule, so one stands there for each that has networks. Its rules
below 5000 lead to servers, the others rewrite sources. A ``port-forward`` that decides otherwise is asked
before all of them, so that the cure is one more of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.numbered import Lines, Session, in_session, rule_set
from splitdns.check.mending.numbers import Asked
from splitdns.check.mending.spelling import clients_of, ports_of
from splitdns.check.model import Gateway, Interface
from splitdns.check.sets import Address, numbers_of
from splitdns.check.traffic import DNS_PORT

_PATH, _FORWARDS = "service nat", "port-forward"
_LAST_DESTINATION, _FIRST_SOURCE, _LAST = 4_999, 5_000, 9_999


def written(changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change] = ()) -> Lines:
    """Commands that make the changes, and those that undo them, for configuration mode.

    ``earlier`` changes of the same gateway have been written before, and have their numbers.
    """
    return in_session(changes, gateway, earlier, _write)


def _write(session: Session, change: Change) -> None:
    match change:
        case Admit() | AdmitReplies():
            rule_set(session, change, _LAST)
        case Forward() if change.address.version == 4:
            _forward(session, change)
        case Hairpin(family=4):
            _hairpin(session, change)
        case RedirectDns() if change.resolver.version == 4:
            _redirect(session, change)
        case SpareDns() if change.resolver.version == 4:
            for one in _interfaces(session):
                words = [
                    f"source address {change.resolver}",
                    f"destination port {DNS_PORT}",
                    f"protocol {change.protocol}",
                    "exclude",
                ]
                _destination(session, [f"inbound-interface {one.name}", *words], Asked(4))
        case _:
            session.say("EdgeOS translates no IPv6: give the server an address that clients reach")


def _destination(session: Session, words: list[str], asked: Asked) -> None:
    session.insert(_PATH, ["type destination", *words], asked, _LAST_DESTINATION)


def _forward(session: Session, change: Forward) -> None:
    if session.is_led_elsewhere(_FORWARDS, change):
        words = [
            f"original-port {ports_of(change.port)}",
            f"protocol {change.protocol}",
            f"forward-to address {change.to}",
            f"forward-to port {ports_of(change.to_port)}",
        ]
        session.insert(_FORWARDS, words, session.asked(change, change.port), _LAST)
    for port, to_port in session.pairs(change):
        for one in _interfaces(session):
            words = [
                f"inbound-interface {one.name}",
                f"destination address {change.address}",
                f"destination port {ports_of(port)}",
                f"protocol {change.protocol}",
                f"inside-address address {change.to}",
                *([f"inside-address port {ports_of(to_port)}"] if to_port != port else []),
            ]
            _destination(session, words, session.asked(change, port))


def _hairpin(session: Session, change: Hairpin) -> None:
    way = _toward(session, change.to)
    for clients in clients_of(4, change.clients):
        words = [
            "type masquerade",
            f"outbound-interface {way}",
            f"source address {clients}",
            f"destination address {change.to}",
            f"destination port {ports_of(change.to_port)}",
            f"protocol {change.protocol}",
        ]
        asked = Asked(4, numbers_of(change.to))
        session.insert(_PATH, words, asked, _LAST, _FIRST_SOURCE, _FIRST_SOURCE)


def _redirect(session: Session, change: RedirectDns) -> None:
    for source in clients_of(4, change.clients - numbers_of(change.resolver)):
        words = [
            f"inbound-interface {change.interface}",
            f"source address {source}",
            f"destination address !{change.resolver}",
            f"destination port {DNS_PORT}",
            f"protocol {change.protocol}",
            f"inside-address address {change.resolver}",
        ]
        _destination(session, words, session.asked_dns(change))


def _interfaces(session: Session) -> Iterator[Interface]:
    """Those by which packets come: with networks, or towards the internet."""
    return (one for one in session.gateway.network.interfaces if one.up and (one.addresses or one.uplink))


def _toward(session: Session, to: Address) -> str:
    """The interface in whose network the server is."""
    found = (
        one.name
        for one in session.gateway.network.interfaces
        if any(to in own.prefix for own in one.addresses)
    )
    return next(found, "eth+")
