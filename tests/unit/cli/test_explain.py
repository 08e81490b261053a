"""The explanation as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import Run


def text(run: Run, *arguments: str) -> str:
    result = run("explain", *arguments)
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


def value(run: Run, *arguments: str) -> Any:
    result = run("explain", *arguments, "--format", "json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_the_view_and_why(run: Run) -> None:
    told = text(run, "www.example.org", "--from", "10.8.0.1")
    assert "Client 10.8.0.1 meets view vpn, by 10.8.0.0/24 (splitdns.yaml:3:24)" in told
    assert "less specific: internet, by any (splitdns.yaml:4:24)" in told
    assert "horizon vpn, then inside; its clients may recurse" in told


def test_each_hop_and_the_line_of_each_record(run: Run) -> None:
    told = text(run, "alias.example.org", "--from", "10.8.0.1")
    assert "1. alias.example.org. A zone example.org. (zones/example.org.yaml): by its exact name" in told
    assert "CNAME www.example.org. zones/example.org.yaml:7:18" in told
    assert "2. www.example.org. A" in told
    assert "A 10.8.0.20 zones/example.org.yaml:5:18; TTL short: the name is not the same in all views" in told


def test_what_the_other_views_would_answer(run: Run) -> None:
    told = text(run, "nas.example.org", "--from", "198.51.100.1")
    assert "declared there, for other views only NXDOMAIN" in told
    assert "Answer: NXDOMAIN The other views: view answer" in told
    assert "lan A 192.168.10.30 (60 s)" in told


def test_wildcards_regexps_and_forward_rules_are_named(run: Run) -> None:
    assert "by the wildcard *.apps.example.org." in text(run, "x.apps.example.org", "--from", "10.8.0.1")
    assert "by the regexp ~^r[0-9]$" in text(run, "r7.example.org", "--from", "10.8.0.1")
    told = text(run, "www.example.net", "--from", "10.8.0.1")
    assert "forward rule . to 192.0.2.53:53 (splitdns.yaml:8:5)" in told
    assert "Answer: www.example.net. A is asked of 192.0.2.53:53" in told
    refused = text(run, "www.example.net", "--from", "198.51.100.1")
    assert "not a name of ours, and this client may not recurse REFUSED" in refused


def test_what_the_leak_guard_kept_back_and_why(run: Run) -> None:
    told = text(run, "leak.example.org", "--from", "198.51.100.1")
    assert "192.168.10.9 (kept back) zones/example.org.yaml:8:13" in told
    assert (
        "leak guard: kept back leak.example.org. A 192.168.10.9:"
        " it is an inside address, and the view an outside one" in told
    )


def test_a_client_without_a_view_is_told_so(run: Run) -> None:
    from pathlib import Path

    config = Path("splitdns.yaml")
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "internet" not in line))
    told = text(run, "ns1.example.org", "--from", "198.51.100.1")
    assert "meets no view: no prefix holds it, and no view has any" in told
    assert value(run, "ns1.example.org", "--from", "198.51.100.1")["view"] is None


def test_the_form_for_scripts(run: Run) -> None:
    told = value(run, "www.example.org", "--from", "10.8.0.1")
    assert told["client"]["candidates"] == [
        {
            "view": "vpn",
            "prefix": "10.8.0.0/24",
            "where": {"file": "splitdns.yaml", "line": 3, "column": 24},
        },
        {"view": "internet", "prefix": "any", "where": {"file": "splitdns.yaml", "line": 4, "column": 24}},
    ]
    assert told["view"] == {"name": "vpn", "horizon": ["vpn", "inside"], "recursion": True}
    assert told["hops"] == [
        {
            "name": "www.example.org.",
            "how": "exact",
            "matched": None,
            "zone": {"apex": "example.org.", "file": "zones/example.org.yaml", "overlay": False},
            "result": "records",
            "reason": None,
            "forward": None,
            "records": [
                {
                    "name": "www.example.org.",
                    "type": "A",
                    "ttl_s": 60,
                    "data": "10.8.0.20",
                    "origin": "zone",
                    "where": {"file": "zones/example.org.yaml", "line": 5, "column": 18},
                    "ttl_reason": "short: the name is not the same in all views",
                }
            ],
            "beside": [],
        }
    ]
    assert [other["view"] for other in told["others"]] == ["lan", "internet"]
    assert told["answer"]["status"] == "NOERROR"
    assert told["stripped"] == []


def test_a_forward_and_a_leak_for_scripts(run: Run) -> None:
    (hop,) = value(run, "www.example.net", "--from", "10.8.0.1")["hops"]
    assert hop["forward"] == {
        "domain": ".",
        "upstreams": ["192.0.2.53:53"],
        "inherited": False,
        "no_nxdomain": False,
        "asked": False,
        "where": {"file": "splitdns.yaml", "line": 8, "column": 5},
    }
    assert hop["zone"] is None
    (stripped,) = value(run, "leak.example.org", "--from", "198.51.100.1")["stripped"]
    assert stripped == {
        "name": "leak.example.org.",
        "type": "A",
        "data": "192.168.10.9",
        "shortened": False,
        "reason": "it is an inside address, and the view an outside one",
    }


def test_a_list_and_dns64_are_named(run: Run) -> None:
    from pathlib import Path

    Path("ads.txt").write_text("ads.example\n")
    config = Path("splitdns.yaml")
    settings = config.read_text().replace("horizon: [inside],", 'horizon: [inside], dns64: "64:ff9b::/96",')
    config.write_text(f"{settings}\nblocklists: [{{file: ads.txt}}]\n")
    told = text(run, "ads.example", "--from", "192.168.1.9")
    assert "blocked by ads.example. in the list ads NXDOMAIN" in told
    assert "ads.example. 60 SOA ads.example. nobody.invalid. 1 3600 1200 604800 60 the list" in told
    made = text(run, "ns1.example.org", "AAAA", "--from", "192.168.1.9")
    assert "DNS64 makes an address of the IPv4 one, in 64:ff9b::/96" in made


SOURCES = "sources: {leases: [{server: dnsmasq, files: [a.leases], zone: example.org}]}\n"
LEASES = "0 02:00:00:00:00:01 192.168.1.20 laptop *\n0 02:00:00:00:00:02 192.168.1.66 www *\n"


def test_where_a_source_has_a_name_from_and_what_it_lost(run: Run, desk: Path) -> None:
    with (desk / "splitdns.yaml").open("a") as file:
        file.write(SOURCES)
    (desk / "a.leases").write_text(LEASES)

    assert "A 192.168.1.20 a.leases:1" in text(run, "laptop.example.org", "--from", "192.168.1.2")
    outside = text(run, "laptop.example.org", "--from", "198.51.100.1")
    assert "192.168.1.20" not in outside.partition("The other")[0]
    told = text(run, "www.example.org", "--from", "192.168.1.2")
    lost = "the zone file has it (zones/example.org.yaml:5:3)"
    assert f"Left out: what leases a.leases says of this name (a.leases:2): {lost}" in told
    found = value(run, "www.example.org", "--from", "192.168.1.2")["lost"]
    assert found == [{"source": "leases a.leases", "reason": lost}]
