from __future__ import annotations

import asyncio
import base64
import json
import re

import pytest

from splitdns.serve.pipeline import QueryLogEntry
from splitdns.web import app
from splitdns.web.door import HEADERS, Door
from splitdns.web.stream import Batch
from splitdns.wire.message import Transport
from tests.unit.web.browser import FakeServer, ask

TOKEN = "correct horse battery"
AUTHORIZED = {"authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()}
PATHS = ("/", "/answers", "/queries", "/exposure", "/static/page.css", "/nothing")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_that_keep_others_out(server: FakeServer, path: str) -> None:
    answer = ask(server, path)

    assert answer.status == (404 if path == "/nothing" else 200)
    assert HEADERS.items() <= answer.headers.items()
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_s_name_for_us_gets_nothing(server: FakeServer, path: str) -> None:
    answer = ask(server, path, headers={"host": "rebound.example.net"})

    assert answer.status == 421
    assert "<html" not in answer.body
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_token_stands_before_every_page(server: FakeServer) -> None:
    door = Door(open=False, token=TOKEN)

    for path in PATHS:
        refused = ask(server, path, door)
        assert refused.status == 401
        assert refused.headers["www-authenticate"].startswith("Basic realm=")
    assert ask(server, "/queries", door, headers=AUTHORIZED).status == 200


def test_without_a_token_nothing_can_be_changed(server: FakeServer) -> None:
    door = Door(open=True)

    for path in ("/flush", "/recheck"):
        key = f"key={door.form_key}".encode()
        assert ask(server, path, door, method="POST", body=key).status == 403
        assert ask(server, path, door).status == 405
    assert "<form method=\"post\"" not in ask(server, "/", door).body
    assert server.asked == []


def test_a_button_needs_the_token_and_the_form_s_key(server: FakeServer) -> None:
    door = Door(open=True, token=TOKEN)
    shown = ask(server, "/", door, headers=AUTHORIZED).body
    key = re.search(r'name="key" value="([^"]+)"', shown)
    assert key
    body = f"key={key[1]}".encode()

    assert ask(server, "/flush", door, method="POST", body=body).status == 401
    assert ask(server, "/flush", door, method="POST", headers=AUTHORIZED).status == 403
    from_elsewhere = AUTHORIZED | {"sec-fetch-site": "cross-site"}
    assert ask(server, "/flush", door, method="POST", headers=from_elsewhere, body=body).status == 403
    assert server.asked == []

    flushed = ask(server, "/flush", door, method="POST", headers=AUTHORIZED, body=body)
    assert (flushed.status, flushed.headers["location"]) == (303, "/?done=flushed")
    assert ask(server, "/recheck", door, method="POST", headers=AUTHORIZED, body=body).status == 303
    assert server.asked == ["flush", "recheck"]


def test_a_form_without_end_is_not_read(server: FakeServer) -> None:
    door = Door(open=True, token=TOKEN)
    long = b"key=" + b"x" * app.MAX_FORM_OCTETS

    assert ask(server, "/flush", door, method="POST", headers=AUTHORIZED, body=long).status == 413


def test_what_is_typed_is_cut_and_never_markup(server: FakeServer) -> None:
    name = "<script>alert(1)</script>" + "x" * 5000
    answer = ask(server, "/answers", name=name, **{"from": "\"><img src=x onerror=y>"})

    assert "<script>alert" not in answer.body
    assert "<img src=x" not in answer.body
    assert "x" * (app.MAX_TYPED + 1) not in answer.body


def test_a_stranger_s_record_is_never_markup(server: FakeServer) -> None:
    answer = ask(server, "/answers", name="evil.example.org", type="TXT", **{"from": "192.168.1.7"})

    assert answer.status == 200
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in answer.body
    assert "<script>alert" not in answer.body


def test_a_stranger_s_query_is_never_markup(server: FakeServer) -> None:
    name = b"\x19<script>alert(1)</script>\x03\xff\x00\"\x00"
    hostile = QueryLogEntry(1.0, "::1", Transport.UDP, "", None, name, 65280, 1, 99, "zone", 40, 60, 0.001)
    server.audience.heard(Batch([hostile]))

    shown = ask(server, "/queries").body

    assert "<script>alert" not in shown
    assert r"&lt;script&gt;alert\(1\)&lt;/script&gt;.\255\000\&#34;." in shown
    assert "TYPE65280" in shown
    assert "RCODE99" in shown


def test_the_stream_is_events_of_json(server: FakeServer) -> None:
    entry = QueryLogEntry(1.0, "::1", Transport.UDP, "lan", None, b"\x01<\0", 1, 1, 0, "zone", 40, 60, 0.001)

    async def test() -> list[str]:
        events = app._events(server)
        said = [await anext(events)]
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        server.audience.heard(Batch([entry], 7))
        said.append(await waiting)
        await events.aclose()  # type: ignore[attr-defined]
        return said

    retry, data = asyncio.run(test())

    assert retry == f"retry: {app.RETRY_MS}\n\n"
    assert data.startswith("data: ")
    assert data.endswith("\n\n")
    value = json.loads(data.removeprefix("data: "))
    assert (value["skipped"], value["queries"][0]["name"]) == (7, "<.")


def test_static_files_are_those_and_no_others(server: FakeServer) -> None:
    assert ask(server, "/static/page.js").headers["content-type"].startswith("text/javascript")
    assert ask(server, "/static/icon.svg").headers["content-type"].startswith("image/svg+xml")
    for path in ("/static/app.py", "/static/../app.py", "/static/", "/static/page.css.bak"):
        assert ask(server, path).status == 404, path
