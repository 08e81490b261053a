"""The page about tables: its examples are read and do what it says, and it names every key."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import table
from splitdns.check.model import Gateway
from splitdns.check.network import Kind
from tests.check.gateways import INTERNET, LAN_CLIENT, addresses, asked, clients, ended, host
from tests.meta.examples import Block, blocks
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "table.md"
EXAMPLES = [block for block in blocks(PAGE) if block.title == "gateway.yaml"]


def gateway(text: str, *hosts: str) -> Gateway:
    read = table.read(text, "gateway.yaml")
    return Gateway(read.network, read.ruleset, tuple(host(f"host {one}", one) for one in hosts))


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: str(block.line))
def test_an_example_is_read(block: Block) -> None:
    assert table.read(block.text, "gateway.yaml").ruleset.rules > 5


def test_the_first_is_a_usual_router_at_home() -> None:
    home = EXAMPLES[0].text
    found = gateway(home, "192.168.1.20/24", "192.168.1.21/24")
    reflecting = gateway(f"{home}hairpin: true\n", "192.168.1.20/24", "192.168.1.21/24")
    public = {"at": "203.0.113.5"}

    assert ended(found, INTERNET, **public) == "ok-dnat host 192.168.1.20/24"
    assert ended(found, INTERNET, protocol=17, ports=27005, **public) == "ok-dnat host 192.168.1.21/24"
    assert ended(found, INTERNET, ports=22, **public) == "dropped"
    assert ended(found, LAN_CLIENT, at="198.51.100.9") == "ok-routed"
    assert ended(found, LAN_CLIENT, **public) == "router-self"
    assert ended(reflecting, LAN_CLIENT, **public) == "ok-hairpin host 192.168.1.20/24"


def test_the_second_admits_what_it_names() -> None:
    found = gateway(EXAMPLES[1].text, "10.0.0.20/24")
    office = clients("office", Kind.NETWORK, "port2", "192.168.1.50", near="192.168.1.0/24")
    outside = clients("internet", Kind.INTERNET, "port1", "198.51.100.9")

    assert ended(found, outside, at="203.0.113.5") == "ok-dnat host 10.0.0.20/24"
    assert ended(found, outside, at="203.0.113.5", ports=8443) == "dropped"
    endpoint = asked(found, office, at="203.0.113.5").outcomes[0].endpoint
    assert endpoint is not None
    assert (endpoint.seen_source, endpoint.ports.single) == (addresses("192.168.1.50"), 8443)
    assert ended(found, office, at="192.168.1.1", protocol=1, ports=8) == "router-self"
    assert ended(found, office, at="192.168.1.1", ports=22) == "dropped"


def test_the_third_filters_behind_the_translation() -> None:
    found = gateway(EXAMPLES[2].text, "10.128.0.10/20")
    outside = clients("internet", Kind.INTERNET, "internet", "198.51.100.9")

    assert ended(found, outside, at="203.0.113.80", ports=80) == "ok-dnat host 10.128.0.10/20"
    assert ended(found, outside, at="203.0.113.80", ports=22) == "dropped"


def test_the_page_names_every_key() -> None:
    page = PAGE.read_text()
    parts = ("", "_FORWARD", "_ONE_TO_ONE", "_MASQUERADE", "_FILTER", "_RULE")
    keys = {key for part in parts for key in getattr(table, f"{part}_KEYS")}

    assert {key for key in keys if f"`{key}`" not in page} == set()
