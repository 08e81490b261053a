from __future__ import annotations

from pathlib import Path

from splitdns.check.report.matrix import matrix
from tests.check.world import PLAIN, SPLIT, World


def test_each_service_is_a_row_and_each_group_of_clients_a_column(tmp_path: Path) -> None:
    headers, rows = matrix(World(tmp_path, zone=PLAIN).checked().judgement)

    (row,) = rows
    met = dict(zip(headers, row, strict=True))
    assert met["service"] == "www.example.com. 443/tcp"
    assert met["lan0 192.168.1.0/24"] == "NO REPLY"
    assert met["the internet"] == "forwarded"


def test_who_is_told_no_address_is_not_there(tmp_path: Path) -> None:
    inside_only = SPLIT.replace(", outside: $wan4", "")

    headers, (row,) = matrix(World(tmp_path, zone=inside_only).checked().judgement)

    met = dict(zip(headers, row, strict=True))
    assert "the internet" not in met
    assert met["lan0 192.168.1.0/24"] == "direct"
    assert met["wg0 10.8.0.0/24"] == "routed"


def test_a_service_of_the_gateway_itself_is_well_met_there(tmp_path: Path) -> None:
    headers, (row,) = matrix(World(tmp_path, zone=SPLIT.replace("1.20", "1.1"), rules="").checked().judgement)

    assert dict(zip(headers, row, strict=True))["lan0 192.168.1.0/24"] == "gateway"
