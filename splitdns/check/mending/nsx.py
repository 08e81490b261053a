"""Changes as rules that an edge of NSX takes over its API: each before all others, found again by its name.

``EDGE`` is the edge's address there, https://MANAGER/api/4.0/edges/edge-1 or, through vCloud Director,
https://DIRECTOR/network/edges/ID; ``curl`` is to know the password (``--config``). The edge numbers rules
itself, so that those to be taken back are found by name, in its web interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.spelling import ports_of, ranges_of
from splitdns.check.model import Gateway
from splitdns.check.sets import Address, numbers_of
from splitdns.check.traffic import DNS_PORT

NAME = "splitdns"
_NAT, _FIREWALL = "nat", "firewall"
_NUMBER = re.compile(r"\brule ([0-9]+)\b")
_ONLY_4 = "# an edge translates nothing over IPv6: give the server's own address to everybody"
_UNDO = {
    _NAT: f"# NAT: delete every rule whose description is {NAME}, and publish the changes",
    _FIREWALL: f"# Firewall: delete every rule whose name is {NAME}, and publish the changes",
}


def written(
    changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change]
) -> tuple[list[str], list[str]]:
    """Commands for a shell that make the changes, and the steps that undo them."""
    do: list[str] = []
    undo: list[str] = []
    for change in changes:
        for of, chain, rule in _rules(change, gateway):
            if not of:
                do.append(rule)
                continue
            above = _first(gateway, of, chain)
            where = f'"$EDGE/{of}/config/rules{f"?aboveRuleId={above}" if above else ""}"'
            body = f"<{of}Rules>{rule}</{of}Rules>"
            do.append(f"curl --config edge.curl -H 'Content-Type: application/xml' {where} -d '{body}'")
            undo.append(_UNDO[of])
    return do, list(dict.fromkeys(undo))


def _first(gateway: Gateway, of: str, chain: str) -> str:
    """The number of the first rule that a person made; the edge's own stand before all others anyway."""
    for one in gateway.ruleset.chains:
        if (one.table, one.name) == (f"nsx {'filter' if of == _FIREWALL else 'nat'}", chain):
            for rule in one.rules:
                found = _NUMBER.search(rule.origin.text)
                if found is not None and not rule.origin.made_by:
                    return found[1]
    return ""


def _rules(change: Change, gateway: Gateway) -> Iterator[tuple[str, str, str]]:
    """Of which service each rule is, the chain in which it stands, and itself; or, of none, a step."""
    match change:
        case Forward() if change.address.version == 6:
            yield "", "", _ONLY_4
        case Forward():
            fields = {
                "translatedAddress": str(change.to),
                "action": "dnat",
                "originalAddress": str(change.address),
                "protocol": change.protocol,
                "originalPort": ports_of(change.port),
                "translatedPort": ports_of(change.to_port),
            }
            yield _NAT, "prerouting", _nat_rule(fields)
        case Hairpin():
            yield from _hairpin(change, gateway)
        case RedirectDns():
            yield from _redirected(change)
        case Admit():
            yield _FIREWALL, change.chain, _accepting(change)
        case AdmitReplies():
            yield "", "", "# an edge keeps state: replies pass wherever the firewall is on"
        case SpareDns():
            step = "an edge cannot leave packets alone: in the NAT rule that leads DNS, give as Source"
            yield "", "", f"# {step} the clients without {change.resolver}"


def _hairpin(change: Hairpin, gateway: Gateway) -> Iterator[tuple[str, str, str]]:
    if change.family == 6:
        yield "", "", _ONLY_4
        return
    own = _own(change, gateway)
    for clients in ranges_of(4, change.clients):
        fields = {
            "translatedAddress": str(own or "the edge's address there"),
            "action": "snat",
            "originalAddress": clients,
            "snatMatchDestinationAddress": str(change.to),
            "protocol": change.protocol,
            "originalPort": "any",
            "translatedPort": "any",
            "snatMatchDestinationPort": ports_of(change.to_port),
        }
        yield _NAT, "postrouting", _nat_rule(fields)


def _own(change: Hairpin, gateway: Gateway) -> Address | None:
    """The edge's address on the server's link."""
    return next(
        (
            own.address
            for one in gateway.network.interfaces
            for own in one.addresses
            if own.prefix.version == change.family and change.to in own.prefix
        ),
        None,
    )


def _redirected(change: RedirectDns) -> Iterator[tuple[str, str, str]]:
    """What asks the resolver already becomes what it is."""
    if change.resolver.version == 6:
        yield "", "", _ONLY_4
        return
    for clients in ranges_of(4, change.clients - numbers_of(change.resolver)):
        fields = {
            "translatedAddress": str(change.resolver),
            "action": "dnat",
            "originalAddress": "any",
            "dnatMatchSourceAddress": clients,
            "protocol": change.protocol,
            "originalPort": str(DNS_PORT),
            "translatedPort": str(DNS_PORT),
        }
        yield _NAT, "prerouting", _nat_rule(fields)


def _nat_rule(fields: dict[str, str]) -> str:
    return f"<natRule><description>{NAME}</description>{_elements(fields)}</natRule>"


def _accepting(change: Admit) -> str:
    """It matches the address that NAT has made."""
    service = _elements({"protocol": change.protocol, "port": ports_of(change.to_port)})
    return (
        f"<firewallRule><name>{NAME}</name><matchTranslated>true</matchTranslated><action>accept</action>"
        f"<destination><ipAddress>{change.to}</ipAddress></destination>"
        f"<application><service>{service}</service></application></firewallRule>"
    )


def _elements(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
