from __future__ import annotations

import pickle

import pytest

from splitdns.load.load import load
from splitdns.web import exposure as exposure_module
from splitdns.web.answers import Explained, answer
from splitdns.web.exposure import Exposure
from tests.unit.web.browser import FakeServer, ask


def drawn(server: FakeServer) -> Exposure:
    server.inspect()
    assert server.inspected is not None
    assert isinstance(server.inspected.outcome, Exposure)
    assert pickle.loads(pickle.dumps(server.inspected.outcome)) == server.inspected.outcome
    return server.inspected.outcome


def test_what_each_client_meets_and_whether_that_is_well(server: FakeServer) -> None:
    exposure = drawn(server)
    rows = {row.service: dict(zip(exposure.clients, row.met, strict=True)) for row in exposure.rows}

    www = rows["www.example.com. 443/tcp"]
    assert (www["the internet"].word, www["the internet"].tone) == ("forwarded", "good")
    old = rows["old.example.com. 444/tcp"]
    assert old["the internet"].tone == "bad"
    assert exposure.rules > 0


def test_of_very_many_the_worst_are_shown_and_all_are_counted(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(server)
    monkeypatch.setattr(exposure_module, "MAX_ROWS", 1)
    monkeypatch.setattr(exposure_module, "MAX_FINDINGS", 1)
    cut = drawn(server)

    assert [row.service for row in cut.rows] == ["old.example.com. 444/tcp"]
    assert cut.services == len(whole.rows) > 1
    assert [one.code for one in cut.findings] == [whole.findings[0].code]
    assert cut.severities == whole.severities
    assert sum(cut.severities.values()) == len(whole.findings)
    shown = ask(server, "/exposure").body
    assert "Of 2 services, 1 are shown" in shown
    assert f"Of {len(whole.findings)} findings, the worst 1 are shown" in shown


def test_a_cell_s_question_draws_what_the_cell_says(server: FakeServer) -> None:
    exposure = drawn(server)

    for row in exposure.rows:
        for met in row.met:
            if met.typed is None:
                assert met.word == ""
                continue
            found = answer(met.typed, server.loaded, server.base)
            assert isinstance(found, Explained)
            assert found.way is not None
            tones = {arrival.tone for arrival in found.way.arrivals}
            assert met.tone in tones


def test_a_finding_has_its_witness_its_rules_and_its_remedy(server: FakeServer) -> None:
    missing = next(one for one in drawn(server).findings if one.code == "FWD-MISSING")

    assert (missing.severity, missing.tone, missing.subject) == ("error", "bad", "old.example.com. 444/tcp")
    assert "192.168.10.2 to 203.0.113.7 port 444, tcp" in missing.witness
    assert "example.com.yaml:5:" in missing.where
    assert missing.remedy


def test_what_is_accepted_is_apart_with_its_reason(server: FakeServer) -> None:
    entry = "  accept:\n    - {code: FWD-MISSING, subject: old.example.com. 444/tcp, reason: not yet}\n"
    config = server.base / "splitdns.yaml"
    config.write_text(config.read_text() + entry)
    server.loaded = load(config, generation=2, now_s=0.0)

    exposure = drawn(server)

    (one,) = exposure.accepted
    assert (one.code, one.subject, one.reason) == ("FWD-MISSING", "old.example.com. 444/tcp", "not yet")
    assert "FWD-MISSING" not in {found.code for found in exposure.findings}
    assert "Accepted: not yet" in ask(server, "/exposure").body
