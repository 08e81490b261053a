from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.changes import Admit, AdmitReplies, Forward
from splitdns.check.mending.writers import WRITERS, usual, written
from splitdns.check.model import Chain, Gateway, Network, Ruleset
from splitdns.cli.app import RulesDialect

WEB = ip_address("192.168.1.20")
FORWARD = Forward(ip_address("203.0.113.7"), "tcp", (443, 443), WEB, (443, 443))


def test_the_command_line_offers_every_dialect() -> None:
    assert {dialect.value for dialect in RulesDialect} == set(WRITERS)


def test_a_gateway_is_mended_in_its_own_words() -> None:
    def of(*tables: str) -> str:
        chains = tuple(Chain(table, "forward", ()) for table in tables)
        return usual(Gateway(Network(), Ruleset(chains)))

    assert of("routeros nat", "routeros filter") == "routeros"
    assert of("iptables nat", "nft inet fw") == "nftables"
    assert of("table nat") == "table"
    assert of("iptables nat") == of() == "nftables"


def test_an_insertion_is_written_for_the_tool_that_keeps_the_chain() -> None:
    changes = [
        FORWARD,
        Admit("nft inet fw", "forward", WEB, "tcp", (443, 443)),
        AdmitReplies("ip6tables filter", "FORWARD", 6),
    ]

    found = [line for do, _ in written(changes, "iptables") for line in do]

    assert [line.split()[0] for line in found] == ["nft", "iptables", "ip6tables"]
    ((do, undo),) = written([FORWARD], "nftables")
    assert {line.split()[0] for line in (*do, *undo)} == {"nft"}
