"""``splitdns explain --port``: the packet's stages after the answer's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Run
from tests.unit.cli.gateway import ONLY_443, lay

ASKED = ("explain", "old.example.com", "--port", "443/tcp")


def test_the_packet_s_stages_and_rules_are_drawn(run: Run, desk: Path) -> None:
    lay(desk)

    result = run(*ASKED, "--from", "192.168.10.9")

    assert result.exit_code == 0
    told = result.stdout
    assert "The query: 192.168.10.9 to 192.168.10.53:53 arrives as 192.168.10.9" in told
    assert "To 203.0.113.7: asym-reply, the reply comes from an address that the client never" in told
    assert "┌ client        192.168.10.9 → 203.0.113.7:443" in told
    assert "rules.v4:6:1: -A PREROUTING -d 203.0.113.7/32" in told
    assert "conntrack: tcp src=192.168.10.9 dst=203.0.113.7" in told


def test_a_closed_udp_port_is_told_by_an_icmp_message_which_has_no_ports(run: Run, desk: Path) -> None:
    lay(desk)
    with (desk / "splitdns.yaml").open("a") as config:
        config.write(ONLY_443)

    told = run("explain", "www.example.com", "--port", "25565/udp", "--from", "192.168.10.9").stdout

    assert "reply         192.168.10.20 → 192.168.10.9  ICMP port unreachable, on the link" in told
    assert "192.168.10.20:0" not in told


def test_the_same_as_json(run: Run, desk: Path) -> None:
    lay(desk)

    way = json.loads(run(*ASKED, "--from", "198.51.100.7", "--format", "json").stdout)["way"]

    assert way["view"] == "internet"
    (arrival,) = way["arrivals"]
    assert arrival["verdict"] == "ok-dnat"
    assert arrival["outcomes"][0]["stages"][1]["acts"][0]["what"].startswith("dnat to 192.168.10.20")


def test_wrong_ports_and_clients_that_nobody_knows_end_with_2(run: Run, desk: Path) -> None:
    lay(desk)

    wrong = run("explain", "old.example.com", "--from", "192.168.10.9", "--port", "https")
    assert (wrong.exit_code, "expected a port such as 443/tcp" in wrong.stderr) == (2, True)
    nobody = run(*ASKED, "--from", "172.16.0.9")
    assert (nobody.exit_code, "172.16.0.9 is the address of no client" in nobody.stderr) == (2, True)


def test_without_a_gateway_there_is_no_way(run: Run) -> None:
    result = run("explain", "www.example.org", "--from", "192.168.1.9", "--port", "443/tcp")

    assert result.exit_code == 2
    assert "no gateway.sources" in result.stderr
