"""Pi-hole's settings as dnsmasq's options, and what it blocks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.entries import Found
from splitdns.imports.pihole import found_in
from splitdns.imports.service import Service


def found(text: str, beside: Path, file: str = "pihole.toml") -> tuple[Found, Service]:
    made = found_in(Printed(text, file), beside)
    assert made.service is not None
    return made, made.service


def test_places_are_those_of_its_own_file(tmp_path: Path) -> None:
    made, service = found(
        '[dns]\nupstreams = ["9.9.9.9"]\nhosts = [\n "10.0.0.1 a.lan",\n "x y"\n]\n'
        'cnameRecords = ["b.lan,a.lan"]\ndomain = "lan"\ninterface = "eth0"\n'
        'revServers = ["true,10.0.0.0/24,10.0.0.9,in.example", "false,10.1.0.0/16,10.0.0.9"]\n'
        '[web]\nx = 1\n[misc]\ny = 1\n'
        'dnsmasq_lines = ["host-record=c.lan,10.0.0.3"]\n',
        tmp_path,
    )

    assert [(one.name, one.value, one.where.line) for one in made.entries] == [
        ("a.lan", "10.0.0.1", 4), ("c.lan", "10.0.0.3", 15), ("b.lan", "a.lan.", 7),
    ]  # fmt: skip
    assert set(made.closed) == {"lan"}
    assert {rule.domain for rule in service.forward} == {".", "0.0.10.in-addr.arpa", "in.example"}
    assert {str(one) for one in made.left if one.where.line} == {
        "pihole.toml:5:3: warning: left out: expected an address, found 'x'",
        "pihole.toml:9:1: warning: dns.interface is left out: it is about Pi-hole itself",
        "pihole.toml:11:1: warning: web is left out: it is about Pi-hole itself",
        "pihole.toml:14:1: warning: misc.y is left out: it is about Pi-hole itself",
    }


def test_version_five_has_its_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "custom.list").write_text("10.0.0.1 a.lan\n")
    (tmp_path / "05-pihole-custom-cname.conf").write_text("cname=b.lan,a.lan\n")
    (tmp_path / "adlists.list").write_text("# x\nhttps://lists.example/a\n")
    text = "PIHOLE_DNS_1=9.9.9.9#53\nDNSSEC=true\nREV_SERVER=true\nREV_SERVER_CIDR=10.0.0.0/24\n"
    text += "REV_SERVER_TARGET=10.0.0.9\nWEBPASSWORD=x\nBLOCKINGMODE=IP\n"
    made, service = found(text, tmp_path, "setupVars.conf")

    assert [one.name for one in made.entries] == ["a.lan", "b.lan"]
    assert [rule.upstreams for rule in service.forward] == [("9.9.9.9",), ("10.0.0.9",)]
    assert service.views["inside"].validate
    assert {
        "WEBPASSWORD is left out: it is about Pi-hole itself",
        "blocked names were answered by IP; here, they have 0.0.0.0 and ::",
        "https://lists.example/a is not downloaded here: let a timer do so, and name the file under "
        "`blocklists`",
    } <= {one.message for one in made.left}


def test_what_somebody_typed_in_is_listed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "gravity.db") as database:
        database.execute("CREATE TABLE domainlist (id INTEGER, type INTEGER, domain TEXT, enabled BOOLEAN)")
        database.execute("CREATE TABLE adlist (id INTEGER, address TEXT, enabled BOOLEAN)")
        rows = [(1, 0, "ok.example", 1), (2, 1, "bad.example", 1), (3, 3, "^ads", 1), (4, 1, "x.example", 0)]
        database.executemany("INSERT INTO domainlist VALUES (?, ?, ?, ?)", rows)
        database.execute("INSERT INTO adlist VALUES (1, 'https://lists.example/b', 1)")
    database.close()
    made, service = found('[dns]\n[dns.blocking]\nmode = "NX"\n', tmp_path)

    assert {name: (plan.lines, plan.action) for name, plan in service.lists.items()} == {
        "allowed": (["ok.example"], ("allow",)), "denied": (["bad.example"], ()),
    }  # fmt: skip
    messages = [one.message for one in made.left]
    assert "left out: the expression ^ads; lists have names, and `*.name`" in messages
    assert any(one.startswith("https://lists.example/b is not downloaded here") for one in messages)


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "gravity.db").write_text("x" * 2000)
    made, _ = found("[dns]\n", tmp_path)

    assert any("what is blocked cannot be read" in one.message for one in made.left)


@pytest.mark.parametrize(
    ("text", "file"),
    [("x", "setupVars.conf"), ("[dns", "pihole.toml"), ("x = 1", "pihole.toml"),
     ("[dns]\nhosts = 1", "pihole.toml"), ('[dns]\nupstreams = ["x"]', "pihole.toml")],
)  # fmt: skip
def test_what_pi_hole_refuses_is_a_mistake(text: str, file: str, tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup):
        found(text, tmp_path, file)
