"""A view's share of a zone as a master file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dns.rdatatype
import dns.zone

from splitdns.cli.zone import master_lines
from splitdns.names import from_text, to_text
from splitdns.records import RRset, Type
from splitdns.zone import Node, Zone, pack
from tests.build import view, zone
from tests.unit.cli.conftest import BROKEN, CONFIG, Run


def test_what_is_shown_can_be_read_as_a_master_file_again__rfc1035_5() -> None:
    text = """
@       3600 IN NS ns1
@       3600 IN MX 10 mail
ns1     3600 IN A 192.0.2.53
we\\.ird  60 IN TXT "a \\" quote" "; no comment"
*.apps    60 IN A 192.0.2.7
sub     3600 IN NS ns1.example.net.
u         60 IN TYPE65280 \\# 2 abcd
"""
    here = replace(zone(text, elsewhere=["nas"]), source="zones/example.org.zone")
    lines = [*master_lines(here, view(here))]
    assert lines[0] == "; zone example.org. as view test sees it, from zones/example.org.zone"
    assert "nas" not in "\n".join(lines)
    shown = dns.zone.from_text("\n".join(lines) + "\n", origin="example.org.", relativize=False)
    declared = zone(text)
    for node in declared.nodes():
        for rrset in node.rrsets:
            rdtype = dns.rdatatype.RdataType.make(rrset.rdtype)
            rdataset = shown.find_rdataset(to_text(node.owner), rdtype)
            assert rdataset.ttl == rrset.ttl_s
            assert {rdata.to_wire() for rdata in rdataset} == set(rrset.rdatas)


def test_what_a_master_file_cannot_say_is_a_comment() -> None:
    here = zone(
        "", overlay=True, inherit={"www": ["TXT", "MX"]}, regexps=[("^r[0-9]$", "192.0.2.4"), ("^n", "")]
    )
    lines = [*master_lines(here, view(here))]
    assert lines[1] == "; names that are not here are forwarded, if the view recurses"
    assert "; www.example.org. inherits TXT, MX" in lines
    assert lines[-2:] == [
        "; names that ~^r[0-9]$ is found in:",
        "; example.org.\t300\tIN\tA\t192.0.2.4",
    ]


def test_a_value_that_is_not_known_is_said_to_be_so__semantics_12() -> None:
    apex = from_text("example.org.")
    node = Node(apex, apex, (RRset(apex, Type.A, 60, ()),))
    here = Zone(apex, pack([node]))
    assert [*master_lines(here, view(here))][1:] == ["; example.org. A: the value is not known now"]


def test_every_mistake_and_warning_is_printed_and_errors_end_with_status_2(run: Run, desk: Path) -> None:
    path = desk / "zones" / "broken.example.yaml"
    path.write_text(BROKEN)
    result = run("zone", "check", "zones/broken.example.yaml", "zones/example.org.yaml")
    assert result.exit_code == 2
    places = [line.partition(": ")[0] for line in result.stderr.splitlines()]
    assert "zones/broken.example.yaml:3:12" in places
    assert "zones/broken.example.yaml:4:9" in places
    assert result.stdout == ""


def test_warnings_alone_are_no_failure(run: Run, desk: Path) -> None:
    result = run("zone", "check", "zones/")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("zones/example.org.yaml:8:13: warning: ")


def test_without_files_the_configuration_and_all_that_it_names_is_checked(run: Run, desk: Path) -> None:
    config = desk / "splitdns.yaml"
    config.write_text(CONFIG.replace('["."]', "[lan]"))
    result = run("zone", "check")
    assert (result.exit_code, result.stdout) == (0, "")
    places = [line.partition(" view ")[0] for line in result.stderr.splitlines()]
    assert places[:2] == ["splitdns.yaml:2:3: warning:", "splitdns.yaml:3:3: warning:"]
    assert places[2].startswith("zones/example.org.yaml:8:13: warning: ")

    (desk / "zones" / "broken.example.yaml").write_text(BROKEN)
    result = run("zone", "check")
    assert result.exit_code == 2
    assert "zones/broken.example.yaml:3:12: expected A data" in result.stderr
    assert "splitdns.yaml:2:3: warning: view lan recurses" in result.stderr

    config.write_text(CONFIG + "admn: {}\n")
    result = run("zone", "check")
    assert result.exit_code == 2
    assert "'admn' is not a setting here" in result.stderr


def test_a_zone_is_shown_as_a_view_sees_it(run: Run) -> None:
    shown = run("zone", "show", "example.org", "--view", "internet")
    assert shown.exit_code == 0
    assert "www.example.org.\t60\tIN\tA\t203.0.113.7" in shown.stdout.splitlines()
    assert "nas.example.org" not in shown.stdout


def test_a_view_or_zone_that_is_not_there_is_answered_with_those_that_are(run: Run, desk: Path) -> None:
    assert "expected a view (lan, vpn, internet)" in run("zone", "show", "x", "--view", "x").stderr
    assert "of view lan (example.org.)" in run("zone", "show", "x", "--view", "lan").stderr
    (desk / "zones" / "broken.example.yaml").write_text(BROKEN)
    result = run("zone", "show", "broken.example", "--view", "lan")
    assert result.exit_code == 2
    assert "did not load" in result.stderr
