from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code, Severity
from splitdns.check.findings.names import MAX_NAMES
from tests.check.world import FORWARD, NETWORK, SPLIT, World, nat

VPN_MASQUERADED = "-A POSTROUTING -s 10.8.0.0/24 -o lan0 -j MASQUERADE\n"
ALL_MASQUERADED = "-A POSTROUTING -o lan0 -j MASQUERADE\n"
TO_RESOLVER = "-A PREROUTING -d 203.0.113.7/32 -p udp --dport 53 -j DNAT --to-destination 192.168.1.53\n"
RESOLVER = "{resolver: [192.168.1.53, 203.0.113.7]}"


def test_a_lost_view_is_critical_where_the_internet_meets_an_inside_one(tmp_path: Path) -> None:
    vpn = World(tmp_path, gateway=RESOLVER, rules=nat(FORWARD, VPN_MASQUERADED)).findings(Code.DNS_VIEW_LOST)
    assert {(one.clients, one.severity) for one in vpn} == {(("wg0 10.8.0.0/24",), Severity.ERROR)}
    assert "meet lan instead of vpn" in vpn[0].message

    world = World(tmp_path, gateway=RESOLVER, rules=nat(FORWARD, TO_RESOLVER, ALL_MASQUERADED))
    (everybody,) = world.findings(Code.EXP_OPEN_RESOLVER)
    assert everybody.clients == ("the internet",)
    assert everybody.severity is Severity.CRITICAL


def test_an_address_that_the_provider_leads_here_is_not_stale(tmp_path: Path) -> None:
    zone = SPLIT.replace("$wan4", "198.51.100.77")
    rules = FORWARD.replace("203.0.113.7", "198.51.100.77")

    assert World(tmp_path, zone=zone, rules=nat(rules)).findings(Code.DNS_WAN_STALE) == []
    (finding,) = World(tmp_path, zone=zone).findings(Code.DNS_WAN_STALE)
    assert "the gateway has 203.0.113.7" in finding.message


def test_many_names_are_told_a_few_at_a_time(tmp_path: Path) -> None:
    many = SPLIT + "".join(f"  n{number}: {{A: $wan4}}\n" for number in range(MAX_NAMES + 9))

    found = World(tmp_path, zone=many, network=NETWORK).findings(Code.DNS_NAME_NO_SERVICE)

    assert len(found) == MAX_NAMES + 1
    assert found[-1].message.startswith("9 more") or any(one.message.startswith("9 more") for one in found)
