from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.table import read
from splitdns.check.model import Interface, InterfaceAddress, Route

WHOLE = """\
uplinks: [wan]
interfaces:
  wan: 203.0.113.5/24
  lan: [192.168.1.1/24, "2001:db8:1::1/64"]
  vpn: null
dynamic: wan
routes:
  10.8.0.0/24: vpn
  10.9.0.0/24: 192.168.1.9
hairpin: [192.168.1.0/24]
hairpin_keeps_source: true
forwards:
  - {name: web, on: wan, address: 203.0.113.5, port: [80/tcp, 443/tcp], to: 192.168.1.20}
  - {port: 8000-8010/udp, to: 192.168.1.21, to_port: 9000, from: [198.51.100.0/24], hairpin: false}
one_to_one:
  203.0.113.6: 192.168.1.30
  203.0.113.7: {to: 192.168.1.31, on: wan, hairpin: true}
masquerade:
  - {on: wan, from: 192.168.1.0/24, as: 203.0.113.5}
  - vpn
filter:
  forward: deny
  gateway: reject
  forwards: by rules
  rules:
    - {allow: 443/tcp, in: wan, out: lan, to: 192.168.1.20}
    - {deny: all, to: gateway, name: nobody}
    - {reject: [tcp, icmp], from: 192.168.1.0/24}
"""


def test_a_table_may_say_all_of_this() -> None:
    table = read(WHOLE, "gateway.yaml")

    assert table.network.interfaces == (
        Interface(
            "wan",
            (InterfaceAddress(ip_address("203.0.113.5"), ip_network("203.0.113.0/24"), dynamic=True),),
            uplink=True,
        ),
        Interface(
            "lan",
            (
                InterfaceAddress(ip_address("192.168.1.1"), ip_network("192.168.1.0/24")),
                InterfaceAddress(ip_address("2001:db8:1::1"), ip_network("2001:db8:1::/64")),
            ),
        ),
        Interface("vpn"),
    )
    assert table.network.routes == (
        Route(ip_network("10.8.0.0/24"), "vpn"),
        Route(ip_network("10.9.0.0/24"), "lan", ip_address("192.168.1.9")),
    )
    assert [chain.name for chain in table.ruleset.chains] == ["prerouting", "postrouting", "forward", "input"]


def test_a_rule_knows_its_place_and_its_words() -> None:
    origins = [str(rule.origin) for chain in read(WHOLE, "t.yaml").ruleset.chains for rule in chain.rules]

    assert origins[0] == "t.yaml:13:5: web: forward 80/tcp, 443/tcp to 192.168.1.20"
    assert "t.yaml:14:5: forward 8000-8010/udp to 192.168.1.21 port 9000" in origins
    assert "t.yaml:16:16: 203.0.113.6 is 192.168.1.30" in origins
    assert "t.yaml:19:5: masquerade as 203.0.113.5" in origins
    assert "t.yaml:27:7: nobody: deny all" in origins


MISTAKES = [
    ("", "t.yaml:1:1: expected uplinks: the interfaces towards the internet, found nothing"),
    ("uplinks: []", "t.yaml:1:1: expected uplinks: the interfaces towards the internet, found none"),
    ("uplinks: {a: b}", "t.yaml:1:10: expected the name of an interface, found {'a': 'b'}"),
    ("[]", "t.yaml:1:1: expected a mapping with uplinks, interfaces, "),
    ("uplinks: a\nforward: []", "t.yaml:2:1: 'forward' is not known here; known: uplinks, interfaces, "),
    (
        "uplinks: a\ninterfaces: 7",
        "t.yaml:2:13: expected names of interfaces, each with its addresses, found 7",
    ),
    ("uplinks: a\ninterfaces: {b: null}", "t.yaml:1:10: expected an interface of this file: b, found 'a'"),
    ("uplinks: a\ninterfaces: {a: 192.0.2.1}", "expected an address with the length of its prefix"),
    ("uplinks: a\ninterfaces: {a: 192.0.2.1/99}", "expected an address with the length of its prefix"),
    ("uplinks: a\nroutes: []", "t.yaml:2:9: expected prefixes, each with its router, found []"),
    (
        "uplinks: a\nroutes: {x: a}",
        "t.yaml:2:13: expected an address or a prefix like 192.168.1.0/24, found 'x'",
    ),
    ("uplinks: a\nroutes: {10.0.0.0/8: 192.0.2.1}", "expected a router in the network of an interface"),
    ("uplinks: a\nroutes: {10.0.0.0/8: b}", "t.yaml:2:22: expected an address, found 'b'"),
    ("uplinks: a\nforwards: {}", "t.yaml:2:11: expected a list of port forwards, found {}"),
    ("uplinks: a\nforwards: [7]", "t.yaml:2:12: expected a mapping with name, on, address, port, to"),
    (
        "uplinks: a\nforwards: [{port: 80/tcp}]",
        "t.yaml:2:12: expected the server's address as to, found nothing",
    ),
    ("uplinks: a\nforwards: [{to: 10.0.0.1}]", "expected ports like 443/tcp, or all, as port, found nothing"),
    (
        "uplinks: a\nforwards: [{port: 80, to: 10.0.0.1}]",
        "t.yaml:2:19: expected ports like 443/tcp or 8000-8100/udp",
    ),
    ("uplinks: a\nforwards: [{port: 80/tcp, to: x}]", "t.yaml:2:31: expected an address, found 'x'"),
    (
        "uplinks: a\nforwards: [{port: 80/tcp, to: 10.0.0.1, hairpin: true}]",
        "t.yaml:2:50: expected the public address as address, which hairpins need, found nothing",
    ),
    (
        "uplinks: a\nhairpin: true\nforwards: [{port: 80/tcp, to: 10.0.0.1}]",
        "t.yaml:3:12: expected the public address as address, which hairpins need, found nothing",
    ),
    (
        "uplinks: a\nforwards: [{port: 80/tcp, to: 10.0.0.1, address: '2001:db8::1'}]",
        "t.yaml:2:31: expected an address of IPv6, found '10.0.0.1'",
    ),
    (
        "uplinks: a\nforwards: [{port: tcp, to: 10.0.0.1, to_port: 80}]",
        "expected ports as port, beside to_port",
    ),
    (
        "uplinks: a\nforwards: [{port: 80/tcp, to: 10.0.0.1, to_port: yes}]",
        "expected a port number, found 'yes'",
    ),
    (
        "uplinks: a\nforwards: [{port: 80-90/tcp, to: 10.0.0.1, to_port: 65530}]",
        "expected room for as many ports as 80-90/tcp has, found 65530",
    ),
    ("uplinks: a\none_to_one: 7", "expected public addresses, each with the inside one, found 7"),
    (
        "uplinks: a\none_to_one: {192.0.2.1: '2001:db8::1'}",
        "expected an address of IPv4, found '2001:db8::1'",
    ),
    ("uplinks: a\nmasquerade: [{on: [7, true]}]", "expected the name of an interface, found true"),
    ("uplinks: a\nhairpin: 7", "expected an address or a prefix like 192.168.1.0/24, found 7"),
    ("uplinks: a\nhairpin_keeps_source: 1", "expected true or false, found 1"),
    ("uplinks: a\nfilter: {forward: maybe}", "expected one of allow, deny, reject, found 'maybe'"),
    ("uplinks: a\nfilter: {forwards: maybe}", "expected admitted, or by rules, found 'maybe'"),
    (
        "uplinks: a\nfilter: {rules: [{in: a}]}",
        "t.yaml:2:18: expected one of allow, deny, reject, found nothing",
    ),
    ("uplinks: a\nfilter: {rules: [{allow: all, deny: all}]}", "found 'allow, deny'"),
    ("uplinks: a\nfilter: {rules: [{allow: null}]}", "expected ports like 443/tcp, or all, as allow"),
    (
        "uplinks: a\nfilter: {rules: [{allow: all, to: gateway, out: b}]}",
        "what is for the gateway goes no further",
    ),
]


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    with pytest.raises(ExceptionGroup) as told:
        read(text, "t.yaml")

    assert mistake in "\n".join(map(str, told.value.exceptions))


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ExceptionGroup) as told:
        read("uplinks: a\nhairpin: 7\nmasquerade: 7\nfilter: 7\n", "t.yaml")

    assert [error.where.line for error in told.value.exceptions] == [2, 3, 4]  # type: ignore[union-attr]
