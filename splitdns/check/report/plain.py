"""What findings look like as values of JSON: the stable form that scripts read, and the server's metrics too.

Addresses, prefixes and places are text; ``format`` counts up when something that was there changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from splitdns.check.check import Checked
from splitdns.check.finding import Finding, Witness
from splitdns.check.judge import Cell
from splitdns.check.model import Origin
from splitdns.check.sets import Numbers, shown_addresses
from splitdns.check.verdict import Act, Outcome, Packets, Stage

if TYPE_CHECKING:  # it brings a resolver's half along
    from splitdns.check.probe import Probed, Told

FORMAT = 1
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}


def report(checked: Checked) -> dict[str, Any]:
    """Everything: findings, the matrix, what was read."""
    ruleset = checked.judgement.gateway.ruleset
    states = [note.support.value for note in ruleset.notes]
    return {
        "format": FORMAT,
        "findings": [finding(one) for one in checked.findings],
        "accepted": [
            finding(one.finding) | {"reason": one.reason, "accepted_at": str(one.where)}
            for one in checked.accepted
        ],
        "cells": [cell(one) for one in checked.judgement.cells],
        "summary": {
            "services": len(checked.judgement.services),
            "clients": len(checked.judgement.clients),
            "cells": len(checked.judgement.cells),
            "rules": ruleset.rules,
            "not_modelled": {state: states.count(state) for state in sorted(set(states))},
            "findings": counted(checked.findings),
            "inconclusive": checked.inconclusive,
        },
    }


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings there are of each severity that occurs."""
    found = [str(one.severity) for one in findings]
    return {severity: found.count(severity) for severity in dict.fromkeys(found)}


def finding(one: Finding) -> dict[str, Any]:
    return {
        "code": one.code.value,
        "severity": str(one.severity),
        "message": one.message,
        "subject": one.subject or None,
        "clients": list(one.clients),
        "verdict": one.verdict.value if one.verdict is not None else None,
        "where": str(one.where) if one.where is not None else None,
        "rules": [origin(rule) for rule in one.rules],
        "witness": witness(one.witness) if one.witness is not None else None,
        "remedy": one.remedy or None,
        "reasons": list(one.reasons),
    }


def cell(one: Cell) -> dict[str, Any]:
    return {
        "service": str(one.service),
        "clients": one.seen.clients.name,
        "view": one.seen.view,
        "address": str(one.address),
        "told": one.told,
        "verdict": one.verdict.value,
        "works": one.works,
    }


def probe(one: Probed) -> dict[str, Any]:
    return {
        "service": str(one.service),
        "address": str(one.address),
        "source": str(one.source) if one.source is not None else None,
        "live": one.fact.value,
        "verdict": one.cell.verdict.value if one.cell is not None else None,
        "certificate_sha256": one.certificate or None,
        "http": one.http or None,
        "remark": one.remark or None,
    }


def told(one: Told) -> dict[str, Any]:
    return {
        "name": one.name,
        "resolver": str(one.resolver),
        "live": one.fact.value,
        "addresses": [*map(str, one.addresses)],
        "view": one.view,
        "remark": one.remark or None,
    }


def origin(one: Origin) -> dict[str, Any]:
    return {
        "where": str(one.where),
        "text": one.text or None,
        "handle": one.handle,
        "made_by": one.made_by or None,
    }


def witness(one: Witness) -> dict[str, Any]:
    stages = one.outcome.stages if one.outcome is not None else ()
    return {"clients": one.clients, **packet(one.packets), "stages": [stage(each) for each in stages]}


def stage(one: Stage) -> dict[str, Any]:
    acts = [act(each) for each in one.acts]
    return {"where": one.where, "says": one.says or None, **packet(one.packets), "acts": acts}


def act(one: Act) -> dict[str, Any]:
    return {
        "hook": one.hook.value,
        "table": one.table,
        "chain": one.chain,
        "what": one.what,
        "rule": origin(one.rule.origin) if one.rule is not None else None,
    }


def packet(packets: Packets) -> dict[str, Any]:
    """A box of packets, in a person's words; of ICMP there are no ports."""
    family = packets.family
    single = packets.protocols.single
    return {
        "source": shown_addresses(family, packets.source),
        "destination": shown_addresses(family, packets.destination),
        "protocol": _PROTOCOLS.get(single, str(single)) if single is not None else "any",
        "source_port": ports(packets.source_ports),
        "destination_port": ports(packets.destination_ports),
    }


def ports(numbers: Numbers) -> str:
    """``443``, ``8000-8100``, ``any``."""
    if numbers.ranges == ((0, 65_535),):
        return "any"
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in numbers.ranges)


def outcome(one: Outcome) -> dict[str, Any]:
    return {"verdict": one.verdict.value, "stages": [stage(each) for each in one.stages]}
