from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code, Severity
from tests.check.world import PLAIN, World, filtered, nat

CLOSED = filtered("-A INPUT -i wan0 -m conntrack --ctstate NEW -j DROP\n", forward="ACCEPT")


def test_findings_come_the_worst_first(tmp_path: Path) -> None:
    findings = World(tmp_path, zone=PLAIN).checked().findings

    severities = [one.severity for one in findings]
    assert severities == sorted(severities, reverse=True)
    assert {Severity.CRITICAL, Severity.ERROR, Severity.INFO} <= set(severities)


def test_the_status_says_whether_something_failed_or_is_not_known__semantics_27(tmp_path: Path) -> None:
    world = World(tmp_path)
    well = world.but(rules=world.rules + CLOSED).checked()
    assert {one.severity for one in well.findings} == {Severity.INFO}
    assert well.status(Severity.WARNING) == 0

    failing = world.but(rules=nat() + CLOSED).checked()
    assert failing.status(Severity.WARNING) == 1
    assert failing.status(Severity.CRITICAL) == 0

    sometimes = world.rules.replace("-d 203.0.113.7/32", "-d 203.0.113.7/32 -m time --timestart 08:00:00")
    unknown = world.but(rules=sometimes + CLOSED).checked()
    assert unknown.inconclusive
    assert Code.MODEL_UNKNOWN in {one.code for one in unknown.findings}
    assert unknown.status(Severity.WARNING) == 3


def test_the_same_world_gives_the_same_findings(tmp_path: Path) -> None:
    world = World(tmp_path, zone=PLAIN)

    assert world.checked().findings == world.checked().findings
