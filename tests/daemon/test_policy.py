"""Limits, cookies and lists in a server of several processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.daemon.server import Server, Site

LIMITS = "limits: {responses_per_second: 20, window: 1s, slip: 0, exempt: []}\n"
CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, workers=2)


def asker(server: Server) -> Callable[..., dns.message.Message | None]:
    """Asks from 127.0.0.3, who may not recurse, unless another source is given; None: no answer came."""

    def ask(
        name: str = "www.example.org", source: str = "127.0.0.3", cookie: bytes = b""
    ) -> dns.message.Message | None:
        options = [dns.edns.GenericOption(10, cookie)] if cookie else []
        query = dns.message.make_query(name, "A", use_edns=0 if cookie else -1, options=options)
        try:
            return dns.query.udp(query, "127.0.0.1", timeout=0.2, port=server.port, source=source)
        except dns.exception.Timeout:
            return None

    return ask


def cookie_of(answer: dns.message.Message | None) -> bytes:
    assert answer is not None
    (option,) = (one for one in answer.options if isinstance(one, dns.edns.CookieOption))
    return bytes(option.client + option.server)


def test_workers_share_the_limit_and_a_cookie_from_one_is_good_with_the_other(site: Site) -> None:
    with Server(site) as server:
        cookie = cookie_of(asker(server)(cookie=CLIENT_COOKIE))
    site.configure(site.settings + LIMITS)
    with Server(site) as server:
        ask = asker(server)
        stale = cookie_of(ask(cookie=cookie))
        assert stale[:8] == CLIENT_COOKIE
        assert stale != cookie, "the master is drawn at each start"
        answers = sum(ask() is not None for _ in range(60))
        assert answers < 60
        server.wait_for("limit.reached")
        assert all(ask(cookie=stale) is not None for _ in range(30))
        metrics = server.metrics()
        assert metrics['limited_total{limit="response_rate",view="internet"}'] >= 60 - answers


def test_a_changed_list_is_picked_up_by_all_workers(site: Site) -> None:
    (site.path / "ads.txt").write_text("ads.example\n")
    site.configure(site.settings + "blocklists: [{file: ads.txt}]\n")
    with Server(site) as server:
        ask = asker(server)

        def rcodes(name: str) -> set[str]:
            answers = [ask(name, "127.0.0.1") for _ in range(16)]
            return {dns.rcode.to_text(answer.rcode()) for answer in answers if answer is not None}

        assert rcodes("ads.example") == {"NXDOMAIN"}
        new = site.path / ".ads.new"
        new.write_text("ads.example\nmore.example\n")
        new.rename(site.path / "ads.txt")
        server.wait_for("generation.swapped")
        assert rcodes("more.example") == {"NXDOMAIN"}


def test_a_list_that_goes_away_changes_nothing(site: Site) -> None:
    (site.path / "ads.txt").write_text("ads.example\n")
    site.configure(site.settings + "blocklists: [{file: ads.txt}]\n")
    with Server(site) as server:
        (site.path / "ads.txt").unlink()
        server.wait_for("reload.failed")
        answer = asker(server)("ads.example", "127.0.0.1")
        assert answer is not None
        assert answer.rcode() == dns.rcode.NXDOMAIN
