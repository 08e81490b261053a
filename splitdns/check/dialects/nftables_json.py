"""The JSON of ``nft -j list ruleset``: its objects one by one, each with its place.

One object is one thing of the ruleset (libnftables-json(5)): a table, a chain, a set, a rule. A list of
commands, which has the same frame, is none: what a kernel holds after them, only a kernel can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from splitdns.check.dialects.json_places import Document, Json, Misshapen, mapping, only, placed
from splitdns.errors import ConfigError, Where

_START = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"nftables"[ \t\r\n]*:[ \t\r\n]*\[')
_END = re.compile(r"[ \t\r\n]*\}[ \t\r\n]*\Z")
_COMMANDS = frozenset(
    {"add", "replace", "create", "insert", "delete", "list", "reset", "flush", "rename", "destroy"}
)
_EXPECTED = "expected the output of 'nft -j list ruleset'"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the ruleset: ``what`` is "table", "chain", "rule", …"""

    where: Where
    what: str
    body: dict[str, Json]


def items(text: str, file: str) -> Iterator[Item]:
    """Each thing of the ruleset, in order.

    Raises:
        ConfigError: it is not JSON, or not of nft's shape, or nested too deeply.
    """
    document = Document(text, file)
    start = _START.match(text)
    if start is None:
        where = document.where(document.after_space(0))
        raise ConfigError(where, f'{_EXPECTED}, which begins with {{"nftables": [')
    things, end = document.array(start.end())
    if _END.match(text, end) is None:
        where = document.where(document.after_space(end))
        raise ConfigError(where, "expected '}' and the end after the ruleset")
    for value, where in things:
        with placed(where):
            yield _item(value, where)


def _item(value: Json, where: Where) -> Item:
    what, body = only(value, "a thing of the ruleset")
    if what in _COMMANDS:
        raise Misshapen(f"this is a command, {what!r}, and not what a kernel holds; {_EXPECTED}")
    return Item(where, what, mapping(body, f"{what[:60]!r}"))
