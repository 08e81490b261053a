from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from splitdns.errors import Where
from splitdns.sources.leases import lease as module
from splitdns.sources.leases.lease import Lease, address_in, mac_of_duid, read_file
from splitdns.sources.source import SourceError


@pytest.mark.parametrize(
    ("duid", "mac"),
    [
        ("00:01:00:01:2c:aa:bb:cc:52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("000300015254001234ff", "52:54:00:12:34:ff"),
        ("00:03:00:06:52:54:00:12:34:56", None),  # not Ethernet
        ("00:02:00:00:ab:11:01:02:03:04:05:06:07:08", None),  # DUID-EN
        ("00:01:00:01:2c:aa:bb:cc:52:54:00:12:34", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_duid_may_tell_a_mac_address__rfc8415_11(duid: str, mac: str | None) -> None:
    assert mac_of_duid(duid) == mac


@pytest.mark.parametrize("text", ["192.168.1.20", "fd00::20", "2001:db8::7"])
def test_a_host_has_an_address(text: str) -> None:
    assert address_in(text) == ip_address(text)


@pytest.mark.parametrize(
    "text", ["", "x", "127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%a"]
)
def test_what_is_no_host_s_address_is_none(text: str) -> None:
    assert address_in(text) is None


def test_a_client_is_known_by_its_mac_address_or_not() -> None:
    one = Lease(address_in("fd00::1") or ip_address("::"), "a", "52:54:00:12:34:56", None, Where("f"))
    assert one.is_mac
    assert not Lease(one.address, "a", "00:02:00:00:ab:11:01:02", None, Where("f")).is_mac


def test_a_file_is_read_as_text_whatever_octets_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_bytes(b"a \xff\xc3\xa4 b\n")
    assert read_file(path) == "a ??? b\n"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leases"
    path.write_text("12345678")
    monkeypatch.setattr(module, "MAX_OCTETS", 8)
    assert read_file(path) == "12345678"
    monkeypatch.setattr(module, "MAX_OCTETS", 7)
    with pytest.raises(SourceError, match="expected at most 7 octets in "):
        read_file(path)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "leases")


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_text("old")
    left = [b"half", b"new"]

    class Busy(type(path)):  # type: ignore[misc]
        def open(self, mode: str) -> object:
            if left:
                path.write_bytes(left.pop(0))
                os.utime(path, ns=(len(left), len(left)))
            return Path(self).open(mode)

    assert read_file(Busy(path)) == "new"


def test_a_file_that_never_stands_still_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_text("old")
    count = 0

    class Busy(type(path)):  # type: ignore[misc]
        def open(self, mode: str) -> object:
            nonlocal count
            count += 1
            os.utime(path, ns=(count, count))
            return Path(self).open(mode)

    with pytest.raises(SourceError, match="does not stand still"):
        read_file(Busy(path))
