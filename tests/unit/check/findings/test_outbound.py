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
