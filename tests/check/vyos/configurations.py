"""Configurations for tests, in a few words: a LAN, a DMZ, an uplink, and what is set besides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.interfaces import read_interfaces
from splitdns.check.dialects.vyos.read import read, read_edgeos
from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.routes import read_routes
from splitdns.check.dialects.vyos.tree import Node, parse
from splitdns.check.model import Device, Gateway, Network
from tests.check.gateways import DMZ_HOST, WEB_HOST

INTERFACES = """\
interfaces ethernet wan address 203.0.113.2/24
interfaces ethernet lan address 192.168.1.1/24
interfaces ethernet dmz address 10.0.0.1/24
protocols static route 0.0.0.0/0 next-hop 203.0.113.1
"""


def commands(text: str) -> str:
    """Each line with ``set`` before it."""
    return "".join(f"set {line.strip()}\n" for line in text.splitlines() if line.strip())


def device(text: str, dialect: str = "vyos") -> Device:
    read_it = read if dialect == "vyos" else read_edgeos
    return read_it([Printed(commands(INTERFACES + text), "config")], Network())


def gateway(text: str, dialect: str = "vyos") -> Gateway:
    found = device(text, dialect)
    return Gateway(found.network, found.ruleset, (WEB_HOST, DMZ_HOST))


def reading(text: str, dialect: str = "vyos") -> Reading:
    """A tree of which the interfaces and routes have been read."""
    found = Reading(dialect, parse(commands(INTERFACES + text), "config"))
    read_interfaces(found)
    read_routes(found)
    return found


def leaves(tree: Node) -> Iterator[str]:
    """The tree as commands, one for each leaf."""
    for child in tree.children.values():
        if child.children:
            yield from leaves(child)
        else:
            quoted = (f"'{word}'" if " " in word or not word else word for word in child.path)
            yield f"set {' '.join(quoted)}"


_TAKEN = re.compile(r"# or, for a USG, take from config\.gateway\.json: (?P<piece>.*)")


def provisioned(text: str, lines: Sequence[str]) -> str:
    """A USG's configuration with pieces of JSON among ``lines`` merged into it, and others taken from it."""
    whole = json.loads(text)
    for line in lines:
        taken = _TAKEN.fullmatch(line)
        if taken is not None:
            _take(whole, json.loads(taken["piece"]))
        elif not line.startswith("#"):
            _merge(whole, json.loads(line))
    return json.dumps(whole, indent="\t") + "\n"


def _merge(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        else:
            whole[key] = value


def _take(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        if isinstance(value, dict):
            _take(whole[key], value)
        if not isinstance(value, dict) or not whole[key]:
            del whole[key]
