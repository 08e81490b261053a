"""The horizon test in a running server: whether a browser came here for a name, whichever worker it met."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.server import Server, Site
from tests.meta.examples import blocks
from tests.meta.tree import ROOT


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    site = Site(tmp_path)
    site.configure(site.settings + "whoami: who.example.org\n")
    with Server(site) as running:
        yield running


def test_the_page_tells_whether_its_name_was_asked_for_here__semantics_29(server: Server) -> None:
    _, page = server.get("/horizon")
    (host,) = re.findall(r'<img src="http://([^/"]+)/"', page)
    token = host.partition(".")[0]

    assert "did not ask this server" in server.get(f"/horizon?token={token}")[1]
    assert server.address(host) == "127.0.0.1"
    assert server.address(host, source="127.0.0.2") == "127.0.0.2"
    assert not server.ask(host, "HTTPS").answer

    status, text = server.get(f"/horizon/{token}")
    seen = json.loads(text)["seen"]
    assert status == 200
    assert {(one["client"], one["view"], one["prefix"], one["transport"], one["type"]) for one in seen} == {
        ("127.0.0.1", "lan", "127.0.0.1/32", "udp", "A"),
        ("127.0.0.2", "internet", "any", "udp", "A"),
        ("127.0.0.1", "lan", "127.0.0.1/32", "udp", "HTTPS"),
    }
    assert all(0 <= one["seconds_ago"] < 30 for one in seen)
    assert "one is another resolver" in server.get(f"/horizon?token={token}")[1]


def test_the_documented_form_is_what_is_printed(server: Server) -> None:
    (block,) = (one for one in blocks(ROOT / "docs" / "horizon-test.md") if one.language == "json")
    shown = json.loads(block.text)
    token = shown["name"].partition(".")[0]
    server.ask(f"{token}.who.example.org")

    printed = json.loads(server.get(f"/horizon/{token}")[1])
    assert printed.keys() == shown.keys()
    assert [one.keys() for one in printed["seen"]] == [one.keys() for one in shown["seen"]]


def test_who_asks_is_told_by_every_worker_alike(server: Server) -> None:
    for source, facts in (
        ("127.0.0.1", [b"view=lan", b"client=127.0.0.1", b"prefix=127.0.0.1/32", b"proto=udp"]),
        ("127.0.0.2", [b"view=outside", b"client=127.0.0.2"]),
    ):
        for _ in range(8):  # from as many ports as reach both
            ((rdata,),) = server.ask("who.example.org", "TXT", source=source).answer
            assert list(rdata.strings) == facts
