from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.matches import Never, conditions_of
from splitdns.check.model import (
    Addresses,
    Condition,
    IcmpTypes,
    Interfaces,
    Ports,
    Protocols,
    Side,
    State,
    States,
    Support,
    TcpFlags,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.vyos.configurations import reading

TCP = Protocols(Numbers.one(6))
BOTH = Protocols(Numbers.of((6, 6), (17, 17)))


def asked(*lines: str, lets_through: bool = True, family: int = 4) -> list[Condition]:
    found = reading("".join(f"firewall name x rule 1 {line}\n" for line in lines))
    node = found.tree.at("firewall", "name", "x", "rule", "1")
    assert node is not None
    conditions = conditions_of(found, node, family, lets_through=lets_through, besides=frozenset({"action"}))
    found.problems.raise_errors("wrong")
    return conditions


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["action accept", "description web", "log enable"], []),
        (["protocol all"], []),
        (["protocol tcp"], [TCP]),
        (["protocol tcp", "destination port 443"], [TCP, Ports(Side.DESTINATION, Numbers.one(443))]),
        (["destination port 443"], [BOTH, Ports(Side.DESTINATION, Numbers.one(443))]),
        (["source address 10.0.0.0/8"], [Addresses(Side.SOURCE, addresses("10.0.0.0/8"))]),
        (["inbound-interface eth0"], [Interfaces(Side.SOURCE, frozenset({"eth0"}))]),
        (["inbound-interface name eth0"], [Interfaces(Side.SOURCE, frozenset({"eth0"}))]),
        (["outbound-interface any"], []),
        (["state established enable", "state new disable"], [States(frozenset({State.ESTABLISHED}))]),
        (["state new"], [States(frozenset({State.NEW}))]),
        (["tcp flags SYN,!ACK"], [TcpFlags(18, 2)]),
        (["tcp flags syn", "tcp flags not ack"], [TcpFlags(18, 2)]),
        (["icmp type-name echo-request"], [Protocols(Numbers.one(1)), IcmpTypes(Numbers.one(8))]),
        (["connection-status nat destination"], [Translated(Side.DESTINATION)]),
        (["fragment match-non-frag"], []),
        (["limit rate 5/second"], []),
    ],
)
def test_what_a_rule_asks(lines: list[str], expected: list[Condition]) -> None:
    assert asked(*lines) == expected


@pytest.mark.parametrize(
    "line", ["fragment match-frag", "recent count 4"]
)
def test_what_no_new_connection_meets(line: str) -> None:
    with pytest.raises(Never):
        asked(line, lets_through=False)


@pytest.mark.parametrize(
    ("line", "support"),
    [
        ("time starttime 08:00", Support.WIDENED),
        ("limit rate 5/second", Support.WIDENED),
        ("frobnicate x", Support.UNKNOWN),
        ("source mac-address 00:11:22:33:44:55", Support.WIDENED),
        ("source frobnicate x", Support.UNKNOWN),
        ("protocol frobnicate", Support.WIDENED),
        ("icmp code 4", Support.WIDENED),
    ],
)
def test_what_is_not_modelled_may_hold_or_not(line: str, support: Support) -> None:
    found = reading(f"firewall name x rule 1 {line}")
    node = found.tree.at("firewall", "name", "x", "rule", "1")
    assert node is not None

    conditions = conditions_of(found, node, 4, lets_through=False, besides=frozenset())

    assert any(isinstance(one, Unknown) for one in conditions)
    assert [note.support for note in found.notes] == [support]


@pytest.mark.parametrize(
    "line",
    ["source address 2001:db8::1", "source address", "destination port 0x50", "state odd", "tcp flags ODD"],
)
def test_what_is_no_value_is_a_mistake(line: str) -> None:
    with pytest.raises(ExceptionGroup):
        asked(line)
