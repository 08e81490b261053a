"""The first element decides; a list in a list counts only where it says yes."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.bind_acls import AclList, Acls
from splitdns.imports.bind_statements import statements
from splitdns.imports.entries import Found
from splitdns.imports.texts import Texts


def read(text: str, found: Found | None = None) -> AclList:
    acls = Acls(found or Found())
    *named, last = statements(Printed(text, "n.conf"), Texts(Path(), Found()))
    for one in named:
        acls.define(one)
    return acls.read(last)


@pytest.mark.parametrize(
    ("text", "inside", "says"),
    [
        ("m { 10/8; };", ["10.0.0.0/8"], 1),
        ("m { 10/8; };", ["0.0.0.0/0"], 0),
        ("m { !10.1.0.0/16; 10/8; };", ["10.1.0.0/16", "10.0.0.0/8"], -1),
        ("m { 10/8; !10.1.0.0/16; };", ["10.1.0.0/16", "10.0.0.0/8"], 1),
        ("acl x { !10.1.0.0/16; }; m { x; 10/8; };", ["10.1.0.0/16", "10.0.0.0/8"], 1),
        ("acl x { 10.1.0.0/16; }; m { !x; any; };", ["10.1.0.0/16", "0.0.0.0/0"], -1),
        ("m { { none; 10.1.2.3; }; };", ["10.1.2.3/32"], 1),
        ("m { key k; };", ["0.0.0.0/0"], 0),
        ("m { localhost; };", ["::1/128"], 1),
        ("m { localnets; };", ["192.168.0.0/16"], 1),
        ("m { any; };", ["::/0"], 1),
    ],
)
def test_a_list_says_who_is_meant(text: str, inside: list[str], says: int) -> None:
    prefixes = [ip_network(one) for one in inside]
    one = read(text)

    assert one.says(prefixes) == says
    assert one.has(prefixes) is (says > 0)


def test_what_is_not_quite_the_same_is_told() -> None:
    found = Found()

    assert len(list(read("m { key k; localhost; localnets; };", found).mentioned())) > 4
    assert [one.message.partition(" ")[0] for one in found.left] == ["left", "localhost", "localnets"]


@pytest.mark.parametrize(
    "text",
    ["m { x; };", "m { 10.0.0.1/8; };", "acl x; m { any; };", "m { " + "{" * 20 + "any;" + "};" * 20 + "};"],
)
def test_what_is_no_list_is_a_mistake(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)
