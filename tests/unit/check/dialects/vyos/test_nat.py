from __future__ import annotations

from collections.abc import Iterator

import pytest

from splitdns.check.dialects.vyos.nat import read_nat
from splitdns.check.model import Accept, Chain, Masquerade, Netmap, Redirect, Rule, Side, Translate
from splitdns.check.sets import Numbers
from tests.check.gateways import DMZ_CLIENT, INTERNET, LAN_CLIENT, addresses, asked, ended
from tests.check.vyos.configurations import gateway, reading

FORWARD = """
nat destination rule 10 destination address 203.0.113.2
nat destination rule 10 destination port 443
nat destination rule 10 protocol tcp
nat destination rule 10 translation address 192.168.1.20
"""
HAIRPIN = """
nat source rule 10 source address 192.168.1.0/24
nat source rule 10 destination address 192.168.1.20
nat source rule 10 translation address masquerade
"""
OLD = """
service nat rule 1 type destination
service nat rule 1 inbound-interface wan
service nat rule 1 destination port 443
service nat rule 1 protocol tcp
service nat rule 1 inside-address address 192.168.1.20
service nat rule 5010 type masquerade
service nat rule 5010 outbound-interface wan
"""
PAIR = addresses("10.0.0.1-10.0.0.2")


def none(_side: Side) -> Iterator[Rule]:
    return iter(())


def chains(text: str, dialect: str = "vyos") -> list[Chain]:
    found = reading(text, dialect)
    made = list(read_nat(found, none))
    found.problems.raise_errors("wrong")
    return made


def actions(text: str, dialect: str = "vyos") -> list[object]:
    return [rule.action for chain in chains(text, dialect) for rule in chain.rules]


def test_a_forward_by_address_needs_a_hairpin_on_the_server_s_link_only() -> None:
    assert ended(gateway(FORWARD), INTERNET) == "ok-dnat web"
    assert ended(gateway(FORWARD), LAN_CLIENT) == "asym-reply"
    assert ended(gateway(FORWARD), DMZ_CLIENT) == "ok-dnat web"
    assert ended(gateway(FORWARD + HAIRPIN), LAN_CLIENT) == "ok-hairpin web"


def test_a_forward_by_interface_is_not_met_from_inside() -> None:
    found = gateway(FORWARD + "nat destination rule 10 inbound-interface name wan")

    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, LAN_CLIENT) == "router-self"


def test_the_lower_number_decides_wherever_it_stands() -> None:
    exclude = "nat destination rule 5 protocol tcp\nnat destination rule 5 exclude\n"

    assert ended(gateway(FORWARD + exclude), INTERNET) == "router-self"
    assert ended(gateway(FORWARD + f"{exclude}nat destination rule 5 disable"), INTERNET) == "ok-dnat web"


def test_rules_of_edgeos() -> None:
    found = gateway(OLD, "edgeos")

    assert ended(found, INTERNET) == "ok-dnat web"
    assert [chain.name for chain in found.ruleset.chains] == ["service nat destination", "service nat source"]
    assert actions(OLD, "edgeos")[-1] == Masquerade()


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("translation address 10.0.0.1", Translate(Side.DESTINATION, addresses("10.0.0.1"))),
        ("translation port 80", Translate(Side.DESTINATION, None, Numbers.one(80))),
        ("translation address 10.0.0.1-10.0.0.2", Translate(Side.DESTINATION, PAIR)),
        ("translation redirect port 53", Redirect(Numbers.one(53))),
        ("load-balance backend 10.0.0.1 weight 50", Translate(Side.DESTINATION, addresses("10.0.0.1"))),
        ("exclude", Accept()),
    ],
)
def test_what_a_rule_does(words: str, action: object) -> None:
    rule = "nat destination rule 1"

    assert actions(f"{rule} protocol tcp\n{rule} {words}") == [action]


def test_a_network_becomes_another_with_the_same_hosts() -> None:
    (action,) = actions("nat source rule 1 translation address 203.0.113.0/28")

    assert isinstance(action, Netmap)


def test_a_port_in_the_target_s_range_is_kept_and_another_becomes_the_first() -> None:
    to = "nat destination rule 10 translation port 9000-9010\n"
    rule = FORWARD.replace("port 443", "port 8000-9005") + to

    def port(number: int) -> int | None:
        endpoint = asked(gateway(rule), INTERNET, ports=number).outcomes[0].endpoint
        assert endpoint is not None
        return endpoint.ports.single

    assert (port(9001), port(8000)) == (9001, 9000)


def test_one_to_one_is_in_both_directions() -> None:
    rule = "nat static rule 1"
    text = f"{rule} destination address 203.0.113.2\n{rule} translation address 192.168.1.20\n"

    assert ended(gateway(f"{text}{rule} inbound-interface wan"), INTERNET, ports=22) == "ok-dnat web"
    assert [action.side for action in actions(text) if isinstance(action, Translate)] == [
        Side.DESTINATION,
        Side.SOURCE,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "nat destination rule 1 protocol tcp",
        "nat destination rule 1 translation address here",
        "nat destination rule 1 translation address 2001:db8::1",
        "nat destination rule 1 translation port x1",
        "nat static rule 1 destination address 203.0.113.2",
        "service nat rule 1 type odd",
    ],
)
def test_what_cannot_be_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        chains(text)
