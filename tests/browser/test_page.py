"""The page in a real browser: by mouse, by keyboard, on a phone, in the dark, and to axe's satisfaction.

``SPLITDNS_SCREENSHOTS=1`` has it write docs/images anew.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from splitdns.serve.tap import MOMENT_S
from tests.browser.desk import SIZES, arguments, bustle, chromium, serving, window
from tests.daemon.server import Server
from tests.meta.tree import ROOT

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser"), pytest.mark.timeout(600)]

PATHS = {
    "overview": "/",
    "answers": "/answers?name=cam.example.com&type=&from=192.168.10.9&port=9443/tcp",
    "exposure": "/exposure",
    "queries": "/queries",
    "horizon": "/horizon?token=abcdefghij0123456789",
}
KEPT = {  # in docs/web.md
    ("overview", "light", "desktop"),
    ("overview", "dark", "phone"),
    ("answers", "light", "desktop"),
    ("answers", "light", "phone"),
    ("exposure", "light", "desktop"),
    ("exposure", "dark", "phone"),
    ("queries", "dark", "desktop"),
}
GRAVE = {"serious", "critical"}
PATIENCE_S = 120.0  # for what must appear: cures are found by a process of low priority
expect.set_options(timeout=1000 * PATIENCE_S)
TOKEN = "a token of the tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments())
        yield started
        started.close()


def ask_until_seen(server: Server, row: Locator, name: str, **how: str) -> None:
    """Workers hear a while later that somebody watches."""
    until_s = time.monotonic() + PATIENCE_S
    while not row.count():
        assert time.monotonic() < until_s, name
        server.ask(name, **how)
        row.page.wait_for_timeout(1000 * MOMENT_S)


def settled(page: Page, name: str, server: Server) -> None:
    """What comes by itself has come."""
    if name == "queries":
        expect(page.get_by_role("status")).to_have_text("live")
        bustle(server, 24)
        expect(page.locator("#rows tr")).not_to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PATHS)
def test_every_page_is_whole_and_accessible(
    server: Server, browser: Browser, name: str, scheme: str, size: str
) -> None:
    with window(browser, server, size, scheme) as opened:
        page = opened.open(PATHS[name])
        settled(page, name, server)

        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[size][0], "the page can be moved sideways"
        found = Axe().run(page).response["violations"]
        assert [one for one in found if one["impact"] in GRAVE] == []
        if os.environ.get("SPLITDNS_SCREENSHOTS") and (name, scheme, size) in KEPT:
            shot = ROOT / "docs" / "images" / f"{name}-{scheme}-{size}.png"
            page.screenshot(path=shot, full_page=name in ("answers", "exposure") and size == "desktop")


def test_an_answer_is_asked_for_by_keyboard_alone(server: Server, browser: Browser) -> None:
    with window(browser, server) as opened:
        page = opened.open("/answers")
        press, typed = page.keyboard.press, page.keyboard.type
        focused: list[str] = []
        pages = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
        for _ in range(len(pages) + 6):
            press("Tab")
            focused.append(page.evaluate("document.activeElement.name || document.activeElement.innerText"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that {focused[-1]} has the focus"
        assert [one.strip() for one in focused] == [
            "Skip to the page",
            "splitdns",
            *pages,
            "name",
            "from",
            "type",
            "port",
        ]
        for _ in range(3):
            press("Shift+Tab")
        typed("www.example.com")
        press("Tab")
        typed("10.8.0.9")
        press("Enter")

        expect(page.get_by_text("meets the view vpn")).to_be_visible()
        expect(page.locator(".stop.end")).to_contain_text("A 10.8.0.20 (60 s)")


def test_a_cell_of_the_matrix_leads_to_its_packets(server: Server, browser: Browser) -> None:
    with window(browser, server) as opened:
        page = opened.open("/exposure")
        page.get_by_role("link", name="cam.example.com. 9443/tcp for srv0 192.168.10.0/24").click()

        expect(page.locator(".arrival .badge").first).to_have_text("asym-reply")
        expect(page.locator("svg.picture.fails path.come")).to_have_count(1)
        expect(page.get_by_text("dnat to 192.168.10.50").first).to_be_visible()


def test_a_finding_shows_the_rules_that_mend_it(server: Server, browser: Browser) -> None:
    with window(browser, server) as opened:
        page = opened.open("/exposure")
        finding = page.locator("article.finding", has_text="FWD-MISSING")
        finding.get_by_text("The rules that mend it").click()

        expect(finding.locator("pre").first).to_contain_text("dport 465")


def test_queries_come_by_themselves_and_can_be_held(server: Server, browser: Browser) -> None:
    with window(browser, server) as opened:
        page = opened.open("/queries")
        expect(page.get_by_role("status")).to_have_text("live")
        # Queries of the tests before may come, too; they are of another view.
        row = page.locator("#rows tr", has_text="nas.example.com.").filter(has_text="vpn").first
        ask_until_seen(server, row, "nas.example.com", source="127.0.0.2")

        page.get_by_label("Show only").fill("no such name")
        expect(row).to_be_hidden()
        page.get_by_label("Show only").fill("NAS.example")
        expect(row).to_be_visible()

        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("status")).to_have_text("paused")
        server.ask("held.example.com")
        page.wait_for_timeout(16_000 * MOMENT_S)
        page.get_by_role("button", name="Go on").click()
        ask_until_seen(server, page.locator("#rows tr", has_text="db1.example.com.").first, "db1.example.com")
        assert page.locator("#rows tr", has_text="held.example.com.").count() == 0


def test_a_stranger_s_name_is_text_to_the_browser(server: Server, browser: Browser) -> None:
    with window(browser, server) as opened:
        page = opened.open("/queries")
        expect(page.get_by_role("status")).to_have_text("live")
        row = page.locator("#rows tr", has_text="<img/src=x").first
        ask_until_seen(server, row, "<img/src=x/onerror=document.title=1>.example.com", source="127.0.0.3")
        assert page.locator("#rows img").count() == 0
        page.reload()
        expect(page.locator("#rows tr", has_text="<img/src=x").first).to_be_visible()
        assert page.title() == "Queries · splitdns"


def test_without_javascript_everything_is_there(server: Server, browser: Browser) -> None:
    with window(browser, server, java_script_enabled=False) as opened:
        page = opened.open("/queries")
        rows = page.locator("#rows tr", has_text="unscripted.example.com.")
        until_s = time.monotonic() + PATIENCE_S
        while not rows.count():  # the page comes again by itself, every few seconds; here it is hurried
            assert time.monotonic() < until_s
            server.ask("unscripted.example.com")
            page.reload()
        assert page.locator("#tools").is_hidden()
        page.goto(opened.base + PATHS["answers"])
        expect(page.locator("svg.picture")).to_be_visible()


def test_a_button_changes_something_for_who_has_the_token(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    credentials = {"username": "me", "password": TOKEN}
    with serving(tmp_path, ", token_file: token") as server:
        assert server.get("/")[0] == 401
        assert server.get("/metrics")[0] == 200
        with window(browser, server, http_credentials=credentials) as opened:
            page = opened.open("/")
            page.get_by_role("button", name="Forget what upstreams said").click()
            expect(page.get_by_role("status")).to_contain_text("forgotten")
            server.wait_for("cache.flushed")
            page.goto(opened.base + "/exposure")
            page.get_by_role("button", name="Check again").click()
            server.wait_for("exposure.checked")
    assert base64.b64encode(TOKEN.encode()).decode() not in server.text
    assert TOKEN not in server.text
