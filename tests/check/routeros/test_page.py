"""The page about RouterOS says of each construct what the reader makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from splitdns.check.dialects.routeros.actions import ACTIONS
from splitdns.check.dialects.routeros.matches import LIMITS, MATCHERS, WIDENED
from splitdns.check.model import Note
from tests.check.routeros import state_of, usual
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "dialects" / "routeros.md").read_text()
LISTS = (
    "/ip firewall address-list",
    "add address=192.0.2.0/24 list=known",
    "add address=a1b2.sn.mynetname.net list=own",
    "add address=wan.example.net list=names",
    "/ip firewall raw",
    "add action=add-src-to-address-list address-list=filled chain=prerouting",
)


def rows(heading: str) -> Iterator[tuple[str, str]]:
    """Each construct of the table under a heading, and its state."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n##")[0]
    for cells, state in re.findall(r"^\| (`.*?`) \| (\w+) \|", section, re.MULTILINE):
        for construct in re.findall(r"`([^`]+)`", cells):
            yield construct, state


COMMANDS = [row for heading in ("The script", "Menus") for row in rows(heading)]
WORDS = [row for heading in ("Matchers", "Actions") for row in rows(heading)]


@pytest.mark.parametrize(("line", "state"), COMMANDS, ids=[line for line, _ in COMMANDS])
def test_a_command_is_in_the_state_that_the_page_says(line: str, state: str) -> None:
    found = usual("/ip firewall filter", "add chain=forward comment=a", "add chain=input", line)

    assert state_of(found.ruleset.notes) == state


@pytest.mark.parametrize(("words", "state"), WORDS, ids=[words for words, _ in WORDS])
def test_a_rule_is_in_the_state_that_the_page_says(words: str, state: str) -> None:
    table = "mangle" if re.search(r"action=(mark|change|route|set-p|sniff|strip|clear)", words) else "nat"
    table = "filter" if re.search(r"action=fasttrack|in-interface|limit|psd", words) else table
    table = "raw" if "notrack" in words else table
    chain = "" if "chain=" in words else "chain=mine "
    if "netmap" in words and chain:
        chain = "chain=dstnat "

    found = usual(*LISTS, f"/ip firewall {table}", f"add {chain}{words}")

    notes = tuple(note for note in found.ruleset.notes if _is_of(note, words))
    assert state_of(notes) == state


def _is_of(note: Note, words: str) -> bool:
    """A note on this rule, or on the list that it names; what stands in ``LISTS`` has its own."""
    return words in note.origin.text or (note.name == "address-list own" and "list=own" in words)


def test_the_page_names_every_matcher_and_action() -> None:
    named = set(re.findall(r"([a-z0-9-]+)=", PAGE)) | set(re.findall(r"`([a-z0-9-]+)`", PAGE))
    twins = {
        "src-address-type", "dst-port", "src-port", "connection-nat-state", "out-interface-list", "sniff-pc",
        "in-bridge-port-list", "out-bridge-port", "out-bridge-port-list", "change-hop-limit", "change-tos",
        "add-dst-to-address-list", "hop-limit", "headers", "ingress-priority", "ipv4-options", "p2p", "realm",
    }  # fmt: skip

    assert {*MATCHERS, *LIMITS, *WIDENED} - named - twins == set()
    actions = set(re.findall(r"action=([a-z0-9-]+)", PAGE))
    assert set(ACTIONS) - actions - twins == set()
