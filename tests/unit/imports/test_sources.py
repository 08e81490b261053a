"""Produced zones load without errors, and answer as the other system did."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.cli.app import ImportSource
from splitdns.imports.sources import SOURCES, imported
from splitdns.load.load import check_files, settings_of
from splitdns.load.settings import Settings
from tests.meta.tree import ROOT

EXPORT = r"""
/ip dns static
add address=192.168.88.20 regexp="(^|www\\.)myserver\\.net\$" ttl=5m
add address=192.168.88.1 name=router.lan
add cname=www.example.com name=alias.example.com type=CNAME
add address=192.168.88.30 name=www.example.com ttl=1h
add address=2001:db8:1::30 name=www.example.com type=AAAA
add address=192.168.88.31 match-subdomain=yes name=apps.example.com
add mx-exchange=www.example.com mx-preference=10 name=example.com type=MX
add name=_sip._tcp.example.com srv-port=5060 srv-target=www.example.com type=SRV
add name=example.com text="v=spf1 \"x\" -all; \$wan4" type=TXT
add name=quoted.example.com text="\"a" type=TXT
add name=sub.example.com ns=ns.example.net type=NS
add address=192.168.88.32 name=host.sub.example.com
add name=example.com ns=www.example.com type=NS
add address=10.0.0.8 name=nas
add address=10.0.0.9 regexp=".*\\.dev\\.example\\.org\$"
"""


def test_the_command_line_offers_every_source() -> None:
    assert {source.value for source in ImportSource} == set(SOURCES)


@pytest.fixture
def settings() -> Settings:
    return settings_of(None)


def test_imported_zones_load_without_errors(tmp_path: Path, settings: Settings) -> None:
    made = imported("routeros", Printed(EXPORT, "export.rsc"), (), "inside")
    for apex, text in made.zones.items():
        (tmp_path / f"{apex}.yaml").write_text(text)

    problems = check_files([tmp_path], settings)

    assert [str(error) for error in problems.errors] == []
    assert set(made.zones) == {"myserver.net", "lan", "example.com", "nas", "example.org"}


def test_the_zones_of_a_scenario_are_those_that_its_export_gives() -> None:
    directory = ROOT / "tests" / "lab" / "scenarios" / "S7"
    export = Printed((directory / "static" / "export.rsc").read_text(), "export.rsc")

    kept = {path.stem: path.read_text() for path in (directory / "zones").glob("*.yaml")}
    assert imported("routeros", export, (), "inside").zones == kept
