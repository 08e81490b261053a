"""The observer: a network small enough to know how each connection must end, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.check.verdict import Verdict
from tests.lab.built import built
from tests.lab.ending import Ending, ending
from tests.lab.observe import Probe
from tests.lab.plan import GATEWAY, TCP, UDP, Chain, Host, Interface, Nic, Plan, Table, read, written

pytestmark = [
    pytest.mark.root,
    pytest.mark.needs("nft", "iptables", "ipset", "sysctl"),
    pytest.mark.usefixtures("gateways"),
]

FORWARDS = Chain(
    "prerouting",
    "type nat hook prerouting priority dstnat; policy accept;",
    (
        "ip daddr 203.0.113.2 tcp dport 80 dnat to 192.168.1.20",
        "ip daddr 203.0.113.2 tcp dport 8080 dnat to 192.168.1.20:80",
        "ip daddr 203.0.113.2 udp dport 53 dnat to 10.0.0.20",
        "ip daddr 203.0.113.2 tcp dport 99 dnat to 192.168.1.99",
        "ip daddr 203.0.113.2 tcp dport 25 dnat to 192.168.1.21",
    ),
)
HAIRPIN = Chain(
    "postrouting",
    "type nat hook postrouting priority srcnat; policy accept;",
    ("ip saddr 10.0.0.0/24 ip daddr 192.168.1.20 masquerade",),
)
FILTER = Chain(
    "forward",
    "type filter hook forward priority filter; policy accept;",
    ('iifname "wan0" tcp dport 443 drop', 'iifname "wan0" tcp dport 444 reject with tcp reset'),
)

PLAN = Plan(
    interfaces=(
        Interface("wan0", ("203.0.113.2/28",), uplink=True),
        Interface("lan0", ("192.168.1.1/24",)),
        Interface("br0", ("10.0.0.1/24",), ports=("p1", "p2")),
    ),
    hosts=(
        Host("visitor", (Nic("wan0", ("203.0.113.1/28",)),), routes=(("192.168.1.0/24", "203.0.113.2"),)),
        Host("web", (Nic("lan0", ("192.168.1.20/24",)),), "192.168.1.1", listens={TCP: (80, 443, 444)}),
        Host("lost", (Nic("lan0", ("192.168.1.21/24",)),), listens={TCP: (25,)}),
        Host("laptop", (Nic("lan0", ("192.168.1.100/24",)),), "192.168.1.1"),
        Host("app", (Nic("p1", ("10.0.0.20/24",)),), "10.0.0.1", listens={UDP: (53,)}),
        Host("tablet", (Nic("p2", ("10.0.0.100/24",)),), "10.0.0.1"),
    ),
    tables=(Table("nftables", "ip lab", (FORWARDS, HAIRPIN, FILTER)),),
    asks=(),
    routes=("default via 203.0.113.1",),
    listens={TCP: (22,)},
)

CASES = [
    (Probe("visitor", "203.0.113.2", TCP, 80), Ending(Verdict.OK_DNAT, "web", 80)),
    (Probe("visitor", "203.0.113.2", TCP, 8080), Ending(Verdict.OK_DNAT, "web", 80)),
    (Probe("visitor", "203.0.113.2", UDP, 53), Ending(Verdict.OK_DNAT, "app", 53)),
    (Probe("visitor", "203.0.113.2", TCP, 22), Ending(Verdict.ROUTER_SELF, GATEWAY, 22)),
    (Probe("visitor", "203.0.113.2", TCP, 81), Ending(Verdict.REFUSED)),
    (Probe("visitor", "203.0.113.2", UDP, 81), Ending(Verdict.REFUSED)),
    (Probe("visitor", "203.0.113.2", TCP, 99), Ending(Verdict.NO_ROUTE)),
    (Probe("visitor", "203.0.113.2", TCP, 25), Ending(Verdict.NO_ROUTE)),
    (Probe("visitor", "192.168.1.20", TCP, 80), Ending(Verdict.OK_ROUTED, "web", 80)),
    (Probe("visitor", "192.168.1.20", TCP, 443), Ending(Verdict.DROPPED)),
    (Probe("visitor", "192.168.1.20", TCP, 444), Ending(Verdict.REFUSED)),
    (Probe("visitor", "10.0.0.20", UDP, 53), Ending(Verdict.NO_ROUTE)),
    (Probe("laptop", "203.0.113.2", TCP, 80), Ending(Verdict.ASYM_REPLY)),
    (Probe("laptop", "192.168.1.20", TCP, 80), Ending(Verdict.OK_DIRECT, "web", 80)),
    (Probe("web", "203.0.113.2", TCP, 80), Ending(Verdict.SELF_LOOP)),
    (Probe("web", "203.0.113.2", UDP, 53), Ending(Verdict.OK_DNAT, "app", 53)),
    (Probe("tablet", "203.0.113.2", TCP, 80), Ending(Verdict.OK_HAIRPIN, "web", 80)),
    (Probe("tablet", "10.0.0.20", UDP, 53), Ending(Verdict.OK_DIRECT, "app", 53)),
    (Probe("tablet", "10.0.0.20", UDP, 54), Ending(Verdict.REFUSED)),
    (Probe("gateway", "203.0.113.2", TCP, 22), Ending(Verdict.ROUTER_SELF, GATEWAY, 22)),
]


@pytest.mark.parametrize("bridge_nf", [False, True])
def test_every_way_to_end_is_told_from_the_others(bridge_nf: bool) -> None:
    plan = replace(PLAN, bridge_nf=bridge_nf)
    with built(plan) as network:
        observed = network.observatory.observe([probe for probe, _ in CASES])
        owns = network.owns
    for seen, (probe, expected) in zip(observed, CASES, strict=True):
        assert seen.probe == probe
        assert replace(ending(seen, GATEWAY, owns), source=None) == expected, str(seen)


def test_on_a_bridge_with_bridge_nf_forwards_between_two_ports_work_without_hairpin__semantics_26() -> None:
    forward = Chain(
        "PREROUTING", "ACCEPT", ("-d 203.0.113.2 -p udp --dport 53 -j DNAT --to-destination 10.0.0.20",)
    )
    tables = (Table("iptables", "nat", (forward,)),)
    endings = {}
    for bridge_nf in (False, True):
        with built(replace(PLAN, tables=tables, bridge_nf=bridge_nf)) as network:
            seen = network.observatory.observe([Probe("tablet", "203.0.113.2", UDP, 53)])[0]
            endings[bridge_nf] = ending(seen, GATEWAY, network.owns).verdict
    assert endings == {False: Verdict.ASYM_REPLY, True: Verdict.OK_DNAT}


def test_the_gateway_says_of_itself_what_the_check_reads() -> None:
    sets = Table("ipset", "", sets=("create pool hash:net family inet\nadd pool 203.0.113.0/28",))
    rule = "-m set --match-set pool dst -j DNAT --to-destination 192.168.1.20"
    rules = Chain("PREROUTING", "ACCEPT", (rule,))
    tables = (*PLAN.tables, sets, Table("iptables", "nat", (rules,)))
    with built(replace(PLAN, tables=tables)) as network:
        exports = network.exports()
    assert '"dport"' in exports["nftables"]
    assert "--match-set pool dst" in exports["iptables"]
    assert "add pool 203.0.113.0/28" in exports["ipset"]
    assert '"203.0.113.2"' in exports["ip-address"]
    assert '"gateway":"203.0.113.1"' in exports["ip-route"]
    assert '"table":"main"' in exports["ip-rule"]


def test_a_plan_is_the_same_when_it_has_been_written_down() -> None:
    assert read(written(PLAN)) == PLAN
