"""``splitdns check``: what it prints, and with which status it ends."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from splitdns.check import probe, world
from splitdns.check.judge import Judgement
from splitdns.check.probe import Fact, Probed, Told
from splitdns.check.report.schema import json_schema
from splitdns.check.world import Published
from splitdns.view import Upstream
from tests.check.world import filtered, nat
from tests.unit.cli.conftest import Run
from tests.unit.cli.gateway import RULES, lay


def test_findings_are_grouped_by_service_with_a_matrix_at_the_end(run: Run, desk: Path) -> None:
    lay(desk)

    result = run("check")

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "old.example.com. 444/tcp" in lines
    assert any("FWD-MISSING  nothing leads 203.0.113.7 to it" in line for line in lines)
    assert "            witness  198.51.100.7 to 203.0.113.7:22 tcp: router-self" in lines
    assert any(line.startswith("service") and "lan0 192.168.10.0/24" in line for line in lines)
    assert lines[-1].startswith("2 services, ")
    assert "2 rules: 1 critical, 2 errors, 1 warning, 1 info" in lines[-1]


def test_services_of_which_the_same_is_to_be_known_stand_together(run: Run, desk: Path) -> None:
    lay(desk)
    zone = desk / "zones" / "example.com.yaml"
    www, _, _ = zone.read_text().partition("  old:")
    zone.write_text(f"{www}{www.splitlines()[-1].replace('www', 'also')}\n")

    lines = run("check").stdout.splitlines()

    at = lines.index("also.example.com. 443/tcp, www.example.com. 443/tcp")
    assert lines[at + 1].startswith("  info      HP-ONLY-FALLBACK  ")
    assert sum("HP-ONLY-FALLBACK" in line for line in lines) == 1
    assert "2 info" in lines[-1]


def test_an_accepted_finding_is_printed_with_its_reason(run: Run, desk: Path) -> None:
    lay(desk)
    with (desk / "splitdns.yaml").open("a") as config:
        config.write("  accept:\n    - code: FWD-MISSING\n      subject: old.example.com. 444/tcp\n")
        config.write("      reason: not yet\n")

    text = run("check").stdout
    value = json.loads(run("check", "--format", "json").stdout)

    assert "  FWD-MISSING  old.example.com. 444/tcp: nothing leads 203.0.113.7 to it" in text
    assert "            reason   not yet (" in text
    assert text.splitlines()[-1].endswith(", 1 accepted")
    jsonschema.validate(value, json_schema())
    assert [(one["code"], one["reason"]) for one in value["accepted"]] == [("FWD-MISSING", "not yet")]
    assert "FWD-MISSING" not in {one["code"] for one in value["findings"]}


def test_fail_on_decides_the_status__semantics_27(run: Run, desk: Path) -> None:
    rules = RULES + "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
    lay(desk, rules)

    assert run("check").exit_code == 1
    assert run("check", "--fail-on", "critical").exit_code == 0


def test_the_other_forms_are_for_programs(run: Run, desk: Path) -> None:
    lay(desk)

    assert json.loads(run("check", "--format", "json").stdout)["format"] == 1
    assert json.loads(run("check", "--format", "sarif").stdout)["version"] == "2.1.0"
    assert ElementTree.fromstring(run("check", "--format", "junit").stdout).tag == "testsuite"


def test_probes_follow_the_matrix_and_stand_in_the_report(
    run: Run, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def probed(judgement: Judgement) -> list[Probed]:
        cell = judgement.cells[0]
        return [Probed(cell.service, cell.address, Fact.TIME_OUT, cell=cell, remark="look at the host")]

    async def published(judgement: Judgement) -> list[Published]:
        ours, theirs = frozenset({ip_address("203.0.113.7")}), frozenset({ip_address("203.0.113.8")})
        return [Published("www.example.com.", Upstream("9.9.9.9"), 4, ours, theirs)]

    async def told(judgement: Judgement) -> list[Told]:
        return [Told("www.example.com.", ip_address("192.168.10.53"), Fact.REFUSED)]

    monkeypatch.setattr(probe, "probe", probed)
    monkeypatch.setattr(probe, "ask", told)
    monkeypatch.setattr(world, "ask", published)
    lay(desk)

    text = run("check", "--probe").stdout.partition("From here:")[2]
    value = json.loads(run("check", "--probe", "--format", "json").stdout)

    assert "time-out" in text
    assert "look at the host" in text
    assert "www.example.com.  192.168.10.53  refused" in text
    assert value["probes"][0]["live"] == "time-out"
    assert value["told"][0]["live"] == "refused"
    assert any("tells the world 203.0.113.8" in one["message"] for one in value["findings"])
    jsonschema.Draft202012Validator(json_schema()).validate(value)


def test_without_a_gateway_there_is_nothing_to_check(run: Run) -> None:
    result = run("check")

    assert result.exit_code == 2
    assert "has no gateway.sources" in result.stderr


def test_mistakes_in_sources_are_told_with_their_places(run: Run, desk: Path) -> None:
    lay(desk, "*nat\n-A PREROUTING -s 1.2.3 -j ACCEPT\nCOMMIT\n")
    (desk / "routes.json").write_text("[{")

    result = run("check")

    assert result.exit_code == 2
    assert "rules.v4:2:" in result.stderr
    assert "routes.json:1:" in result.stderr


def test_a_gateway_without_addresses_is_a_mistake(run: Run, desk: Path) -> None:
    lay(desk)
    (desk / "addresses.json").write_text("[]")

    result = run("check")

    assert result.exit_code == 2
    assert "expected a source that tells the gateway's addresses" in result.stderr


def test_a_rule_set_that_cannot_be_known_for_sure_ends_with_3__semantics_27(run: Run, desk: Path) -> None:
    sometimes = RULES.replace("-p tcp", "-m time --timestart 08:00:00 -p tcp")
    lay(desk, sometimes + filtered("-A INPUT -i wan0 -m conntrack --ctstate NEW -j DROP\n", forward="ACCEPT"))
    (desk / "zones" / "example.org.yaml").unlink()
    zone = desk / "zones" / "example.com.yaml"
    zone.write_text("\n".join(line for line in zone.read_text().splitlines() if "old" not in line) + "\n")

    result = run("check")

    assert "MODEL-UNKNOWN" in result.stdout
    assert result.exit_code == 3


def test_nothing_is_forwarded_without_rules(run: Run, desk: Path) -> None:
    lay(desk, nat())

    assert run("check").stdout.count("FWD-MISSING") == 2


def test_without_all_zones_nothing_is_judged(run: Run, desk: Path) -> None:
    lay(desk)
    (desk / "zones" / "broken.example.yaml").write_text("zone: other.example\n")

    result = run("check")

    assert result.exit_code == 2
    assert "broken.example" in result.stderr
    assert result.stdout == ""
