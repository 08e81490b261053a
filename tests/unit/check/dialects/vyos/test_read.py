from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.read import read, read_edgeos
from splitdns.check.model import Interface, Network, Support
from tests.check.gateways import INTERNET, ended, own
from tests.check.vyos.configurations import INTERFACES, commands, device, gateway

FORWARD = """
nat destination rule 10 protocol tcp
nat destination rule 10 destination port 443
nat destination rule 10 translation address 192.168.1.20
"""


def test_a_whole_gateway_is_read() -> None:
    assert ended(gateway(FORWARD), INTERNET) == "ok-dnat web"


def test_several_texts_are_one_configuration() -> None:
    texts = [Printed(commands(INTERFACES), "network"), Printed(commands(FORWARD), "nat")]

    found = read(texts, Network())

    assert [one.name for one in found.network.interfaces] == ["wan", "lan", "dmz"]
    assert found.ruleset.rules == 1
    assert found.ruleset.chains[0].rules[0].origin.where.file == "nat"


def test_what_other_sources_tell_of_an_interface_goes_before() -> None:
    known = Interface("wan", (own("198.51.100.1/24"),))

    found = read([Printed(commands(INTERFACES), "f")], Network((known,)))

    wan = found.network.interface("wan")
    assert wan is not None
    assert wan.addresses == known.addresses


def test_a_leased_address_is_told_by_show_interfaces() -> None:
    config = commands("interfaces pppoe pppoe0 source-interface eth0\n")
    told = "Interface    IP Address      S/L  Description\npppoe0       203.0.113.7/32  u/u\n"

    found = read([Printed(config, "config"), Printed(told, "shown")], Network()).network.interfaces

    assert found == (
        Interface("pppoe0", (own("203.0.113.7/32", True),), uplink=True, point_to_point=True),
    )


def test_the_dialect_names_the_tables() -> None:
    texts = [Printed(commands(INTERFACES + FORWARD), "f")]

    assert [chain.table for chain in read(texts, Network()).ruleset.chains] == ["vyos nat"]
    assert [chain.table for chain in read_edgeos(texts, Network()).ruleset.chains] == ["edgeos nat"]


def test_nothing_at_the_top_is_left_out_in_silence() -> None:
    found = device("system host-name x\nfrobnicate x\nload-balancing wan x\n")

    assert {(note.name, note.support) for note in found.ruleset.notes} == {
        ("system", Support.IGNORED),
        ("frobnicate", Support.UNKNOWN),
        ("load-balancing", Support.WIDENED),
    }


def test_nothing_right_beneath_is_left_out_in_silence() -> None:
    found = device(
        "policy local-route rule 1 set table 7\npolicy route-map X rule 1 action permit\n"
        "service dns dynamic name X protocol cloudflare\nnat frobnicate x\nprotocols frobnicate x\n"
    )

    assert {(note.name, note.support) for note in found.ruleset.notes} == {
        ("policy local-route", Support.UNKNOWN),
        ("policy route-map", Support.IGNORED),
        ("service dns dynamic", Support.IGNORED),
        ("nat frobnicate", Support.UNKNOWN),
        ("protocols frobnicate", Support.UNKNOWN),
    }


def test_all_mistakes_of_all_texts_are_told() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed("hello", "a"), Printed("set x 'y", "b")], Network())

    assert [str(error)[0] for error in caught.value.exceptions] == ["a", "b"]
