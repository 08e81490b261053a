from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from splitdns.web.answers import Explained, Typed, answer
from splitdns.web.way import Wrong
from tests.unit.web.browser import FakeServer

WWW = Typed("www.example.org", "A", "192.168.1.7")


def told(server: FakeServer, typed: Typed) -> Explained:
    found = answer(typed, server.loaded, server.base)
    assert isinstance(found, Explained)
    assert pickle.loads(pickle.dumps(found)) == found  # it comes from a child
    return found


def test_the_view_each_name_and_what_the_others_would_answer(server: FakeServer) -> None:
    found = told(server, WWW)

    assert (found.view, found.by, found.tone) == ("lan", "192.168.0.0/16", "good")
    assert found.by_where.endswith("splitdns.yaml:2:24")
    assert found.also == ("internet, by any",)
    (step,) = found.steps
    assert step.lines[0].text == "www.example.org. 60 A 192.168.10.20"
    assert "example.org.yaml:4:" in step.lines[0].remark
    others = [("vpn", False), ("internet", False)]
    assert [(one.view, one.own) for one in found.views] == [("lan", True), *others]
    assert found.way is None
    assert found.no_way == ""


def test_what_the_guard_keeps_back_is_marked(server: FakeServer) -> None:
    (server.base / "zones" / "example.org.yaml").write_text(
        "zone: example.org\nns: [ns.example.net.]\nrecords:\n  leak: {A: [192.0.2.9, 192.168.10.9]}\n"
    )
    from splitdns.load.load import load

    loaded = load(server.base / "splitdns.yaml", generation=2, now_s=0.0)
    found = answer(Typed("leak.example.org", "", "198.51.100.7"), loaded, server.base)

    assert isinstance(found, Explained)
    assert [(line.text.split()[-1], line.lost) for line in found.steps[0].lines] == [
        ("192.0.2.9", False),
        ("192.168.10.9", True),
    ]
    assert "inside address" in found.kept_back[0]


def test_a_name_that_is_not_there_and_one_that_is_asked_upstream(server: FakeServer) -> None:
    missing = told(server, replace(WWW, name="none.example.org"))
    away = told(server, replace(WWW, name="www.example.net"))

    assert (missing.answer, missing.tone, missing.steps[0].tone) == ("NXDOMAIN", "warn", "warn")
    assert "asked of 192.0.2.53:53" in away.answer
    assert away.tone == "plain"


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        (replace(WWW, name="a..b"), "name", "empty"),
        (replace(WWW, name="ü.example"), "name", "ü"),
        (replace(WWW, qtype="NONSENSE"), "name", "NONSENSE"),
        (replace(WWW, client="me"), "client", "found 'me'"),
        (replace(WWW, client=""), "client", "found ''"),
        (replace(WWW, port="https"), "port", "443/tcp"),
    ],
)
def test_what_is_typed_wrong_is_said_with_its_field(
    server: FakeServer, typed: Typed, field: str, says: str
) -> None:
    found = answer(typed, server.loaded, server.base)

    assert isinstance(found, Wrong)
    assert found.field == field
    assert says in found.reason
