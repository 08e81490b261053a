"""A DHCP server's files, looked at and followed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from splitdns.load.settings import read_settings
from splitdns.names import to_text
from splitdns.sources.leases.source import Leases
from splitdns.sources.source import Said

NEVER = "0 02:00:00:00:00:01 192.168.1.20 {} *\n"


def source(base: Path, entry: str = "", server: str = "dnsmasq") -> Leases:
    text = f"sources: {{leases: [{{server: {server}, files: [a.leases], zone: home.arpa{entry}}}]}}"
    return Leases.of(read_settings(text, "splitdns.yaml").sources.leases[0], base)


def names(said: Said | None) -> list[str]:
    assert said is not None
    return [to_text(record.owner) for supply in said.supplies for record in supply.records]


def test_a_file_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.leases").write_text(NEVER.format("laptop"))
    said = source(tmp_path).look(1000.0)
    assert names(said) == ["laptop.home.arpa."]
    assert said is not None
    (supply,) = said.supplies
    assert (supply.source, supply.overlay) == (f"leases {tmp_path}/a.leases", False)
    assert {(record.horizon, record.ttl_s) for record in supply.records} == {("inside", 60)}


def test_the_configuration_says_for_whom_and_how(tmp_path: Path) -> None:
    (tmp_path / "a.leases").write_text(NEVER.format("laptop"))
    said = source(tmp_path, ", horizon: outside, ttl: 5m, mode: overlay").look(1000.0)
    assert said is not None
    (supply,) = said.supplies
    assert supply.overlay
    assert {(record.horizon, record.ttl_s) for record in supply.records} == {("outside", 300)}


def test_its_zone_is_known_before_a_lease_is(tmp_path: Path) -> None:
    (supply,) = source(tmp_path, ", horizon: outside, mode: overlay").unheard
    assert (supply.source, to_text(supply.apex)) == (f"leases {tmp_path}/a.leases", "home.arpa.")
    assert (supply.records, supply.awaited, supply.overlay) == ((), {"outside"}, True)


def test_several_files_are_one_source(tmp_path: Path) -> None:
    (tmp_path / "a.leases").write_text(NEVER.format("laptop"))
    (tmp_path / "b.leases").write_text("0 1 fd00::20 laptop 00:03:00:01:02:00:00:00:00:01\n")
    text = "sources: {leases: [{server: dnsmasq, files: [a.leases, b.leases], zone: home.arpa}]}"
    both = Leases.of(read_settings(text, "splitdns.yaml").sources.leases[0], tmp_path)
    assert names(both.look(1000.0)) == ["laptop.home.arpa.", "laptop.home.arpa."]


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        source(tmp_path).look(1000.0)


def test_a_change_of_the_file_is_told_and_so_is_its_absence(tmp_path: Path) -> None:
    path = tmp_path / "a.leases"
    path.write_text(NEVER.format("laptop"))
    seen: asyncio.Queue[object] = asyncio.Queue()

    async def play() -> None:
        following = asyncio.create_task(source(tmp_path).follow(None, seen.put_nowait, seen.put_nowait))
        async with asyncio.timeout(60):
            first = await seen.get()
            assert isinstance(first, Said)
            assert names(first) == ["laptop.home.arpa."]
            path.write_text(NEVER.format("phone"))
            while not isinstance(said := await seen.get(), Said) or names(said) != ["phone.home.arpa."]:
                pass
            path.unlink()
            while await seen.get() != "No such file or directory":
                pass
        following.cancel()

    asyncio.run(play())


def test_a_lease_leaves_when_it_ends_though_the_file_stays(tmp_path: Path) -> None:
    ends_s = int(time.time()) + 2
    (tmp_path / "a.leases").write_text(f"{ends_s} 02:00:00:00:00:01 192.168.1.20 laptop *\n")
    seen: asyncio.Queue[object] = asyncio.Queue()

    async def play() -> None:
        following = asyncio.create_task(source(tmp_path).follow(None, seen.put_nowait, seen.put_nowait))
        async with asyncio.timeout(60):
            assert isinstance(said := await seen.get(), Said)
            assert names(said) == ["laptop.home.arpa."]
            while not isinstance(said := await seen.get(), Said) or names(said):
                pass
        assert time.time() >= ends_s
        following.cancel()

    asyncio.run(play())


def test_who_has_a_name_keeps_it_over_questions(tmp_path: Path) -> None:
    path = tmp_path / "a.leases"
    path.write_text(NEVER.format("nas"))
    leases = source(tmp_path)
    first = leases.look(1000.0)
    path.write_text("0 02:00:00:00:00:02 192.168.1.66 nas *\n" + NEVER.format("nas"))
    said = leases._said(leases._read(), first, 1000.0)
    assert [record.rdata[-1] for record in said.supplies[0].records] == [20]


def test_kea_and_isc_are_read_in_their_own_way(tmp_path: Path) -> None:
    (tmp_path / "a.leases").write_text(
        "address,hwaddr,valid_lifetime,expire,hostname,state\n192.168.1.20,02:00:00:00:00:01,9,2000,kea,0\n"
    )
    assert names(source(tmp_path, server="kea").look(1000.0)) == ["kea.home.arpa."]
    (tmp_path / "a.leases").write_text('lease 192.168.1.20 {\n  ends never;\n  client-hostname "isc";\n}\n')
    assert names(source(tmp_path, server="isc").look(1000.0)) == ["isc.home.arpa."]


def test_a_control_socket_is_asked_and_never_only_looked_at(tmp_path: Path) -> None:
    text = "sources: {leases: [{server: kea, sockets: [kea.sock], zone: home.arpa}]}"
    kea = Leases.of(read_settings(text, "splitdns.yaml").sources.leases[0], tmp_path)
    assert kea.name == f"leases {tmp_path}/kea.sock"
    assert kea.look(1000.0) is None
    failed: asyncio.Queue[str] = asyncio.Queue()

    async def play() -> str:
        following = asyncio.create_task(kea.follow(None, lambda _: None, failed.put_nowait))
        async with asyncio.timeout(60):
            reason = await failed.get()
        following.cancel()
        return reason

    assert asyncio.run(play()) == "No such file or directory"
