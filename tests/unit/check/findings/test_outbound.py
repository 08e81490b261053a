from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code
from tests.check.world import FORWARD, World, nat

TO_ANYBODY = "-A PREROUTING -p tcp -m tcp --dport {} -j DNAT --to-destination 192.168.1.20\n"


def test_captured_ports_and_who_is_captured_are_named(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, rules=nat(FORWARD, TO_ANYBODY.format(8443))).findings(Code.NAT_HIJACK_OUT)

    assert "port 8443 of anybody on the internet" in finding.message
    assert {"lan0 192.168.1.0/24", "dmz0 192.168.20.0/24"} <= set(finding.clients)
    assert str(finding.where) == "rules.v4:7:1"


def test_dns_may_be_captured_on_purpose(tmp_path: Path) -> None:
    codes = World(tmp_path, rules=nat(FORWARD, TO_ANYBODY.format(53))).codes()

    assert Code.NAT_HIJACK_OUT.value not in codes
    assert Code.RED53_PARTIAL.value in codes


LOCAL = (
    "-A PREROUTING -p tcp -m tcp --dport 443 -m addrtype --dst-type LOCAL {} "
    "-j DNAT --to-destination 192.168.1.20\n"
)


def test_a_forward_for_local_addresses_takes_what_is_for_the_gateway_itself(tmp_path: Path) -> None:
    world = World(tmp_path, rules=nat(LOCAL.format("! -d 192.168.1.1")), gateway="{listens: [443/tcp]}")

    (finding,) = world.findings(Code.NAT_CAPTURES_ROUTER)
    assert finding.message.endswith("own 10.8.0.1, 192.168.20.1 port 443 goes to 192.168.1.20")
    deaf = world.but(gateway="{listens: [22/tcp]}")
    assert deaf.findings(Code.NAT_CAPTURES_ROUTER) == []
    spared = world.but(rules=nat(LOCAL.format("-d 203.0.113.7")))
    assert spared.findings(Code.NAT_CAPTURES_ROUTER) == []


def test_a_forward_of_everything_takes_what_is_for_the_gateway_itself(tmp_path: Path) -> None:
    everything = "-A PREROUTING -d 192.168.20.1 -j DNAT --to-destination 192.168.1.20\n"
    world = World(tmp_path, rules=nat(everything), gateway="{listens: [22/tcp, 123/udp]}")

    assert len(world.findings(Code.NAT_CAPTURES_ROUTER)) == 1
