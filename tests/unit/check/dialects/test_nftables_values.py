"""What nft's immediate values mean as numbers."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_values import (
    TCP_FLAGS,
    address4,
    address6,
    flags,
    named,
    ranges,
    unmasked,
)
from splitdns.check.sets import Numbers


def at(address: str) -> int:
    return int(ip_address(address))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.1", [(at("192.0.2.1"), at("192.0.2.1"))]),
        ({"prefix": {"addr": "192.0.2.0", "len": 24}}, [(at("192.0.2.0"), at("192.0.2.255"))]),
        ({"range": ["192.0.2.3", "192.0.2.9"]}, [(at("192.0.2.3"), at("192.0.2.9"))]),
        ({"elem": {"val": "192.0.2.1", "timeout": 5}}, [(at("192.0.2.1"), at("192.0.2.1"))]),
        (
            {"set": ["192.0.2.1", {"range": ["192.0.2.3", "192.0.2.4"]}]},
            [(at("192.0.2.1"),) * 2, (at("192.0.2.3"), at("192.0.2.4"))],
        ),
        (["192.0.2.1"], [(at("192.0.2.1"),) * 2]),
        ("*", [(0, 2**32 - 1)]),
        ("www.example.org", None),
        (["192.0.2.1", "www.example.org"], None),
        ("192.0.2.1\0", None),
        (5, None),
    ],
)
def test_addresses(value: Json, expected: list[tuple[int, int]] | None) -> None:
    assert ranges(value, address4, 32) == expected


def test_addresses_of_ipv6() -> None:
    assert ranges("2001:db8::1", address6, 128) == [(at("2001:db8::1"),) * 2]
    assert address6("192.0.2.1") is None


@pytest.mark.parametrize(
    "value", [{"prefix": {"addr": "192.0.2.0", "len": 33}}, {"range": ["192.0.2.1"]}, {"elem": 5}]
)
def test_a_broken_shape_is_named(value: Json) -> None:
    with pytest.raises(Misshapen):
        ranges(value, address4, 32)


def test_numbers_have_names_and_limits() -> None:
    port = named({"ssh": 22}, 16)
    some: list[Json] = [65_535, 65_536, -1, True, "ssh", "0x10", "12", "telnet", 1.5, None]
    assert [port(value) for value in some] == [
        65_535, None, None, None, 22, 16, 12, None, None, None,
    ]  # fmt: skip


def test_flags_are_joined() -> None:
    tcp = flags(TCP_FLAGS, 8)
    some: list[Json] = ["syn", ["syn", "ack"], {"|": ["syn", {"|": ["fin", 16]}]}, ["syn", "x"]]
    assert [tcp(value) for value in some] == [
        2, 18, 19, None,
    ]  # fmt: skip


@given(mask=st.integers(0, 255), some=st.frozensets(st.integers(0, 255), max_size=8))
def test_a_mask_is_undone_as_counting_says(mask: int, some: frozenset[int]) -> None:
    for wanted in (some, frozenset(range(256)) - some):
        found = unmasked(Numbers.of(*((number, number) for number in wanted)), mask, 8)
        assert found is not None
        assert {number for number in range(256) if number in found} == {
            number for number in range(256) if number & mask in wanted
        }


def test_a_mask_of_too_many_pieces_is_given_up() -> None:
    assert unmasked(Numbers.one(1), 0x5555_5555, 32) is None
    assert unmasked(Numbers.one(1), 1, 128) is None
    first = 0x80 << 120
    assert unmasked(Numbers.one(first), 0xFF << 120, 128) == Numbers.of((first, (0x81 << 120) - 1))
