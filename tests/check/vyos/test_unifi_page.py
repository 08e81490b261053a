"""The page about UniFi says of each construct what the reader makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.unifi.read import read
from splitdns.check.model import Network, Support
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "dialects" / "unifi.md").read_text()
AROUND = [
    {"_id": "wan", "purpose": "wan", "wan_type": "static", "wan_ip": "203.0.113.2",
     "wan_netmask": "255.255.255.0", "wan_gateway": "203.0.113.1"},
    {"_id": "lan", "purpose": "corporate", "ip_subnet": "192.168.1.1/24"},
    {"_id": "ports", "group_type": "port-group", "group_members": ["443"]},
]  # fmt: skip
FORWARD = {"name": "web", "dst_port": "443", "fwd": "192.168.1.20", "proto": "tcp"}
RULE = {"ruleset": "LAN_IN", "rule_index": 2000, "action": "accept", "enabled": True, "protocol": "tcp"}


def rows(heading: str) -> Iterator[tuple[str, str]]:
    """Each construct of the table under a heading, and its state."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n##")[0]
    for cells, state in re.findall(r"^\| (`[\"{].*?`) \| (\w+) \|", section, re.MULTILINE):
        for construct in re.findall(r"`([^`]+)`", cells):
            yield construct, state


def state_of(thing: dict[str, object]) -> str:
    text = json.dumps([*AROUND, thing])
    states = {note.support for note in read([Printed(text, "f")], Network()).ruleset.notes}
    worst_first = (Support.UNKNOWN, Support.WIDENED)
    return next((one.value for one in worst_first if one in states), "modelled")


THINGS = list(rows("Networks"))


@pytest.mark.parametrize(("words", "state"), THINGS, ids=[words for words, _ in THINGS])
def test_a_thing_is_in_the_state_that_the_page_says(words: str, state: str) -> None:
    assert state_of(json.loads(words)) == state


FIELDS = [
    (base, *row)
    for base, heading in ((FORWARD, "Port forwards"), (RULE, "Firewall rules"))
    for row in rows(heading)
]


NAMES = [f"{words} {at}" for at, (_, words, _) in enumerate(FIELDS)]


@pytest.mark.parametrize(("base", "words", "state"), FIELDS, ids=NAMES)
def test_a_field_is_in_the_state_that_the_page_says(base: dict[str, object], words: str, state: str) -> None:
    found = state_of(base | json.loads(f"{{{words}}}"))

    # What is ignored changes nothing at all, and nobody need be told of a switch for logs.
    assert found == ("modelled" if state == "ignored" else state)


def test_policies_between_zones_are_refused() -> None:
    assert "**policies between zones**" in PAGE
    with pytest.raises(ExceptionGroup):
        state_of({"action": "ALLOW", "source": {"zone_id": "x"}})
