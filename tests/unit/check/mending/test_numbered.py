from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.changes import Admit, AdmitReplies, Forward
from splitdns.check.mending.numbered import MAX_RULES, Session, rule_set
from splitdns.check.mending.numbers import Asked
from tests.check.vyos.configurations import gateway

WEB, PUBLIC = ip_address("192.168.1.20"), ip_address("203.0.113.2")
RULE = "nat destination rule 1"
ONE = f"{RULE} translation address 10.0.0.20\n{RULE} protocol tcp\n"
WAN_IN = "firewall name WAN_IN default-action drop\ninterfaces ethernet wan firewall in name WAN_IN\n"


def forward(port: tuple[int, int], to_port: tuple[int, int]) -> Forward:
    return Forward(PUBLIC, "tcp", port, WEB, to_port)


def test_what_is_done_is_undone_the_last_first() -> None:
    session = Session(gateway(ONE))

    session.insert("nat destination", ["exclude"], Asked(4), 99)

    assert session.lines() == (
        [
            "rename nat destination rule 1 to rule 2",
            "set nat destination rule 1 description splitdns",
            "set nat destination rule 1 exclude",
        ],
        ["delete nat destination rule 1", "rename nat destination rule 2 to rule 1"],
    )


def test_numbers_that_were_given_are_taken() -> None:
    session = Session(gateway(""))

    session.insert("nat source", ["exclude"], Asked(4), 99)
    session.forget()
    session.insert("nat source", ["exclude"], Asked(4), 99)

    assert session.lines()[1] == ["delete nat source rule 20"]


def test_a_shifted_range_needs_a_rule_for_each_port() -> None:
    session = Session(gateway(""))

    assert [*session.pairs(forward((80, 90), (80, 90)))] == [((80, 90), (80, 90))]
    assert [*session.pairs(forward((80, 80), (8080, 8080)))] == [((80, 80), (8080, 8080))]
    assert [*session.pairs(forward((80, 81), (90, 91)))] == [((80, 80), (90, 90)), ((81, 81), (91, 91))]
    assert [*session.pairs(forward((1, MAX_RULES + 1), (2, MAX_RULES + 2)))] == []
    assert session.lines()[0][0].startswith("# 1-101 cannot be shifted")


def test_an_acceptance_goes_into_the_rule_set_that_drops() -> None:
    session = Session(gateway(WAN_IN))

    rule_set(session, Admit("vyos filter", "name WAN_IN", WEB, "tcp", (443, 444)), 99)
    rule_set(session, AdmitReplies("vyos filter", "name WAN_IN", 4), 99)

    path = "set firewall name WAN_IN rule"
    assert session.lines()[0] == [
        f"{path} 10 description splitdns",
        f"{path} 10 action accept",
        f"{path} 10 destination address 192.168.1.20",
        f"{path} 10 destination port 443-444",
        f"{path} 10 protocol tcp",
        f"{path} 20 description splitdns",
        f"{path} 20 action accept",
        f"{path} 20 state established enable",
        f"{path} 20 state related enable",
    ]


def test_what_drops_without_a_rule_set_is_left_to_a_person() -> None:
    session = Session(gateway(""))

    rule_set(session, Admit("vyos filter", "zone LAN", WEB, "tcp", (443, 443)), 99)

    assert session.lines()[0][0].startswith("# zone LAN drops tcp to 192.168.1.20")


def test_a_rule_beneath_a_path_may_lead_elsewhere() -> None:
    session = Session(gateway(ONE))
    right = Session(gateway(ONE.replace("10.0.0.20", str(WEB))))

    assert session.is_led_elsewhere("nat destination", forward((80, 80), (80, 80)))
    assert not session.is_led_elsewhere("nat source", forward((80, 80), (80, 80)))
    assert not right.is_led_elsewhere("nat destination", forward((80, 80), (80, 80)))
    assert right.is_led_elsewhere("nat destination", forward((80, 80), (81, 81)))
