"""Limits, cookies and lists in a server of several processes."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.daemon.server import PATIENCE_S, Server, Site

LIMITS = "limits: {responses_per_second: 2, window: 1s, slip: 0, exempt: []}\n"
ASKED = 60
CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, workers=2)


def asker(server: Server) -> Callable[..., dns.message.Message]:
    """Asks from 127.0.0.3, who may not recurse, unless another source is given."""

    def ask(
        name: str = "www.example.org", source: str = "127.0.0.3", cookie: bytes = b""
    ) -> dns.message.Message:
        options = [dns.edns.GenericOption(10, cookie)] if cookie else []
        query = dns.message.make_query(name, "A", use_edns=0 if cookie else -1, options=options)
        return dns.query.udp(query, "127.0.0.1", PATIENCE_S, server.port, source=source)

    return ask


@contextmanager
def asked_at_once(server: Server) -> Iterator[list[socket.socket]]:
    """As many clients as questions, so that all workers get some; there come the answers."""
    with ExitStack() as stack:
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(ASKED)]
        for client in clients:
            stack.enter_context(client)
            client.bind(("127.0.0.3", 0))
            query = dns.message.make_query("www.example.org", "A").to_wire()
            client.sendto(query, ("127.0.0.1", server.port))
        yield clients


def cookie_of(answer: dns.message.Message) -> bytes:
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
        with asked_at_once(server) as clients:
            server.wait_for("limit.reached")
            for _ in range(30):  # which also wait until what was asked before is answered, or not
                ask(cookie=stale)
            answered = len(select.select(clients, [], [], 0)[0])
        assert answered < ASKED
        limited = server.metrics()['limited_total{limit="response_rate",view="internet"}']
        assert answered + limited == ASKED


def test_a_changed_list_is_picked_up_by_all_workers(site: Site) -> None:
    (site.path / "ads.txt").write_text("ads.example\n")
    site.configure(site.settings + "blocklists: [{file: ads.txt}]\n")
    with Server(site) as server:
        ask = asker(server)

        def rcodes(name: str) -> set[str]:
            return {dns.rcode.to_text(ask(name, "127.0.0.1").rcode()) for _ in range(16)}

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
        assert answer.rcode() == dns.rcode.NXDOMAIN
