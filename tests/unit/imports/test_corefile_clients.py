from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where
from splitdns.imports.corefile_clients import access, expression
from splitdns.imports.corefile_lines import blocks
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts

HERE = Where("Corefile", 1, 1)
TEN, TEN_EIGHT = "incidr(client_ip(), '10.0.0.0/8')", "incidr(client_ip(),'10.8.0.0/16')"


@pytest.mark.parametrize(
    ("text", "inside", "holds"),
    [
        (TEN, ["10.0.0.0/8"], True),
        (TEN, ["0.0.0.0/0"], False),
        (f"{TEN} && !{TEN_EIGHT}", ["10.8.0.0/16", "10.0.0.0/8"], False),
        (f"{TEN} and not ({TEN_EIGHT})", ["10.0.0.0/8"], True),
        (f"({TEN_EIGHT} || {TEN}) && true", ["10.0.0.0/8"], True),
        (f"{TEN_EIGHT} or {TEN_EIGHT}", ["10.0.0.0/8"], False),
    ],
)
def test_an_expression_about_addresses(text: str, inside: list[str], holds: bool) -> None:
    test = expression(text, HERE)

    assert test is not None
    assert test.holds([ip_network(one) for one in inside]) is holds
    assert test.mentioned


@pytest.mark.parametrize(
    "text", ["", "type() == 'A'", f"{TEN} && name() == 'x'", f"({TEN}", f"{TEN} {TEN}", "(" * 99, f"{TEN} ||"]
)
def test_an_expression_about_more_is_none(text: str) -> None:
    assert expression(text, HERE) is None


def test_the_first_line_that_has_the_client_decides() -> None:
    rules = "block net 10.8.0.0/16\n  allow net 10.0.0.0/8\n  filter type A net *\n  drop"
    text = f". {{\n acl {{\n  {rules}\n }}\n}}\n"
    (server,) = blocks(Printed(text, "Corefile"), Texts(Path(), Found()))
    found = Found()
    test = access(server.inner[0], found)

    def holds(*inside: str) -> bool:
        return test.holds([ip_network(one) for one in inside])

    assert (holds("10.0.0.0/8"), holds("10.8.0.0/16", "10.0.0.0/8"), holds("::/0")) == (True, False, False)
    assert [one.message for one in found.left] == [
        "left out: filter for some types only; views are for all", "clients of `drop` are REFUSED",
    ]  # fmt: skip


def test_what_is_no_prefix_is_a_mistake() -> None:
    with pytest.raises(ConfigError):
        expression("incidr(client_ip(), '10.0.0.0/99')", HERE)
