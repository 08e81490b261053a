"""A UniFi gateway, from what its controller keeps or from the configuration of a USG.

Both are read as the tree of EdgeOS that the gateway gets. Policies between zones, which newer controllers
have instead of rule sets, are documented nowhere: they are refused, and the gateway's own rules asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.unifi import usg
from splitdns.check.dialects.unifi.controller import Controller, kind_of
from splitdns.check.dialects.unifi.places import Item, parse
from splitdns.check.dialects.vyos.read import device_of
from splitdns.check.dialects.vyos.shown import Shown
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.model import Device, Network, Note, Origin, Support
from splitdns.errors import ConfigError, Problems, Where

_INSTEAD = "give what iptables-save and ipset save print on the gateway, as dialects iptables and ipset"
_ZONES = ("zone_id", "zone_ids", "source_zone_id")


def read(texts: Sequence[Printed], around: Network) -> Device:
    """A gateway of UniFi; several texts are parts of what its controller keeps, or of one configuration.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    tree = Node("", Where(texts[0].file, 1, 1))
    problems = Problems()
    things: list[Item] = []
    is_whole = False
    for one in texts:
        try:
            item = parse(one.text, one.file)
        except ConfigError as error:
            problems.error(error)
            continue
        if usg.is_usg(item):
            usg.put(item, tree)
            is_whole = True
        else:
            things += _things(item, problems)
    for thing in things:
        if _is_policy(thing):
            what = "expected no policy between zones, which is documented nowhere"
            problems.error(ConfigError(thing.where, f"{what}: {_INSTEAD}"))
    problems.raise_errors("the configuration is wrong")
    notes, addresses = _written(tree, things)
    device = device_of("unifi", tree, around, addresses)
    ruleset = replace(device.ruleset, notes=(*notes, *device.ruleset.notes))
    return replace(device, ruleset=ruleset, listens=device.listens if is_whole else None)


def _things(item: Item, problems: Problems) -> Iterable[Item]:
    """The objects of an answer of the API, of a list, or of several lists by name."""
    data = item.get("data")
    found = [*(data if data.value is not None else item).items()]
    if not found and isinstance(item.value, dict):
        found = [one for _, field in item.fields() for one in field.items()]
    if not found and data.value != []:
        expected = "expected what the controller keeps, like rest/portforward, or a USG's configuration"
        problems.error(ConfigError(item.where, f"{expected}; found neither"))
    return found


def _is_policy(thing: Item) -> bool:
    sides = (thing, thing.get("source"), thing.get("destination"))
    return any(side.get(name).value is not None for side in sides for name in _ZONES)


def _written(tree: Node, things: Sequence[Item]) -> tuple[list[Note], Shown]:
    """Put the things into the tree; what of them is not read is noted. And addresses that were leased."""
    notes: list[Note] = []

    def widen(item: Item, reason: str) -> None:
        notes.append(Note(Support.WIDENED, reason, Origin(item.where, reason), "not modelled"))

    for thing in things:
        if not kind_of(thing):
            name = ", ".join(name for name, _ in thing.fields())[:60] or thing.text
            notes.append(Note(Support.UNKNOWN, f"a thing with {name}", Origin(thing.where), ""))
    controller = Controller(tree, widen)
    controller.write(things)
    return notes, controller.addresses
