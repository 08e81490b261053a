"""Changes for UniFi gateways: what a person does in the controller, and a piece for a USG.

The controller has no commands. Each change is said as steps there, each behind ``#``; and what a USG can take
is one line of JSON in the form of its config.gateway.json, which adds to what the controller gives it. There
the numbers of rules must be free: what would need another rule to move is left to the steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending import edgeos
from splitdns.check.mending.numbered import Lines
from splitdns.check.mending.spelling import ports_of
from splitdns.check.model import Gateway

_FORWARDS = "Settings > Policy Engine > Port Forwarding"
_RULES = "Settings > Policy Engine > Firewall Rules"
_NAT = "Settings > Policy Engine > NAT"
_FILE = "config.gateway.json"


def written(changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change] = ()) -> Lines:
    """Steps for the controller and a line of JSON that make the changes, and what takes them back.

    ``earlier`` changes of the same gateway have been written before, and have their numbers.
    """
    do = [f"# {step}" for change in changes for step in _steps(change)]
    undo = [f"# take back: {step}" for change in reversed(changes) for step in _steps(change)]
    commands, _ = edgeos.written(changes, gateway, earlier)
    piece: dict[str, object] = {}
    for command in commands:
        if command.startswith("set "):
            _put(piece, command.removeprefix("set ").split())
    if piece and not any(command.startswith("rename ") for command in commands):
        do += [f"# or, for a USG, add to {_FILE} on the controller, and provision it:", json.dumps(piece)]
        undo.insert(0, f"# or, for a USG, take from {_FILE}: {json.dumps(piece)}")
    return do, undo


def _steps(change: Change) -> Iterator[str]:
    match change:
        case Forward():
            yield (
                f"{_FORWARDS} > Create New: Name splitdns, WAN IP Address {change.address}, WAN Port"
                f" {ports_of(change.port)}, Forward IP Address {change.to}, Forward Port"
                f" {ports_of(change.to_port)}, Protocol {change.protocol.upper()}; delete what leads this"
                " elsewhere"
            )
        case Hairpin():
            yield (
                f"port forwards of the controller make the hairpin to {change.to} by themselves: have"
                f" {change.protocol} {ports_of(change.to_port)} among them, in {_FORWARDS}"
            )
        case Admit():
            yield (
                f"{_RULES} > Create Entry: Name splitdns, Rule Set {change.chain.rpartition(' ')[2]}, Action"
                f" Accept, before predefined rules, Protocol {change.protocol.upper()}, Destination"
                f" {change.to} port {ports_of(change.to_port)}"
            )
        case AdmitReplies():
            yield (
                f"{_RULES} > Create Entry: Name splitdns, Rule Set {change.chain.rpartition(' ')[2]}, Action"
                " Accept, before predefined rules, States Established and Related"
            )
        case RedirectDns():
            yield (
                f"{_NAT} > Create New: Name splitdns, Type Dest. NAT, Interface {change.interface}, Protocol"
                f" {change.protocol.upper()}, Destination not {change.resolver} port 53, Translated IP"
                f" Address {change.resolver}"
            )
        case SpareDns():
            yield (
                f"{_NAT} > Create New, above the others: Name splitdns, Type Dest. NAT, Exclude, Protocol"
                f" {change.protocol.upper()}, Source {change.resolver}, Destination port 53"
            )


def _put(piece: dict[str, object], words: Sequence[str]) -> None:
    """A path of words into nested objects; the last is a value, unless it says something by itself."""
    *path, last = words
    if last == "exclude":
        path, last = [*words], "''"
    holder = piece
    for word in path[:-1]:
        inner = holder.setdefault(word, {})
        assert isinstance(inner, dict)
        holder = inner
    holder[path[-1]] = last
