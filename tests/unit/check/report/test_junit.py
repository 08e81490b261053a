from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from splitdns.check.finding import Severity
from splitdns.check.report.junit import report
from tests.check.world import PLAIN, World, filtered

CLOSED = filtered("-A INPUT -i wan0 -m conntrack --ctstate NEW -j DROP\n", forward="ACCEPT")


def cases(world: World, fail_on: Severity = Severity.WARNING) -> tuple[ElementTree.Element, dict[str, str]]:
    suite = ElementTree.fromstring(report(world.checked(), fail_on))
    return suite, {
        f"{case.get('classname')}: {case.get('name')}": child.get("message", "")
        for case in suite
        for child in case
    }


def test_each_service_and_group_of_clients_is_a_case(tmp_path: Path) -> None:
    suite, failed = cases(World(tmp_path, zone=PLAIN))

    lan = "www.example.com. 443/tcp: lan0 192.168.1.0/24 to 203.0.113.7"
    assert "past the gateway" in failed[lan]
    assert any(key.startswith("EXP-ADMIN: ") for key in failed)
    assert (suite.get("tests"), suite.get("failures")) == (str(len(suite)), str(len(failed)))


def test_what_is_milder_than_asked_for_does_not_fail(tmp_path: Path) -> None:
    suite, failed = cases(World(tmp_path, zone=PLAIN), Severity.CRITICAL)

    assert not any("lan0" in key for key in failed)
    assert suite.get("failures") == "1"


def test_what_is_not_known_is_skipped_with_the_reason(tmp_path: Path) -> None:
    world = World(tmp_path)
    rules = world.rules.replace("-p tcp", "-m time --timestart 08:00:00 -p tcp") + CLOSED

    suite, told = cases(world.but(rules=rules))

    assert suite.get("skipped") == "1"
    assert "time" in told["www.example.com. 443/tcp: the internet to 203.0.113.7"]


def test_what_is_accepted_is_skipped_with_the_reason(tmp_path: Path) -> None:
    entry = '{accept: [{code: HP-MISSING, subject: "www.example.com. 443/tcp", reason: meant}]}'

    suite, told = cases(World(tmp_path, zone=PLAIN, gateway=entry))

    assert suite.get("skipped") == "1"
    assert told["www.example.com. 443/tcp: lan0 192.168.1.0/24 to 203.0.113.7"] == "accepted: meant"
