"""Routes and policy rules as read, looked up the plainest way, against ``ip route get`` in the kernel."""

from __future__ import annotations

import json
import subprocess
from ipaddress import ip_address
from itertools import product

import pytest

from splitdns.check.dialects.iproute import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Network, PolicyRule
from splitdns.check.sets import Address

pytestmark = [pytest.mark.root, pytest.mark.needs("ip", "unshare", "sysctl", "bridge")]

SETUP = """
for link in lan wan dmz vpn; do ip link add $link type veth peer name $link-end; done
for link in lan wan dmz vpn; do ip link set $link up; ip link set $link-end up; done
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
sysctl -qw net.ipv4.conf.lan.rp_filter=0 net.ipv4.conf.vpn.rp_filter=2
ip address add 192.168.1.1/24 dev lan; ip address add 203.0.113.2/24 dev wan
ip address add 10.9.0.1/24 dev dmz
ip address add 10.8.0.1 peer 10.8.0.2/32 dev vpn
ip address add 2001:db8:1::1/64 dev lan nodad; ip address add 2001:db8:2::2/64 dev wan nodad
ip route add default via 203.0.113.1
ip route add default via 203.0.113.9 metric 50
ip route add 10.5.0.0/16 via 192.168.1.5
ip route add 10.5.1.0/24 dev dmz
ip route add 10.6.0.0/16 via inet6 fe80::1 dev lan
ip route add blackhole 10.66.0.0/16
ip route add prohibit 10.67.0.0/16
ip route add unreachable 10.68.0.0/16
ip route add default dev vpn table 100
ip route add throw 10.5.0.0/16 table 100
ip route add 10.5.0.0/16 dev vpn table 200
ip route add 10.5.1.0/24 via 10.9.0.7 table 200
ip route add default dev dmz table 300
ip rule add priority 100 from 192.168.1.64/26 lookup 100
ip rule add priority 110 fwmark 0x10/0xf0 lookup 200
ip rule add priority 120 iif lan to 10.7.0.0/16 lookup 300
ip rule add priority 130 to 10.7.9.0/24 prohibit
ip rule add priority 140 lookup main suppress_prefixlength 0
ip rule add priority 150 not fwmark 0x5 lookup 300 from 192.168.1.32/27
ip rule add priority 160 not from 192.168.1.0/24 to 10.20.0.0/16 lookup 200
ip rule add priority 170 not fwmark 0x21/0xff lookup main
ip rule add priority 180 not to 10.20.0.0/16 lookup 100
ip -6 route add default via fe80::1 dev wan
ip -6 route add 2001:db8:5::/48 via 2001:db8:1::5 dev lan
ip -6 route add blackhole 2001:db8:66::/48
ip -6 route add default dev dmz table 100
ip -6 rule add priority 100 from 2001:db8:1:0:1::/80 lookup 100
ip -6 rule add priority 110 fwmark 0x10/0xf0 unreachable
"""
DESTINATIONS = {
    4: (
        "192.168.1.9",
        "203.0.113.77", "10.8.0.2", "10.9.0.5", "10.5.3.3", "10.5.1.1", "10.6.0.1", "10.66.1.1",
        "10.67.1.1", "10.68.1.1", "10.7.0.1", "10.7.9.1", "10.20.0.1", "198.51.100.1", "192.168.1.1",
    ),
    6: ("2001:db8:1::9", "2001:db8:5::1", "2001:db8:66::1", "2001:db8:99::1", "2001:db8:1::1"),
}  # fmt: skip
SOURCES = {
    4: ("192.168.1.5", "192.168.1.40", "192.168.1.70", "10.8.0.2"),
    6: ("2001:db8:1::5", "2001:db8:1:0:1::5"),
}
MARKS = (0, 5, 0x12, 0x21)
# A rule's own "unreachable" says the same as no route at all.
KINDS = {"Network is unreachable": "none", "No route to host": "none", "Permission denied": "prohibit"}

Hop = tuple[str, str | None, str | None]
"""What kind of route it is, by which interface, and by which router."""


def asked(network: Network, to: Address, source: Address, incoming: str, mark: int) -> Hop:
    """The next hop, looked up one packet at a time."""
    if to in network.addresses(to.version):
        return "local", None, None
    for rule in sorted(network.policy, key=lambda one: one.priority):
        if not _selects(rule, to, source, incoming, mark):
            continue
        fitting = [
            one
            for one in network.routes
            if one.table == rule.table and one.prefix.version == to.version and to in one.prefix
        ]
        if not fitting:
            continue
        best = max(fitting, key=lambda one: (one.prefix.prefixlen, -one.metric))
        if best.kind != "throw":
            via = None if best.via is None else str(best.via)
            kind = "none" if best.kind == "unreachable" else best.kind
            return kind, best.interface if best.kind == "unicast" else None, via
    return "none", None, None


def _selects(rule: PolicyRule, to: Address, source: Address, incoming: str, mark: int) -> bool:
    assert rule.unknown == ""
    for address, prefix in ((source, rule.source), (to, rule.destination)):
        if prefix is not None and (prefix.version != to.version or address not in prefix):
            return False
    if rule.incoming not in (None, incoming):
        return False
    return rule.mark is None or mark & rule.mark[1] == rule.mark[0]


def test_the_next_hop_is_what_the_kernel_says() -> None:
    questions = [
        (family, to, source, incoming, mark)
        for family in (4, 6)
        for to, source, incoming, mark in product(
            DESTINATIONS[family], SOURCES[family], ("lan", "vpn") if family == 4 else ("lan",), MARKS
        )
    ]
    gets = "\n".join(
        f"ip -j -{family} route get {to} from {source} iif {incoming} mark {mark} 2>&1 | tr -d '\\n'; echo"
        for family, to, source, incoming, mark in questions
    )
    listings = (
        "ip -j -d address",
        "ip -j -4 route show table all; ip -j -6 route show table all",
        "ip -j -4 rule; ip -j -6 rule",
        "bridge -j -d link",
        "sysctl -a 2>/dev/null",
    )
    script = SETUP + "\n".join(f"({one}); echo; echo ====" for one in listings) + "\n" + gets
    run = ["unshare", "--net", "sh", "-e", "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    *printed, answers = done.stdout.split("====\n")
    addresses, routes, rules, bridges, switches = ([Printed(text, "f")] for text in printed)
    network = read(addresses, routes, rules, bridges=bridges, switches=switches)
    assert {face.name for face in network.interfaces if face.uplink} == {"wan"}
    assert {face.name: face.rp_filter for face in network.interfaces}["vpn"] == 2
    assert network.forwards == {4: True, 6: True}
    wrong = []
    for question, answer in zip(questions, answers.splitlines(), strict=True):
        _, to, source, incoming, mark = question
        found = asked(network, ip_address(to), ip_address(source), incoming, mark)
        if found != (expected := _kernel(answer)):
            wrong.append(f"{question}: read {found}, kernel {expected}")
    assert wrong == []
    assert len(questions) > 400


def _kernel(answer: str) -> Hop:
    """What ``ip route get`` answered; of verdicts it tells only the error."""
    if not answer.startswith("["):
        return next((kind for words, kind in KINDS.items() if words in answer), "blackhole"), None, None
    (route,) = json.loads(answer)
    kind = route.get("type", "unicast")
    via = route.get("gateway") or route.get("via", {}).get("host")
    return (kind, None, None) if kind != "unicast" else (kind, route["dev"], via)
