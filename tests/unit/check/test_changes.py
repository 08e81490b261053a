from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.changes import OURS, RedirectDns, SpareDns, with_changes
from splitdns.check.mending import iptables, nftables
from splitdns.check.model import (
    Accept,
    Addresses,
    Chain,
    Hook,
    Interfaces,
    Redirect,
    Ruleset,
    Side,
    Translate,
)
from splitdns.check.sets import numbers_of

LAN = numbers_of(ip_network("192.168.1.0/24"))
RESOLVER = ip_address("192.168.1.53")


@pytest.mark.parametrize("on_gateway", [False, True])
def test_redirected_queries_are_those_that_go_elsewhere_and_are_not_its_own(on_gateway: bool) -> None:
    change = RedirectDns(LAN, "lan0", RESOLVER, "udp", on_gateway)

    (chain,) = with_changes(Ruleset(), [change]).chains
    (rule,) = chain.rules

    assert (chain.table, chain.hook, chain.is_nat) == (OURS, Hook.PREROUTING, True)
    assert Interfaces(Side.SOURCE, frozenset({"lan0"})) in rule.conditions
    by_side = {one.side: one.numbers for one in rule.conditions if isinstance(one, Addresses)}
    assert by_side[Side.SOURCE] == LAN - numbers_of(RESOLVER)
    assert int(RESOLVER) not in by_side[Side.DESTINATION]
    assert rule.action == (Redirect() if on_gateway else Translate(Side.DESTINATION, numbers_of(RESOLVER)))


def test_a_redirection_in_the_words_of_linux() -> None:
    change = RedirectDns(LAN - numbers_of(RESOLVER), "lan0", ip_address("10.0.0.53"), "tcp")
    here = RedirectDns(LAN, "lan0", ip_address("192.168.1.1"), "udp", on_gateway=True)

    (_, _, nft), _ = nftables.written([change])
    (_, _, redirect), _ = nftables.written([here])
    do, undo = iptables.written([change])

    assert nft.endswith(
        "iifname lan0 ip saddr '{ 192.168.1.0-192.168.1.52, 192.168.1.54-192.168.1.255 }' "
        "ip daddr != 10.0.0.53 tcp dport 53 counter dnat to 10.0.0.53"
    )
    assert redirect.endswith("ip daddr != 192.168.1.1 udp dport 53 counter redirect")
    assert do[0].startswith("iptables -t nat -I PREROUTING -i lan0 -s 192.168.1.0/27 ! -d 10.0.0.53 -p tcp")
    assert len(undo) == len(do)


def test_a_resolver_is_spared_where_its_queries_were_led_back() -> None:
    ruleset = Ruleset((Chain("nft ip nat", "dns", (), Hook.PREROUTING, -100, is_nat=True),))
    change = SpareDns("nft ip nat", "dns", RESOLVER, "udp")

    ((rule,),) = (chain.rules for chain in with_changes(ruleset, [change]).chains)

    assert rule.action == Accept()
    assert Addresses(Side.SOURCE, numbers_of(RESOLVER)) in rule.conditions


def test_sparing_in_the_words_of_linux() -> None:
    (nft,), (nft_undo,) = nftables.written([SpareDns("nft ip nat", "dns", RESOLVER, "udp")])
    (do,), (undo,) = iptables.written([SpareDns("iptables nat", "DNS", RESOLVER, "tcp")])

    comment = "comment '\"splitdns\"'"
    assert nft == f"nft insert rule ip nat dns ip saddr 192.168.1.53 udp dport 53 counter accept {comment}"
    assert "nft delete rule ip nat dns handle" in nft_undo
    assert do == (
        "iptables -t nat -I DNS -s 192.168.1.53 -p tcp --dport 53 "
        "-m comment --comment splitdns -j ACCEPT"
    )
    assert undo == do.replace(" -I ", " -D ")
