"""The answer as one client would get it."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        ("www.example.org --from 192.168.1.1", 0, "www.example.org.\t60\tIN\tA\t192.168.10.20"),
        ("www.example.org --from 10.8.0.1", 0, "www.example.org.\t60\tIN\tA\t10.8.0.20"),
        ("WWW.example.org. --from ::ffff:10.8.0.1", 0, "WWW.example.org.\t60\tIN\tA\t10.8.0.20"),
        ("www.example.org --from 198.51.100.1", 0, "www.example.org.\t60\tIN\tA\t203.0.113.7"),
        ("alias.example.org --from 10.8.0.1", 0, "www.example.org.\t60\tIN\tA\t10.8.0.20"),
        ("192.168.10.30 --from 10.8.0.1", 0, "30.10.168.192.in-addr.arpa.\t60\tIN\tPTR\tnas.example.org."),
        ("nas.example.org --from 198.51.100.1", 1, ";; status: NXDOMAIN, authoritative"),
        ("www.example.org MX --from 10.8.0.1", 1, ";; status: NOERROR, authoritative"),
        ("www.example.net --from 198.51.100.1", 1, ";; status: REFUSED"),
        ("www.example.net --from 10.8.0.1", 0, ";; forwarded: www.example.net. A to 192.0.2.53:53"),
        ("leak.example.org --from 198.51.100.1", 0, ";; the leak guard kept back 1"),
    ],
)
def test_each_client_gets_its_own_answer(arguments: str, status: int, line: str, run: Run) -> None:
    result = run("query", *arguments.split())
    assert result.exit_code == status
    assert any(printed.startswith(line) for printed in result.stdout.splitlines()), result.stdout


def test_the_form_for_scripts_has_every_key(run: Run) -> None:
    result = run("query", "www.example.org", "--from", "10.8.0.1", "--format", "json")
    assert json.loads(result.stdout) == {
        "question": {"name": "www.example.org.", "type": "A"},
        "client": {"address": "10.8.0.1", "view": "vpn", "prefix": "10.8.0.0/24"},
        "status": "NOERROR",
        "aa": True,
        "answer": [{"name": "www.example.org.", "type": "A", "ttl_s": 60, "data": "10.8.0.20"}],
        "authority": [],
        "additional": [],
        "errors": [],
        "stripped": 0,
        "forward": None,
    }


def test_a_negative_answer_for_a_script_has_status_1_too(run: Run) -> None:
    result = run("query", "nas.example.org", "--from", "198.51.100.1", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "NXDOMAIN"


def test_who_has_no_view_is_refused(run: Run) -> None:
    from pathlib import Path

    config = Path("splitdns.yaml")
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "internet" not in line))
    result = run("query", "ns1.example.org", "--from", "198.51.100.1", "--format", "json")
    assert result.exit_code == 1
    value = json.loads(result.stdout)
    assert value["client"] == {"address": "198.51.100.1", "view": None, "prefix": None}
    assert value["status"] == "REFUSED"
    result = run("query", "ns1.example.org", "--from", "198.51.100.1")
    assert "198.51.100.1 meets no view" in result.stdout
