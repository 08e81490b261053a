"""What commands take for the public addresses: what they see themselves, or what the server has left."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from splitdns.daemon.wan.state import Learnt, looked_up, place, read, write
from splitdns.load.settings import Settings, read_settings
from splitdns.load.wansources import Value

ADDRESS = IPv4Address("203.0.113.7")
PCP = Learnt("pcp gateway", Value(ADDRESS), 1000.0)


def settings(wan: str = "{ipv4: {pcp: gateway}, max_age: 1m}", control: str = "control.sock") -> Settings:
    return read_settings(f"wan: {wan}\ncontrol: {control}\n", "splitdns.yaml")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "splitdns.yaml"


def test_what_is_left_is_read_again(config: Path) -> None:
    path = place(settings(), config)
    assert path is not None
    assert path.name == "wan.json"

    refused = Learnt("interface wan0", Value(None, "it is private", is_refused=True), 0.0)
    write(path, {4: PCP, 6: refused})

    assert read(path) == {4: PCP, 6: refused}
    assert [one.name for one in path.parent.iterdir()] == ["wan.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"4": {}}', '{"4": 7}', '{"4": {"source": 1}}'])
def test_what_is_no_state_is_nothing(config: Path, text: str) -> None:
    path = config.with_name("wan.json")
    path.write_text(text)

    assert read(path) == {}


def test_commands_believe_the_server_as_long_as_it_would_itself(config: Path) -> None:
    write(config.with_name("wan.json"), {4: PCP})

    assert looked_up(settings(), config, 1060.0)[4].address == ADDRESS
    late = looked_up(settings(), config, 1061.0)[4]
    assert (late.address, late.reason) == (None, "pcp gateway has not answered for long")
    other = looked_up(settings("{ipv4: {pcp: 192.168.1.1}}"), config, 1000.0)[4]
    assert (other.address, other.reason) == (None, "no server here has asked pcp 192.168.1.1")


def test_without_a_server_nobody_is_asked(config: Path) -> None:
    for one in (settings(), settings(control="null")):
        assert looked_up(one, config, 0.0)[4].reason == "no server here has asked pcp gateway"


def test_what_is_at_hand_is_looked_at(config: Path) -> None:
    config.with_name("wan").write_text("203.0.113.7")
    at_hand = settings("{ipv4: {file: wan}, ipv6: {file: wan}}")

    found = looked_up(at_hand, config, 0.0)

    assert found[4].address == ADDRESS
    assert found[6].reason.startswith("expected an IPv6 address")
    config.with_name("wan").write_text("10.0.0.1")
    private = looked_up(at_hand, config, 0.0)[4]
    assert private.is_refused
    assert private.reason.startswith("10.0.0.1: it is private")
