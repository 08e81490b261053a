from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending import routeros
from splitdns.check.mending.routeros import MAX_PORTS
from splitdns.check.model import Gateway, Network, Ruleset
from splitdns.check.sets import numbers_of
from tests.check.gateways import LAN as LAN_FACE
from tests.check.gateways import interface, own
from tests.check.routeros import chain, device

WEB, WAN = ip_address("192.168.1.20"), ip_address("203.0.113.7")
LAN = numbers_of(ip_network("192.168.1.0/24"))
FIRST = "comment=splitdns place-before=0"
FORWARD = Forward(WAN, "tcp", (443, 443), WEB, (443, 443))


def written(changes: Sequence[Change], network: Network | None = None) -> tuple[list[str], list[str]]:
    return routeros.written(changes, Gateway(network or Network(), Ruleset()))


def test_each_change_is_a_rule_before_all_others() -> None:
    do, undo = written(
        [
            Forward(WAN, "tcp", (443, 443), WEB, (443, 443)),
            Hairpin(LAN, 4, WEB, "tcp", (443, 443)),
            Admit("routeros filter", "forward", WEB, "udp", (8000, 8009)),
            AdmitReplies("routeros filter", "my chain", 4),
            SpareDns("routeros nat", "dstnat", WEB, "udp"),
        ]
    )

    nat, filtering = "/ip firewall nat", "/ip firewall filter"
    assert do == [
        f"{nat} add chain=dstnat action=dst-nat dst-address=203.0.113.7 protocol=tcp dst-port=443 "
        f"to-addresses=192.168.1.20 {FIRST}",
        f"{nat} add chain=srcnat action=masquerade src-address=192.168.1.0/24 dst-address=192.168.1.20 "
        f"protocol=tcp dst-port=443 {FIRST}",
        f"{filtering} add chain=forward action=accept dst-address=192.168.1.20 protocol=udp "
        f"dst-port=8000-8009 {FIRST}",
        f'{filtering} add chain="my chain" action=accept connection-state=established,related {FIRST}',
        f"{nat} add chain=dstnat action=accept src-address=192.168.1.20 protocol=udp dst-port=53 {FIRST}",
    ]
    assert undo == [f"{nat} remove [find comment=splitdns]", f"{filtering} remove [find comment=splitdns]"]


def test_dns_is_led_to_a_server_or_to_the_device_itself() -> None:
    resolver = ip_address("192.168.1.53")
    (low, high), _ = written([RedirectDns(LAN, "bridge", resolver, "udp")])
    (own, _), _ = written([RedirectDns(LAN, "b$r", resolver, "tcp", on_gateway=True)])

    words = "in-interface=bridge src-address={} dst-address=!192.168.1.53 protocol=udp dst-port=53"
    before = "/ip firewall nat add chain=dstnat action=dst-nat to-addresses=192.168.1.53 "
    assert low == f"{before}{words.format('192.168.1.0-192.168.1.52')} {FIRST}"
    assert high == f"{before}{words.format('192.168.1.54-192.168.1.255')} {FIRST}"
    assert 'action=redirect in-interface="b\\$r" src-address=' in own


def test_translated_ports_and_ipv6_have_their_own_forms() -> None:
    six = ip_address("2001:db8::20")
    (one, first, *rest, v6), _ = written(
        [
            Forward(WAN, "tcp", (25565, 25565), WEB, (25566, 25566)),
            Forward(WAN, "tcp", (8000, 8009), WEB, (9000, 9009)),
            Forward(ip_address("2001:db8:ffff::7"), "tcp", (80, 80), six, (80, 80)),
        ]
    )

    assert f"to-addresses=192.168.1.20 to-ports=25566 {FIRST}" in one
    assert "dst-port=8000 to-addresses=192.168.1.20 to-ports=9000" in first
    assert len(rest) == 9
    assert v6.startswith("/ipv6 firewall nat add chain=dstnat action=dst-nat dst-address=2001:db8:ffff::7 ")
    assert "to-address=2001:db8::20 " in v6


def test_a_range_is_shifted_by_as_many_rules_as_a_person_can_keep() -> None:
    def shifted(count: int) -> Change:
        return Forward(WAN, "tcp", (8000, 8000 + count - 1), WEB, (9000, 9000 + count - 1))

    assert len(written([shifted(MAX_PORTS)])[0]) == MAX_PORTS
    assert written([shifted(MAX_PORTS + 1)]) == (
        ["# RouterOS shifts no ranges: serve 8000-8128/tcp, and not 9000-9128"], [],
    )  # fmt: skip


def test_the_reader_understands_what_is_written() -> None:
    change = Forward(WAN, "tcp", (443, 443), WEB, (8443, 8443))
    do, undo = written([change, Admit("routeros filter", "forward", WEB, "tcp", (8443, 8443))])
    before = "/ip firewall nat add chain=srcnat\n/ip firewall filter add chain=forward action=drop\n"

    mended = device("\n".join([before, *do]))
    undone = device("\n".join([before, *do, *undo]))

    assert len(chain(mended, "dstnat").rules[0].conditions) == 3
    forward = chain(mended, "forward", "routeros filter")
    assert ["splitdns" in rule.origin.text for rule in forward.rules] == [True, False]
    assert [one.name for one in undone.ruleset.chains] == ["forward", "srcnat"]
    assert undone.ruleset.notes == ()


def test_a_forward_of_a_leased_address_does_not_name_it() -> None:
    wan = replace(interface("ether1", uplink=True), addresses=(own("203.0.113.7/24", dynamic=True),))
    one = Network((LAN_FACE, wan))
    two = replace(one, interfaces=(*one.interfaces, interface("guests", "192.168.20.1/24")))
    more = replace(wan, name="ether2", addresses=(own("198.51.100.7/24", dynamic=True),))

    rest = f"protocol=tcp dst-port=443 to-addresses=192.168.1.20 {FIRST}"
    before = "/ip firewall nat add chain=dstnat action=dst-nat dst-address"
    assert written([FORWARD], one)[0] == [f"{before}-type=local dst-address=!192.168.1.1 {rest}"]
    do, undo = written([FORWARD, FORWARD], two)
    assert do == [
        "/ip firewall address-list add address=192.168.1.1 comment=splitdns list=splitdns-inside",
        "/ip firewall address-list add address=192.168.20.1 comment=splitdns list=splitdns-inside",
        f"{before}-type=local dst-address-list=!splitdns-inside {rest}",
    ]
    assert undo[0] == "/ip firewall address-list remove [find comment=splitdns]"
    assert undo[1:] == ["/ip firewall nat remove [find comment=splitdns]"]
    fixed = replace(one, interfaces=(*one.interfaces, more))
    assert written([FORWARD], fixed)[0] == [f"{before}=203.0.113.7 {rest}"]
