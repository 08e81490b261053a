"""The kernel's switches."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.iproute_sysctl import Switches, read_switches
from splitdns.check.dialects.printed import Printed

LISTING = "net.ipv4.conf.lo.rp_filter = 0\n"


def switches(*lines: str) -> Switches:
    return read_switches([Printed("\n".join(lines), "sysctl.txt")])


@pytest.mark.parametrize(
    ("everywhere", "own", "expected"),
    [
        ("0", "1", 1),
        ("2", "1", 2),
        ("1", "0", 1),
        ("0", "0", 0),
        (None, None, None),
        ("1", None, None),
        ("2", None, 2),
    ],
)
def test_the_stricter_number_of_all_and_of_the_interface_counts(
    everywhere: str | None, own: str | None, expected: int | None
) -> None:
    lines = [
        f"net.ipv4.conf.{name}.rp_filter = {value}"
        for name, value in (("all", everywhere), ("eth0", own))
        if value is not None
    ]
    assert switches(*lines).rp_filter("eth0") == expected


def test_the_dots_of_a_name_are_slashes() -> None:
    found = switches("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0/100.rp_filter=1")
    assert found.rp_filter("eth0.100") == 1
    assert (
        switches("net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/eth0.100/rp_filter=1").rp_filter("eth0.100")
        == 1
    )


def test_what_a_whole_listing_does_not_name_is_off() -> None:
    assert switches("net.ipv4.ip_forward = 1").bridge_nf(4) is None
    assert switches(LISTING).bridge_nf(4) is False
    assert switches("net.bridge.bridge-nf-call-ip6tables = 1").bridge_nf(6) is True
    assert switches("net.bridge.bridge-nf-call-iptables = 0").bridge_nf(4) is False


def test_forwarding_is_taken_to_be_on_where_nothing_is_said() -> None:
    assert switches().forwards(4)
    assert not switches("net.ipv4.ip_forward = 0").forwards(4)
    assert not switches("net.ipv4.conf.all.forwarding = 0").forwards(4)
    assert not switches("net.ipv6.conf.all.forwarding = 0").forwards(6)


def test_other_lines_are_passed_over() -> None:
    lines = ["# net.ipv4.ip_forward = 0", "; net.ipv4.ip_forward = 0", "denied", "-net.ipv4.ip_forward = x"]
    text = "\n".join(lines)
    first = Printed(text, "a")
    assert read_switches([first]).forwards(4)
    assert not read_switches([first, Printed("net.ipv4.ip_forward = 0", "b")]).forwards(4)


def test_what_keeps_it_from_forwarding_is_told_with_its_place() -> None:
    found = switches("# a", "net.ipv6.conf.all.forwarding = 0", "net.ipv4.conf.all.forwarding = 0")

    assert str(found.not_forwarding(6)) == "sysctl.txt:2:1: net.ipv6.conf.all.forwarding = 0"
    assert str(found.not_forwarding(4)) == "sysctl.txt:3:1: net.ipv4.conf.all.forwarding = 0"
    assert switches("net.ipv4.ip_forward = 1").not_forwarding(4) is None
