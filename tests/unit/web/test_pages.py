from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from splitdns.metrics import SOURCE_SEEN, SOURCE_UP, VIEW_CLIENTS, WORKERS
from splitdns.web import pages
from splitdns.web.answers import Typed
from splitdns.web.door import Door
from splitdns.web.server import Inspected
from tests.unit.web.browser import FakeServer, ask

LOCAL, PUBLIC = Door(open=True), Door(open=False)


def test_the_overview_tells_who_is_in_which_view(server: FakeServer) -> None:
    server.seen = {"lan": [f"192.168.1.{host}" for host in range(30)]}
    server.tallied.set(VIEW_CLIENTS, 500, "internet")
    server.tallied.set(WORKERS, 2)
    rows = {row.name: row for row in asyncio.run(pages.overview(server, LOCAL)).values["views"]}

    assert (rows["lan"].seen, len(rows["lan"].clients), rows["lan"].more) == (30, pages.MAX_CLIENTS, 6)
    assert (rows["internet"].seen, rows["internet"].clients) == (500, ())
    assert rows["internet"].prefixes == ("everybody else",)


def test_the_share_without_an_error_is_not_that_of_the_commonest_code(server: FakeServer) -> None:
    for rcode, times in ((0, 1), (3, 3)):
        for _ in range(times):
            server.tallied.request("dns://", ".", "lan", "udp", 1, 1, False, rcode, "zone", 40, 60, 0.001)

    assert re.search(r"<dt>Without an error</dt><dd>25 %</dd>", ask(server, "/").body)


def test_of_many_clients_the_workers_count_stands(server: FakeServer) -> None:
    server.seen = {"internet": [f"198.51.100.{host}" for host in range(pages.MAX_SEEN)]}
    server.tallied.set(VIEW_CLIENTS, 7000, "internet")
    rows = {row.name: row for row in asyncio.run(pages.overview(server, LOCAL)).values["views"]}

    assert rows["internet"].seen == 7000
    assert rows["internet"].more == 7000 - pages.MAX_CLIENTS


def test_sources_of_names_are_told_with_how_they_are(server: FakeServer) -> None:
    assert "Sources" not in ask(server, "/").body
    for source, up, seen_s in (("docker a", 1, 1000.0), ("leases b", 0, 1000.0), ("leases c", 0, 0.0)):
        server.tallied.set(SOURCE_UP, up, source)
        server.tallied.set(SOURCE_SEEN, seen_s, source)
    row = r"<code>(docker a|leases [bc])</code></th><td>.*?>([^<]+)</span>"
    assert re.findall(row, ask(server, "/").body) == [
        ("leases b", "down; its last names stand"),
        ("leases c", "not heard yet; its names fail"),
        ("docker a", "up"),
    ]


def test_at_a_public_address_there_are_numbers_and_no_names__semantics_30(server: FakeServer) -> None:
    server.seen = {"lan": ["192.168.1.7"]}
    shown = ask(server, "/", PUBLIC)

    assert shown.status == 200
    assert "192.168.1.7" not in shown.body
    assert "example.org" not in shown.body
    for path in ("/answers", "/queries", "/queries/stream", "/exposure"):
        closed = ask(server, path, PUBLIC)
        assert closed.status == 403, path
        assert "example.org" not in closed.body
        assert "no token is configured" in closed.body


def test_a_broken_zone_stands_first_with_its_mistakes(server: FakeServer) -> None:
    from splitdns.load.load import load

    broken = "zone: zz.example\nrecords: {www: {A: 1.2.3.400}}\n"
    (server.base / "zones" / "zz.example.yaml").write_text(broken)
    server.loaded = load(server.base / "splitdns.yaml", generation=2, now_s=0.0)
    (first, *_) = asyncio.run(pages.overview(server, LOCAL)).values["zones"]

    assert first.apex == "zz.example."
    assert "1.2.3.400" in first.faults[0]
    assert "1.2.3.400" in ask(server, "/").body


def test_an_explanation_is_drawn_with_the_packets_of_its_port(server: FakeServer) -> None:
    shown = ask(server, "/answers", name="www.example.com", **{"from": "198.51.100.7", "port": "443/tcp"})

    assert shown.status == 200
    assert "meets the view <b>internet</b>" in shown.body
    assert "<svg class=\"picture works\"" in shown.body
    assert "dnat to 192.168.10.20" in shown.body
    assert re.search(r'class="rewritten">192\.168\.10\.20:443<', shown.body)
    assert "-A PREROUTING -d 203.0.113.7/32" in shown.body


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(server: FakeServer) -> None:
    shown = ask(server, "/answers", name="www.example.com", **{"from": "<me>", "port": "443/tcp"})

    assert shown.status == 400
    assert 'value="&lt;me&gt;"' in shown.body
    assert re.search(r'name="from"[^>]*aria-invalid="true"', shown.body)
    assert "expected an IPv4 or IPv6 address" in shown.body


def test_who_has_typed_nothing_is_offered_what_fails(server: FakeServer) -> None:
    assert asyncio.run(pages.answers(server, Typed())).values["trials"] == []

    server.inspect()
    trials = asyncio.run(pages.answers(server, Typed())).values["trials"]

    assert trials[0].name == "old.example.com."
    assert "Worth a look" in ask(server, "/answers").body


def test_an_explanation_that_takes_too_long_is_said_to(server: FakeServer) -> None:
    server.illness = "There is no explanation: it took more than 20 s."
    shown = ask(server, "/answers", name="www.example.com", **{"from": "198.51.100.7"})

    assert shown.status == 503
    assert "it took more than 20 s" in shown.body


def test_the_exposure_with_findings_and_the_rules_that_mend_them(server: FakeServer) -> None:
    from tests.unit.cli import gateway

    (server.base / "rules.v4").write_text(gateway.RULES.replace("192.168.10.20:443", "192.168.10.99:443"))
    server.inspect()
    shown = ask(server, "/exposure").body

    assert 'class="cell bad" href="/answers?name=www.example.com.&amp;type=A' in shown
    assert "FWD-WRONG-HOST" in shown
    assert "The rules that mend it" in shown
    assert "nft " in shown
    assert "No rule is offered: the zones do not say where the service is." in shown


def test_without_a_check_the_page_says_why(server: FakeServer) -> None:
    assert "has not ended yet" in ask(server, "/exposure").body
    server.inspected = Inspected("rules.v4: cannot read it", 0.0)
    assert "The check could not run: rules.v4: cannot read it" in ask(server, "/exposure").body
    assert "why the check could not run" in ask(server, "/").body
    settings = server.loaded.settings.model_copy(update={"gateway": None})
    server.loaded = replace(server.loaded, settings=settings)
    server.inspected = None
    assert "has no <code>gateway</code>" in ask(server, "/exposure").body


def test_cures_that_nobody_knows_do_not_take_the_findings_along(server: FakeServer) -> None:
    server.inspect()
    server.illness = "it took more than 30 s"
    shown = ask(server, "/exposure")

    assert shown.status == 200
    assert "FWD-MISSING" in shown.body
    assert "is not known: it took more than 30 s" in shown.body
