"""Which words are found for what failed; that each code appears, ``tests/check/test_findings`` shows."""

from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code, Severity
from tests.check.world import FORWARD, HAIRPIN, PLAIN, World, nat


def test_one_finding_names_all_clients_for_whom_it_holds(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN, rules=nat()).findings(Code.FWD_MISSING)

    assert {"lan0 192.168.1.0/24", "wg0 10.8.0.0/24", "the internet"} <= set(finding.clients)
    assert finding.subject == "www.example.com. 443/tcp"
    assert finding.message.startswith("nothing leads 203.0.113.7 to it: ")
    assert str(finding.where).endswith("example.com.yaml:4:28")


def test_a_finding_shows_its_witness_and_the_rules(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN).findings(Code.HP_MISSING)

    assert finding.witness is not None
    assert finding.witness.clients == "lan0 192.168.1.0/24"
    assert [str(rule) for rule in finding.rules] == [f"rules.v4:6:1: {FORWARD.strip()}"]
    assert "inside address" in finding.remedy


def test_the_gateway_s_own_connections_are_mentioned_and_not_failed(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN, rules=nat(FORWARD, HAIRPIN)).findings(Code.HP_DNAT_WAN_ONLY)

    assert finding.clients == ("the gateway",)
    assert finding.severity is Severity.INFO


def test_what_only_literal_addresses_meet_is_no_failure(tmp_path: Path) -> None:
    assert World(tmp_path).findings(Code.HP_MISSING) == []
