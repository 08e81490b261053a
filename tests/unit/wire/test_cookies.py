from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.errors import WireError
from splitdns.wire import cookies
from splitdns.wire.cookies import MAX_AGE_S, MAX_AHEAD_S, RENEW_S, Cookies, Met, server_hash, siphash24

NOW_S = 1_700_000_000
CLIENT = bytes.fromhex("2464c4abcf10c957")


def test_siphash_is_that_of_its_authors() -> None:
    key = bytes(range(16))
    assert siphash24(key, b"") == bytes.fromhex("310e0edd47db6f72")
    assert siphash24(key, bytes(range(7))) == bytes.fromhex("37d1018bf50002ab")
    assert siphash24(key, bytes(range(8))) == bytes.fromhex("6224939a79f5f593")
    assert siphash24(key, bytes(range(15))) == bytes.fromhex("e545be4961ca29a1")


SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"


@pytest.mark.parametrize(
    ("client", "option", "secret"),
    [
        ("198.51.100.100", "2464c4abcf10c957 01000000 5cf79f11 1f8130c3eee29480", SECRET),
        ("198.51.100.100", "2464c4abcf10c957 01000000 5cf7a871 d4a564a1442aca77", SECRET),
        ("203.0.113.203", "fc93fc62807ddb86 01abcdef 5cf78f71 a314227b6679ebf5", SECRET),
        ("203.0.113.203", "fc93fc62807ddb86 01000000 5cf7a9ac f73a7810aca2381e", SECRET),
        (
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            "22681ab97d52c298 01000000 5cf7c579 26556bd0934c72f8",
            "dd3bdf9344b678b185a6f5cb60fca715",
        ),
    ],
)
def test_the_hash_is_the_standards__rfc9018_a(client: str, option: str, secret: str) -> None:
    octets = bytes.fromhex(option)
    assert server_hash(octets[:16], client, bytes.fromhex(secret)) == octets[16:]


def test_the_modules_example_is_true() -> None:
    assert doctest.testmod(cookies).failed == 0


@pytest.fixture
def ours() -> Cookies:
    return Cookies(b"sixteen octets..")


def made(ours: Cookies, now_s: float = NOW_S, client: str = "192.0.2.1") -> bytes:
    met = ours.meet(CLIENT, client, now_s)
    assert not met.good
    assert met.option.startswith(CLIENT + b"\x01\0\0\0")
    assert len(met.option) == 24
    return met.option


def test_a_cookie_of_ours_is_good_and_comes_back_until_it_is_old__rfc9018_4_3(ours: Cookies) -> None:
    option = made(ours)
    assert ours.meet(option, "192.0.2.1", NOW_S + RENEW_S) == Met(True, option)
    later = ours.meet(option, "192.0.2.1", NOW_S + RENEW_S + 1)
    assert later.good
    assert later.option != option
    assert ours.meet(later.option, "192.0.2.1", NOW_S + RENEW_S + 2) == Met(True, later.option)


def test_a_cookie_is_good_for_an_hour_whenever_in_the_hour_it_was_made(ours: Cookies) -> None:
    for start_s in (NOW_S, NOW_S - NOW_S % 3600, NOW_S - NOW_S % 3600 + 3599):
        option = made(ours, start_s)
        assert ours.meet(option, "192.0.2.1", start_s + MAX_AGE_S).good
        assert not ours.meet(option, "192.0.2.1", start_s + MAX_AGE_S + 1).good
        assert ours.meet(option, "192.0.2.1", start_s - MAX_AHEAD_S).good
        assert not ours.meet(option, "192.0.2.1", start_s - MAX_AHEAD_S - 1).good


def test_a_cookie_is_good_for_its_address_only(ours: Cookies) -> None:
    option = made(ours)
    assert not ours.meet(option, "192.0.2.2", NOW_S).good
    assert ours.meet(option, "::ffff:192.0.2.1", NOW_S).good
    assert ours.meet(made(ours, client="fe80::1%eth0"), "fe80::1%eth1", NOW_S).good


def test_a_cookie_of_another_master_is_not_good(ours: Cookies) -> None:
    assert not Cookies(b"another master..").meet(made(ours), "192.0.2.1", NOW_S).good


@given(st.integers(0, 23), st.integers(1, 255))
def test_a_cookie_with_any_octet_changed_is_not_good(at: int, change: int) -> None:
    ours = Cookies(bytes(16))
    option = bytearray(made(ours))
    option[at] ^= change
    assert not ours.meet(bytes(option), "192.0.2.1", NOW_S).good


@pytest.mark.parametrize("octets", [8, 16, 17, 24, 40])
def test_cookies_of_other_makes_are_answered_with_one_of_ours(ours: Cookies, octets: int) -> None:
    option = CLIENT + bytes(octets - 8)
    met = ours.meet(option, "192.0.2.1", NOW_S)
    assert not met.good
    assert ours.meet(met.option, "192.0.2.1", NOW_S).good


@pytest.mark.parametrize("octets", [0, 1, 7, 9, 15, 41])
def test_a_cookie_has_certain_lengths__rfc7873_5_2_2(ours: Cookies, octets: int) -> None:
    with pytest.raises(WireError):
        ours.meet(bytes(octets), "192.0.2.1", NOW_S)
