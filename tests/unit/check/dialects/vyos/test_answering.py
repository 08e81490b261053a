from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.answering import read_answering
from tests.check.gateways import INTERNET, LAN_CLIENT, PUBLIC, ended
from tests.check.vyos.configurations import gateway, reading

DNS = "service dns forwarding"
INSIDE = "192.168.1.1"


@pytest.mark.parametrize(
    ("text", "at_wan", "at_lan"),
    [
        (f"{DNS} listen-address 192.168.1.1", "refused", "router-self"),
        (f"{DNS} listen-address 0.0.0.0", "router-self", "router-self"),
        (f"{DNS} listen-on lan", "refused", "router-self"),
        (f"{DNS} listen-on lan\n{DNS} listen-on wan", "router-self", "router-self"),
        (f"{DNS} listen-on leased", "router-self", "router-self"),
        (f"{DNS} allow-from 192.168.0.0/16", "dropped", "router-self"),
        (f"{DNS} allow-from 0.0.0.0/0", "router-self", "router-self"),
        (f"{DNS} port 5353\n{DNS} listen-on lan", "router-self", "router-self"),
    ],
)
def test_a_forwarder_answers_where_it_listens_and_whom_it_may(text: str, at_wan: str, at_lan: str) -> None:
    found = gateway(text)

    assert ended(found, INTERNET, at=PUBLIC, ports=53, protocol=17) == at_wan
    assert ended(found, LAN_CLIENT, at=INSIDE, ports=53, protocol=17) == at_lan


def test_ssh_may_listen_inside_alone() -> None:
    found = gateway("service ssh listen-address 192.168.1.1")

    assert ended(found, INTERNET, at=PUBLIC, ports=22) == "refused"
    assert ended(found, LAN_CLIENT, at=INSIDE, ports=22) == "router-self"


def test_without_a_word_nothing_is_kept_away() -> None:
    assert list(read_answering(reading("service ssh port 22"))) == []


def test_what_is_no_address_is_a_mistake() -> None:
    found = reading(f"{DNS} listen-address here\n{DNS} allow-from there")

    list(read_answering(found))

    assert len(found.problems.errors) == 2
