from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer import limits
from splitdns.answer.limits import BUCKETS, Buckets, Limiter, Rates, Verdict

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def buckets(per_second: float = 10, window_s: float = 2, prefix_4: int = 24, prefix_6: int = 56) -> Buckets:
    return Buckets(per_second, window_s, prefix_4, prefix_6, LOOPBACK)


def admitted(found: Buckets, host: str, now_s: float, times: int) -> int:
    return sum(found.admits(host, now_s) for _ in range(times))


def test_who_was_quiet_gets_a_windows_worth_at_once_and_not_one_more() -> None:
    found = buckets()
    assert admitted(found, "192.0.2.1", 100.0, 30) == 20
    assert admitted(found, "192.0.2.1", 100.0, 30) == 0


def test_who_is_exempt_or_without_limit_has_nothing_to_keep_to() -> None:
    assert buckets().slot("192.0.2.1") != BUCKETS
    assert buckets().slot("127.0.0.1") == BUCKETS
    assert buckets(per_second=0).slot("192.0.2.1") == BUCKETS


def test_then_it_gets_what_the_rate_gives() -> None:
    found = buckets()
    admitted(found, "192.0.2.1", 100.0, 30)
    assert admitted(found, "192.0.2.1", 101.04, 30) == 10
    assert admitted(found, "192.0.2.1", 200.0, 30) == 20


def test_who_keeps_to_the_rate_is_never_limited() -> None:
    found = buckets()
    assert all(found.admits("192.0.2.1", 100 + at / 9.9) for at in range(1000))


def test_one_is_always_allowed() -> None:
    found = buckets(per_second=0.01, window_s=1)
    assert admitted(found, "192.0.2.1", 100.0, 5) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8:0:1200::1", "2001:db8:0:12ff::1", True),
        ("2001:db8:0:1200::1", "2001:db8:0:1300::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("0.0.0.0", "::", False),
    ],
)
def test_a_network_shares_a_bucket(one: str, other: str, same: bool) -> None:
    found = buckets()
    admitted(found, one, 100.0, 30)
    assert found.admits(other, 100.0) is not same


def test_of_clients_every_address_counts_by_itself() -> None:
    found = buckets(prefix_4=32)
    admitted(found, "192.0.2.1", 100.0, 30)
    assert found.admits("192.0.2.2", 100.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.9.9.9"])
def test_who_is_exempt_is_not_counted(host: str) -> None:
    assert admitted(buckets(), host, 100.0, 1000) == 1000


def test_without_a_rate_nobody_is_limited() -> None:
    assert admitted(buckets(per_second=0), "192.0.2.1", 100.0, 1000) == 1000


@given(st.lists(st.integers(0, 2**128 - 1), max_size=50))
def test_whatever_addresses_come_memory_stays_bounded(numbers: list[int]) -> None:
    found = buckets()
    for number in numbers:
        assert found.admits(str(ip_address(number)), 100.0)
    assert len(found.due_s) == BUCKETS + 1


def test_remembered_hosts_are_bounded_and_forgetting_them_frees_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_REMEMBERED_HOSTS", 2)
    found = buckets()
    admitted(found, "192.0.2.1", 100.0, 30)
    for last in range(1, 10):
        found.admits(f"198.51.{last}.1", 100.0)
        assert len(found._slots) <= 2
    assert not found.admits("192.0.2.1", 100.0)


@pytest.mark.parametrize(
    ("slip", "drawn", "verdict"),
    [
        (0, 0.0, Verdict.DROP),
        (1, 0.999, Verdict.TRUNCATE),
        (2, 0.499, Verdict.TRUNCATE),
        (2, 0.5, Verdict.DROP),
        (10, 0.11, Verdict.DROP),
    ],
)
def test_one_of_slip_is_truncated(slip: int, drawn: float, verdict: Verdict) -> None:
    assert Limiter(Rates(slip=slip), lambda: drawn).verdict() is verdict


def test_new_rates_hold_at_once() -> None:
    limiter = Limiter(Rates(), lambda: 0.0)
    assert admitted(limiter.queries, "192.0.2.1", 100.0, 100) == 100
    limiter.set(Rates(queries_per_second=1, window_s=1))
    assert admitted(limiter.queries, "192.0.2.1", 100.0, 100) == 1
    assert admitted(limiter.responses, "192.0.2.1", 100.0, 100) == 100


@given(st.floats(0.1, 1000), st.floats(0.1, 10), st.integers(0, 50), st.floats(0, 5), st.integers(1, 64))
def test_many_at_once_are_as_many_one_after_the_other(
    per_second: float, window_s: float, before: int, later_s: float, times: int
) -> None:
    together, each = Buckets(per_second, window_s, 24, 56), Buckets(per_second, window_s, 24, 56)
    for found in (together, each):
        for _ in range(before):
            found.take(7, 100.0)
    now_s = 100.0 + later_s
    if together.has_room(7, times, now_s):
        together.charge(7, times, now_s)
        assert all(each.take(7, now_s) for _ in range(times))
        assert together.due_s[7] == pytest.approx(each.due_s[7])
