from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code, Severity
from tests.check.world import FORWARD, HAIRPIN, World, nat


def test_networks_whose_replies_cross_the_gateway_need_no_hairpin(tmp_path: Path) -> None:
    (finding,) = World(tmp_path).findings(Code.HP_UNNEEDED)

    assert finding.clients == ("dmz0 192.168.20.0/24", "wg0 10.8.0.0/24")
    assert finding.severity is Severity.INFO


def test_who_would_fail_with_the_literal_address_is_named(tmp_path: Path) -> None:
    (finding,) = World(tmp_path).findings(Code.HP_ONLY_FALLBACK)

    assert finding.clients == ("lan0 192.168.1.0/24",)
    assert "203.0.113.7" in finding.message


def test_a_hairpin_costs_the_clients_addresses(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, rules=nat(FORWARD, HAIRPIN)).findings(Code.SRC_LOST_HAIRPIN)

    assert finding.clients == ("lan0 192.168.1.0/24",)
