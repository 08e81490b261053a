"""What the device listens on, and whom its services answer."""

from __future__ import annotations

import pytest

from splitdns.check.model import Device, Gateway
from splitdns.check.sets import Numbers
from tests.check.gateways import ended
from tests.check.routeros import LAN_CLIENT, OUTSIDE, usual, wrong

FACTORY = Numbers.of((21, 23), (80, 80), (2000, 2000), (8291, 8291), (8728, 8729))


def listens(*lines: str) -> dict[int, Numbers]:
    found = usual(*lines).listens
    assert found is not None
    return found


def test_the_factory_s_services_are_on() -> None:
    assert listens() == {6: FACTORY, 17: Numbers()}


def test_services_are_switched_and_moved() -> None:
    found = listens("/ip service", "set telnet disabled=yes", "set ssh port=2222", "set www-ssl disabled=no")

    assert found[6] == FACTORY - Numbers.of((22, 23)) | Numbers.of((443, 443), (2222, 2222))


@pytest.mark.parametrize(
    ("line", "protocol", "port"),
    [
        ("/ip dns\nset allow-remote-requests=yes", 17, 53),
        ("/ip dns\nset allow-remote-requests=yes", 6, 53),
        ("/interface wireguard\nadd listen-port=51820 name=wg", 17, 51820),
        ("/ip proxy\nset enabled=yes port=3128", 6, 3128),
        ("/snmp\nset enabled=yes", 17, 161),
        ("/interface ovpn-server server\nset enabled=yes port=1195", 17, 1195),
        ("/ip upnp\nset enabled=yes", 6, 2828),
        ("/ip dhcp-server\nadd interface=bridge name=d", 17, 67),
        ("/ip ipsec peer\nadd name=p", 17, 4500),
    ],
)
def test_what_is_switched_on_listens(line: str, protocol: int, port: int) -> None:
    assert port in listens(line)[protocol]
    assert port not in listens()[protocol]


def test_what_is_switched_off_does_not_listen() -> None:
    assert 2000 not in listens("/tool bandwidth-server\nset enabled=no")[6]
    assert 53 not in listens("/ip dns\nset servers=9.9.9.9")[17]


def gateway(found: Device) -> Gateway:
    return Gateway(found.network, found.ruleset, (), found.listens)


def test_a_service_answers_only_its_addresses() -> None:
    found = gateway(usual("/ip service\nset ssh address=192.168.88.0/24"))

    assert ended(found, LAN_CLIENT, at="192.168.88.1", ports=22) == "router-self"
    assert ended(found, OUTSIDE, at="203.0.113.7", ports=22) == "refused"
    assert ended(found, OUTSIDE, at="203.0.113.7", ports=80) == "router-self"


def test_addresses_of_a_service_are_prefixes() -> None:
    (message,) = wrong("/ip service\nset ssh address=home")

    assert message.startswith("gateway.rsc:2:9: expected prefixes with commas between as address")
