"""The pages about VyOS and EdgeOS say of each construct what the reader makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.read import read, read_edgeos
from splitdns.check.model import Network, Note, Support
from tests.check.vyos.configurations import INTERFACES, commands
from tests.meta.tree import ROOT

PAGES = ROOT / "docs" / "dialects"
GROUPS = """
firewall group address-group SERVERS address 192.168.1.20
firewall group network-group NETS network 10.0.0.0/8
firewall group port-group WEB port 443
firewall group interface-group INSIDE interface lan
"""
# What a construct needs beside it, to be a configuration; for those that begin so.
BESIDE = [
    ("interfaces ethernet lan firewall|firewall interface", "firewall name X default-action drop"),
    (".*ipv6-name X6", "firewall ipv6-name X6 default-action drop"),
    (".*modify M", "firewall modify M rule 1 action modify"),
    (".*modify M", "interfaces ethernet lan firewall in modify M"),
    ("firewall name X rule", "firewall name X rule 1 action accept"),
    ("nat destination rule 1 (?!translation|exclude|load)", "nat destination rule 1 exclude"),
    ("nat destination rule 1 translation options", "nat destination rule 1 translation port 80"),
    ("nat static", "nat static rule 1 destination address 203.0.113.2"),
    ("high-availability", "high-availability vrrp group A interface lan"),
    ("service nat rule 1 ", "service nat rule 1 type destination"),
    ("service nat rule 1 ", "service nat rule 1 inside-address port 1"),
    ("service nat rule 5001", "service nat rule 5001 outside-address address 203.0.113.2"),
    ("port-forward rule", "port-forward rule 1 original-port 80"),
    ("port-forward rule", "port-forward rule 1 forward-to address 192.168.1.20"),
]


def rows(page: str, heading: str) -> Iterator[tuple[str, str, str]]:
    """Each construct of the table under a heading, and its state."""
    section = (PAGES / f"{page}.md").read_text().split(f"### {heading}\n")[1].split("\n##")[0]
    for cells, state in re.findall(r"^\| (`.*?`) \| (\w+) \|", section, re.MULTILINE):
        for construct in re.findall(r"`([^`]+)`", cells):
            yield page, construct, state


HEADINGS = {
    "vyos": ["Rule sets", "Translations", "Interfaces and routes", "Services"],
    "edgeos": ["Port forwarding", "Translations", "Rule sets", "Interfaces and services"],
}
CONSTRUCTS = [row for page, headings in HEADINGS.items() for each in headings for row in rows(page, each)]
ASKED = list(rows("vyos", "What a rule asks"))


def state_of(text: str, dialect: str) -> str:
    """The worst state of the notes that ``text`` adds to the usual network."""
    read_it = read if dialect == "vyos" else read_edgeos

    def notes(more: str) -> list[Note]:
        return [*read_it([Printed(commands(INTERFACES + GROUPS + more), "f")], Network()).ruleset.notes]

    states = {note.support for note in notes(text)}
    worst_first = (Support.UNKNOWN, Support.WIDENED, Support.REFUSED, Support.IGNORED)
    return next((one.value for one in worst_first if one in states), "modelled")


@pytest.mark.parametrize(
    ("page", "words", "state"), CONSTRUCTS, ids=[" ".join(row[:2]) for row in CONSTRUCTS]
)
def test_a_construct_is_in_the_state_that_the_page_says(page: str, words: str, state: str) -> None:
    beside = "".join(f"{text}\n" for pattern, text in BESIDE if re.match(pattern, words))

    assert state_of(f"{beside}{words}", page) == state


@pytest.mark.parametrize(("words", "state"), [row[1:] for row in ASKED], ids=[row[1] for row in ASKED])
def test_what_a_rule_asks_is_in_the_state_that_the_page_says(words: str, state: str) -> None:
    rule = "firewall ipv6 name X rule 1" if words.startswith("icmpv6") else "firewall ipv4 name X rule 1"

    assert state_of(f"{rule} action accept\n{rule} {words}", "vyos") == state
