"""The page about OpenWrt says of each construct what the reader makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network, Note, Support
from tests.check.openwrt.routers import DEFAULTS, NETWORK, ZONES, section, zone
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "dialects" / "openwrt.md").read_text()
LEASED = section("interface", "leased", proto="dhcp", device="eth9")
HEADINGS = {
    "firewall: defaults and zones": "firewall",
    "firewall: rules": "firewall",
    "firewall: translation": "firewall",
    "network and dhcp": "network",
}
_LISTS = ("addresses", "ports", "entry")
_STATES = (Support.UNKNOWN, Support.REFUSED, Support.WIDENED, Support.IGNORED)


def rows() -> Iterator[tuple[str, str, str]]:
    """The package, the construct and the state of each row."""
    for heading, package in HEADINGS.items():
        part = PAGE.split(f"### {heading}\n")[1].split("\n##")[0]
        found = re.findall(r"^\| (`config .*?) \| (\w+) \|", part, re.MULTILINE)
        assert len(found) > 3, heading
        for construct, state in found:
            its = "dhcp" if construct.startswith("`config host") else package
            yield its, construct, state


def written(construct: str) -> str:
    """The section that a construct is an example of."""
    kind, *options = re.findall(r"`([^`]+)`", construct)
    lines = [kind]
    for option in options:
        name, _, value = option.partition(" ")
        lines.append(f"\t{'list' if name in _LISTS else 'option'} {name} {value}")
    return "\n".join(lines) + "\n"


def noted(package: str, text: str) -> list[Note]:
    """What is noted of a router with ``text`` in one of its files."""
    first = text if text.startswith("config defaults") else DEFAULTS
    network = NETWORK + LEASED
    firewall = first + ZONES + zone("leased", masq=True)
    found = {"network": network, "firewall": firewall, "dhcp": ""}
    if first is not text:
        found[package] += text
    texts = [Printed(one, name) for name, one in found.items() if one]
    return [*read(texts, Network()).ruleset.notes]


def state_of(notes: list[Note]) -> str:
    """The gravest state."""
    states = {note.support for note in notes}
    return next((one.value for one in _STATES if one in states), "modelled")


ROWS = list(rows())


@pytest.mark.parametrize(("package", "construct", "state"), ROWS, ids=[one for _, one, _ in ROWS])
def test_a_construct_is_in_the_state_that_the_page_says(package: str, construct: str, state: str) -> None:
    notes = [note for note in noted(package, written(construct)) if note not in noted("firewall", "")]

    assert state_of(notes) == state, notes


def test_every_state_is_on_the_page() -> None:
    assert {state for _, _, state in ROWS} == {"modelled", *(one.value for one in Support)}
