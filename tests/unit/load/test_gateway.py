from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from splitdns.load.gateway import COMMANDS, Dialect, GatewaySettings
from splitdns.load.settings import read_settings

GATEWAY = """\
gateway:
  sources:
    - {dialect: nftables, file: rules.json}
    - {dialect: ip-address, command: [ip, -j, address]}
    - {dialect: iptables, ssh: root@gateway.example}
  uplinks: [wan0]
  resolver: [192.168.1.53, "fd00::53"]
  hosts:
    web:
      addresses: [192.168.10.20/24]
      gateway: [192.168.10.2]
      routes: {203.0.113.7/32: on-link, 10.0.0.0/8: 192.168.10.9}
      listens: [443/tcp, 8000-8100/udp]
  clients:
    vpn: {prefixes: [10.8.0.0/24], interface: wg0, tunnelled: [192.168.0.0/16]}
  listens: []
"""


def gateway(text: str) -> GatewaySettings:
    found = read_settings(text, "f").gateway
    assert found is not None
    return found


def test_what_the_check_is_to_know_is_read() -> None:
    read = gateway(GATEWAY)

    assert [source.dialect for source in read.sources] == [
        Dialect.NFTABLES,
        Dialect.IP_ADDRESS,
        Dialect.IPTABLES,
    ]
    assert read.sources[1].command == ("ip", "-j", "address")
    assert read.sources[2].ssh == "root@gateway.example"
    web, vpn = read.hosts["web"], read.clients["vpn"]
    assert web.addresses == (ip_interface("192.168.10.20/24"),)
    assert web.routes == {
        ip_network("203.0.113.7/32"): None,
        ip_network("10.0.0.0/8"): ip_address("192.168.10.9"),
    }
    assert [*map(str, web.listens or ())] == ["443/tcp", "8000-8100/udp"]
    assert vpn.tunnelled == (ip_network("192.168.0.0/16"),)
    assert read.listens == ()


@pytest.mark.parametrize(
    ("text", "error"),
    {
        "sources: [{dialect: nftables}]": "f:2:13: expected one of file, command or ssh, found none",
        "sources: [{dialect: nftables, file: a, ssh: b}]": (
            "f:2:13: expected one of file, command or ssh, found file and ssh"
        ),
        "sources: [{dialect: table, ssh: b}]": "f:2:13: expected a file: table has no usual command",
        "sources: [{dialect: nft, file: a}]": "f:2:23: expected nftables, .*, found 'nft'",
        "hosts: {web: {addresses: [192.168.10.20]}}": "f:2:29: expected an address with the length .*",
        "hosts: {web: {addresses: [a/24]}}": "f:2:29: expected an address with the length .*",
        "clients: {vpn: {prefixes: [10.8.0.1/24], interface: wg0}}": "f:2:30: expected a prefix.*",
        "accept: [{code: FWD-MISSING, subject: a}]": "f:2:12: expected the setting 'reason' here.*",
        "accept: [{code: nothing, subject: a, reason: b}]": "f:2:19: expected a finding's code, like .*",
        "accept: [{code: FWD-MISSING, subject: a, reason: ''}]": "f:2:52: expected a name, found ''",
        "clients: {vpn: {prefixes: [10.8.0.0/24]}}": "f:2:13: expected the setting 'interface' here.*",
        "resolver: [router]": "f:2:14: expected an address, like 192.168.10.1, found 'router'",
        "uplinks: ['']": "f:2:13: expected a name, found ''",
        "listens: [https]": "f:2:13: expected a port such as 443/tcp.*",
    }.items(),
    ids=lambda value: None,
)
def test_mistakes_are_told_with_their_place(text: str, error: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(f"gateway:\n  {text}\n", "f")

    assert [e for e in map(str, caught.value.exceptions) if not re.fullmatch(error, e)] == []


def test_only_dialects_that_a_command_prints_have_one() -> None:
    by_hand = {Dialect.COMPOSE, Dialect.TABLE}
    by_a_page_or_an_api = {Dialect.NSX, Dialect.PFSENSE, Dialect.OPNSENSE}
    assert set(Dialect) - set(COMMANDS) == by_hand | by_a_page_or_an_api
