"""The configuration of a USG, as ``mca-ctrl -t dump-cfg`` prints it: EdgeOS' tree as JSON.

An object's fields are words, a list holds several values of one word, and ``"''"`` is a word without a value.
"""

from __future__ import annotations

from splitdns.check.dialects.unifi.places import Item
from splitdns.check.dialects.vyos.tree import Node

TREES = frozenset({"firewall", "interfaces", "port-forward", "protocols", "service", "system", "vpn"})


def is_usg(item: Item) -> bool:
    """Whether this is a tree of EdgeOS."""
    return any(name in TREES for name, _ in item.fields())


def put(item: Item, node: Node) -> None:
    """All that ``item`` has, beneath ``node``."""
    for name, inner in item.fields():
        _put(inner, node.add((name,), inner.where))


def _put(item: Item, node: Node) -> None:
    if isinstance(item.value, dict):
        put(item, node)
    elif isinstance(item.value, list):
        for one in item.items():
            _put(one, node)
    elif item.text not in ("", "''"):
        node.add((item.text,), item.where)
