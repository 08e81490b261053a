"""Lines of hosts files, and what is the machine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.hosts import found_in


def test_the_first_name_of_an_address_is_its_ptr() -> None:
    text = "10.0.0.1 a.lan a # x\nfd00::1%eth0\tA.lan.\n\n10.0.0.1 b\n"
    found = found_in(Printed(text, "hosts"), Path())

    said = [(one.name, one.rdtype, one.value, one.has_ptr or False, str(one.where)) for one in found.entries]
    assert said == [
        ("a.lan", "A", "10.0.0.1", True, "hosts:1:1"),
        ("a", "A", "10.0.0.1", False, "hosts:1:1"),
        ("A.lan", "AAAA", "fd00::1", True, "hosts:2:1"),
        ("b", "A", "10.0.0.1", False, "hosts:4:1"),
    ]
    assert found.left == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("127.0.0.1 localhost", "left out: localhost is what a machine calls itself"),
        ("127.0.1.1 deb", "left out: deb is this machine itself; write the address that others use"),
        ("10.0.0.300 a", "left out: expected an address, found '10.0.0.300'"),
        ("10.0.0.3", "left out: 10.0.0.3 has no name"),
        ("0.0.0.0 ads.example b", "2 names have no address, such as ads.example: list it under `blocklists`"),
    ],
)
def test_what_is_not_for_others_is_told(line: str, message: str) -> None:
    found = found_in(Printed(f"10.0.0.1 a\n {line}", "hosts"), Path())

    assert [str(one) for one in found.left] == [f"hosts:2:2: warning: {message}"]
    assert len(found.entries) == 1


def test_what_is_no_hosts_file_is_a_mistake() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        found_in(Printed("zone: x\n", "hosts"), Path())

    (mistake,) = caught.value.exceptions
    assert isinstance(mistake, ConfigError)
    assert str(mistake) == "hosts:1:1: expected lines with an address and names"
    for text in ("# nothing\n", "127.0.0.1 localhost\n"):
        assert found_in(Printed(text, "hosts"), Path()).entries == []
