from __future__ import annotations

import pytest

from splitdns.explain.typed import question
from splitdns.names import to_text
from splitdns.records import Type


def test_a_name_asks_for_its_address_unless_a_type_is_said() -> None:
    asked = question("WWW.example.org")

    assert (to_text(asked.question), asked.qtype, asked.rd) == ("WWW.example.org.", Type.A, True)
    assert question("example.org.", "MX").qtype == Type.MX


def test_an_address_asks_for_its_name() -> None:
    asked = question("192.168.1.20")

    assert (to_text(asked.question), asked.qtype) == ("20.1.168.192.in-addr.arpa.", Type.PTR)


@pytest.mark.parametrize(
    ("name", "qtype", "says"),
    [
        ("https://www.example.org/x", None, "ask for 'www.example.org'"),
        ("a..b", None, "empty"),
        ("x", "NONSENSE", "NONSENSE"),
    ],
)
def test_what_is_neither_is_said(name: str, qtype: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        question(name, qtype)
