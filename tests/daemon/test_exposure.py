"""The server checks the gateway by itself, and notices when its rules change."""

from __future__ import annotations

from pathlib import Path

from tests.check.world import nat
from tests.daemon.server import Server, Site
from tests.unit.cli import gateway

ZONE = """\
zone: example.org
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.10.20, outside: 203.0.113.7}, expose: [443/tcp]}
"""
ABSENT = nat()


def put(site: Site, rules: str) -> None:
    """New rules, as the helper puts them in place: whole."""
    new = site.path / ".rules.v4"
    new.write_text(rules)
    new.rename(site.path / "rules.v4")


def test_findings_come_and_go_with_the_rules__semantics_23(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("example.org.yaml", ZONE)
    site.configure(site.settings.replace("127.0.0.1/32]", "127.0.0.1/32, 192.168.0.0/16]"))
    gateway.lay(tmp_path, ABSENT)
    (site.zones / "example.com.yaml").unlink()
    subject = 'subject="www.example.org. 443/tcp"'
    series = f'exposure_findings{{code="FWD-MISSING",severity="error",{subject}}}'
    service = 'exposure_consistent{service="www.example.org. 443/tcp"}'

    with Server(site) as server:
        found = server.wait_for("exposure.found", code="FWD-MISSING")
        assert found["subject"] == "www.example.org. 443/tcp"
        server.wait_for("exposure.checked")
        metrics = server.metrics()
        assert metrics[series] == 1
        assert metrics[service] == 0
        assert metrics["exposure_last_run_successful"] == 1
        assert metrics["exposure_rules_timestamp_seconds"] <= metrics["exposure_last_run_timestamp_seconds"]

        put(site, gateway.RULES)
        server.wait_for("exposure.gone", code="FWD-MISSING")
        server.wait_for("exposure.checked")
        metrics = server.metrics()
        assert series not in metrics
        assert metrics[service] == 1

        put(site, "*nat\n-A PREROUTING --nonsense\n")
        server.wait_for("exposure.failed")
        assert server.metrics()["exposure_last_run_successful"] == 0
        assert server.address(source="127.0.0.2") == "203.0.113.7"


def test_commands_are_not_run_by_the_server__semantics_23(tmp_path: Path) -> None:
    site = Site(tmp_path)
    witness = tmp_path / "ran"
    site.configure(
        site.settings + f"gateway: {{sources: [{{dialect: iptables, command: [touch, {witness}]}}]}}\n"
    )

    with Server(site) as server:
        failed = server.wait_for("exposure.failed")

    assert "the server runs no commands" in failed["reason"]
    assert not witness.exists()
