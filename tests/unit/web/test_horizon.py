from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from splitdns.records import Type
from splitdns.serve.horizon import TOKEN, Sighting
from splitdns.web.door import HEADERS, Door
from splitdns.web.horizon import judged
from tests.unit.web.browser import FakeServer, ask

ASKED = "abcdefghij0123456789"
NAME = "whoami.splitdns.internal"
SEEN = Sighting("192.168.1.7", "lan", "192.168.0.0/16", "udp", Type.AAAA, 100.0)


def test_a_test_is_a_name_that_nobody_has_asked_for(server: FakeServer) -> None:
    shown = [ask(server, "/horizon").body for _ in range(2)]

    hosts = [re.findall(r'<img src="http://([^/"]+)/"', one) for one in shown]
    assert hosts[0] != hosts[1]
    for (host,), page in zip(hosts, shown, strict=True):
        token, _, name = host.partition(".")
        assert TOKEN.fullmatch(token)
        assert name == NAME
        assert f'href="/horizon?token={token}"' in page
        assert "horizon.js" in page


def test_the_page_may_have_its_own_image_from_elsewhere_and_nothing_else(server: FakeServer) -> None:
    answer = ask(server, "/horizon")
    (host,) = re.findall(r'<img src="http://([^/"]+)/"', answer.body)

    said = answer.headers["content-security-policy"]
    assert said.replace(f" http://{host}", "") == HEADERS["content-security-policy"]
    assert f"img-src 'self' http://{host};" in said
    assert ask(server, "/horizon", token=ASKED).headers["content-security-policy"] == said.replace(
        f" http://{host}", ""
    )
    assert HEADERS.keys() <= answer.headers.keys()


def test_what_came_of_a_test_is_shown(server: FakeServer) -> None:
    assert "did not ask this server" in ask(server, "/horizon", token=ASKED).body
    server.sighted = {ASKED: (SEEN,)}
    shown = ask(server, "/horizon", token=ASKED).body

    assert "The question came here, as 192.168.1.7, in the view lan." in shown
    assert "<img src=\"http:" not in shown


def test_what_came_of_a_test_is_there_for_a_script(server: FakeServer) -> None:
    server.sighted = {ASKED: (SEEN,)}
    value = json.loads(ask(server, f"/horizon/{ASKED}").body)

    (seen,) = value.pop("seen")
    assert value == {"name": f"{ASKED}.{NAME}."}
    assert seen.pop("seconds_ago") > 0
    assert seen == {
        "client": "192.168.1.7",
        "view": "lan",
        "prefix": "192.168.0.0/16",
        "transport": "udp",
        "type": "AAAA",
    }
    assert json.loads(ask(server, f"/horizon/{ASKED[::-1]}").body)["seen"] == []
    assert ask(server, "/horizon/short").status == 404


def test_clients_are_for_who_may_see_names(server: FakeServer) -> None:
    server.sighted = {ASKED: (SEEN,)}
    for path in ("/horizon", f"/horizon/{ASKED}"):
        answer = ask(server, path, Door(open=False))
        assert answer.status == 403
        assert "192.168" not in answer.body


def test_without_the_name_there_is_no_test(server: FakeServer) -> None:
    settings = server.loaded.settings.model_copy(update={"whoami": None})
    server.loaded = replace(server.loaded, settings=settings)

    assert "is switched off" in ask(server, "/horizon").body
    assert ask(server, f"/horizon/{ASKED}").status == 404


@pytest.mark.parametrize(
    ("seen", "client", "view", "tone", "words"),
    [
        ((), "192.168.1.7", "lan", "bad", "another resolver"),
        ((SEEN,), "192.168.1.7", "lan", "good", "asks this server itself, as 192.168.1.7, in the view lan"),
        ((SEEN,), "192.168.1.9", "lan", "warn", "Somebody asks this server for the browser"),
        ((SEEN,), "10.8.0.9", "vpn", "bad", "its own address, 10.8.0.9, meets vpn"),
        ((SEEN,), "2001:db8::9", "none", "bad", "its own address, 2001:db8::9, meets none"),
        ((SEEN,), "127.0.0.1", "internet", "good", "The question came here"),
        ((SEEN,), "", "none", "good", "The question came here"),
        (
            (SEEN, replace(SEEN, client="192.0.2.53", view="internet")),
            "192.168.1.9",
            "lan",
            "bad",
            "as 192.0.2.53 and 192.168.1.7, in the view internet and lan; but its own address",
        ),
        (
            (SEEN, replace(SEEN, client="192.0.2.53", view="internet")),
            "192.168.1.7",
            "lan",
            "bad",
            "The question came by two ways, as 192.0.2.53 and 192.168.1.7, in the view internet and lan",
        ),
    ],
)
def test_what_was_seen_is_judged(
    server: FakeServer, seen: tuple[Sighting, ...], client: str, view: str, tone: str, words: str
) -> None:
    verdict = judged(seen, client, server.loaded.snapshot.view(view))

    assert verdict.tone == tone
    assert words in verdict.words
