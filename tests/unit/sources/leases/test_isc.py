"""dhcpd.leases, as ISC's server 4.4 writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.sources.leases.isc import leases_in

ENTRY = """\
lease 192.168.1.20 {
  starts 6 2026/11/21 12:00:00;
  ends 6 2026/11/21 13:00:00;
  cltt 6 2026/11/21 12:00:00;
  binding state active;
  next binding state free;
  hardware ethernet 02:00:00:00:00:01;
  client-hostname "laptop";
}
"""
END_S = 1795266000.0


def found(text: str) -> list[tuple[str, str, str, float | None, str]]:
    return [
        (str(one.address), one.hostname, one.client, one.ends_s, str(one.where))
        for one in leases_in(text, "f")
    ]


def test_an_entry_is_a_lease() -> None:
    text = f"# The format of this file is documented\nauthoring-byte-order little-endian;\n\n{ENTRY}"
    assert found(text) == [("192.168.1.20", "laptop", "02:00:00:00:00:01", END_S, "f:4")]


def test_the_last_entry_of_an_address_counts() -> None:
    assert [one[1] for one in found(ENTRY + ENTRY.replace("laptop", "phone"))] == ["phone"]


@pytest.mark.parametrize("state", ["free", "expired", "released", "abandoned", "backup"])
def test_an_address_that_nobody_has_is_no_lease(state: str) -> None:
    assert found(ENTRY + ENTRY.replace("state active", f"state {state}")) == []


@pytest.mark.parametrize(
    ("ends", "at"), [("never", None), ("epoch 1795266000", END_S), ("epoch 1795266000; # Sat Nov 21", END_S)]
)
def test_an_end_may_be_written_otherwise(ends: str, at: float | None) -> None:
    assert [one[3] for one in found(ENTRY.replace("6 2026/11/21 13:00:00", ends))] == [at]


@pytest.mark.parametrize("ends", ["tomorrow", "6 2026/13/41 13:00:00"])
def test_an_end_that_is_no_time_is_no_lease(ends: str) -> None:
    assert found(ENTRY.replace("6 2026/11/21 13:00:00", ends)) == []


def test_a_client_may_say_no_name() -> None:
    assert [one[1] for one in found(ENTRY.replace('  client-hostname "laptop";\n', ""))] == [""]


def test_an_entry_that_is_still_being_written_is_none_and_what_was_before_it_stays() -> None:
    assert [one[1] for one in found(ENTRY + ENTRY.replace("laptop", "phone")[:-2])] == ["laptop"]


@given(st.lists(st.sampled_from([*ENTRY.splitlines(), "lease x {", "}", "ends ;", "lease 1.2.3.4 {", "x"])))
def test_no_text_is_too_strange(lines: list[str]) -> None:
    found("\n".join(lines))
