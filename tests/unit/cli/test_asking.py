"""A question and a client from what a person typed."""

from __future__ import annotations

import pytest

from splitdns.cli.asking import client, question
from splitdns.names import to_text
from splitdns.records import type_to_text


@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        ("www.example.org", None, "www.example.org. A"),
        ("WWW.Example.org.", "mx", "WWW.Example.org. MX"),
        (".", "NS", ". NS"),
        ("x.example", "type65280", "x.example. TYPE65280"),
        ("192.0.2.1", None, "1.2.0.192.in-addr.arpa. PTR"),
        ("192.0.2.1", "A", "1.2.0.192.in-addr.arpa. A"),
        ("2001:db8::1", None, "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa. PTR"),
    ],
)
def test_a_question_is_a_usual_client_s(name: str, qtype: str | None, expected: str) -> None:
    query = question(name, qtype)
    assert f"{to_text(query.question)} {type_to_text(query.qtype)}" == expected
    assert query.rd
    assert query.edns is not None


@pytest.mark.parametrize(
    ("name", "qtype", "message"),
    [
        ("a..example", None, "expected a label"),
        ("bücher.example", None, "xn--"),
        ("x" * 64 + ".example", None, "at most 63 octets"),
        ("www.example.org", "BANANA", "expected a record type"),
        ("https://www.example.org:8443/a", None, "found a URL; ask for 'www.example.org'"),
    ],
)
def test_a_wrong_question_ends_with_status_2(
    name: str, qtype: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        question(name, qtype)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_client_is_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert client("::ffff:10.8.0.7") == "::ffff:10.8.0.7"
    assert client("fe80::1%eth0") == "fe80::1%eth0"
    with pytest.raises(SystemExit) as stop:
        client("10.8.0.0/24")
    assert stop.value.code == 2
    assert "found '10.8.0.0/24'" in capsys.readouterr().err
