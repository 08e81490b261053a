"""What the default takes from the machine: resolvers behind stubs, never ourselves; an uplink in CGNAT."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from splitdns.load.configvalues import listen
from splitdns.load.machine import (
    MAX_FILE_OCTETS,
    ROUTES,
    ROUTES_6,
    Machine,
    nameservers,
    this_machine,
    uplink_in_cgnat,
)

ELSEWHERE = (listen("127.0.0.1:5353"),)
EVERYWHERE = (listen("0.0.0.0:53"), listen("[::]:53"))
RESOLVED = "run/systemd/resolve/resolv.conf"
NETWORK_MANAGER = "run/NetworkManager/no-stub-resolv.conf"
DNSMASQ = "run/dnsmasq/resolv.conf"


def conf(*hosts: str) -> str:
    return "".join(f"nameserver {host}\n" for host in hosts)


def hosts(files: dict[str, str], listening: str = "127.0.0.1:5353", own: tuple[str, ...] = ()) -> list[str]:
    machine = Machine(files, own.__contains__)
    return [one.host for one in machine.resolvers(listen(text) for text in listening.split())]


def test_a_resolv_conf_is_read_as_the_c_library_reads_it() -> None:
    text = """\
# nameserver 192.0.2.9
; nameserver 192.0.2.8
search example.org
nameserver 192.0.2.1
  nameserver\t2001:db8::1   # the second
nameserver
nameserver dns.example
nameserver fe80::1%eth0
nameserver 192.0.2.1
options edns0
"""
    assert [one.host for one in nameservers(text)] == ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"]


def test_resolvers_that_are_no_stubs_are_taken_as_they_are() -> None:
    assert hosts({"etc/resolv.conf": conf("192.0.2.1", "2001:db8::1")}) == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize(
    ("stub", "path"),
    [("127.0.0.53", RESOLVED), ("127.0.0.1", NETWORK_MANAGER), ("127.0.0.1", DNSMASQ), ("::1", DNSMASQ)],
)
def test_behind_a_local_stub_the_real_list_is_taken__semantics_17(stub: str, path: str) -> None:
    files = {"etc/resolv.conf": conf(stub), path: conf("192.0.2.1")}
    assert hosts(files) == ["192.0.2.1"]


def test_a_list_behind_a_stub_that_names_stubs_again_is_passed_over() -> None:
    files = {"etc/resolv.conf": conf("127.0.0.1"), RESOLVED: conf("127.0.0.54"), DNSMASQ: conf("192.0.2.1")}
    assert hosts(files) == ["192.0.2.1"]


def test_a_stub_beside_a_real_resolver_is_left_out() -> None:
    assert hosts({"etc/resolv.conf": conf("127.0.0.53", "192.0.2.1")}) == ["192.0.2.1"]


def test_a_stub_without_a_list_behind_it_is_better_than_nobody() -> None:
    assert hosts({"etc/resolv.conf": conf("127.0.0.11")}) == ["127.0.0.11"]


@pytest.mark.parametrize(
    ("named", "listening", "own"),
    [
        ("127.0.0.1", "127.0.0.1:53", ()),
        ("127.0.0.1", "0.0.0.0:53", ()),
        ("::1", "[::]:53", ()),
        ("192.168.1.53", "192.168.1.53:53", ()),
        ("192.168.1.53", "0.0.0.0:53", ("192.168.1.53",)),
        ("fd00::53", "[::]:53", ("fd00::53",)),
    ],
)
def test_the_upstream_is_never_this_server_itself__semantics_17(
    named: str, listening: str, own: tuple[str, ...]
) -> None:
    assert hosts({"etc/resolv.conf": conf(named)}, listening, own) == []
    assert hosts({"etc/resolv.conf": conf(named, "192.0.2.1")}, listening, own) == ["192.0.2.1"]


def test_behind_ourselves_the_real_list_is_taken_too() -> None:
    files = {"etc/resolv.conf": conf("127.0.0.1"), NETWORK_MANAGER: conf("192.168.1.53", "192.0.2.1")}
    assert hosts(files, "0.0.0.0:53", ("192.168.1.53",)) == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("named", "listening"),
    [("127.0.0.1", "127.0.0.1:5353"), ("192.0.2.1", "0.0.0.0:53"), ("192.0.2.1", "[::]:53")],
)
def test_another_port_and_another_machine_are_not_this_server(named: str, listening: str) -> None:
    assert hosts({"etc/resolv.conf": conf(named)}, listening, ("192.168.1.53",)) == [named]


def test_a_machine_without_files_has_no_resolvers() -> None:
    assert Machine().resolvers(EVERYWHERE) == ()
    assert not Machine().cgnat_is_outside


# --- CGNAT ----------------------------------------------------------------------------------------------


def route(interface: str, prefix: str, gateway: str = "0.0.0.0") -> str:
    network, _, length = prefix.partition("/")
    mask = IPv4Address((0xFFFF_FFFF << (32 - int(length))) & 0xFFFF_FFFF)
    flags = "0001" if gateway == "0.0.0.0" else "0003"
    words = [interface, hexed(network), hexed(gateway), flags, "0", "0", "0", hexed(str(mask)), "0", "0", "0"]
    return "\t".join(words) + "\n"


def hexed(address: str) -> str:
    return f"{int.from_bytes(IPv4Address(address).packed, sys.byteorder):08X}"


HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ("", False),
        (route("eth0", "0.0.0.0/0", "192.168.1.1") + route("eth0", "192.168.1.0/24"), False),
        (route("eth0", "0.0.0.0/0", "100.64.0.1") + route("eth0", "100.64.0.0/10"), True),
        (route("ppp0", "0.0.0.0/0") + route("ppp0", "100.70.1.1/32"), True),  # point to point
        (route("ppp0", "100.70.1.1/32") + route("ppp0", "0.0.0.0/0"), True),
        # A VPN of the machine's own in 100.64.0.0/10 is inside: its interface is no uplink.
        (route("eth0", "0.0.0.0/0", "192.168.1.1") + route("tailscale0", "100.64.0.0/10"), False),
        # A route through a gateway is no address of the interface.
        (route("eth0", "0.0.0.0/0", "192.168.1.1") + route("eth0", "100.64.0.0/10", "192.168.1.2"), False),
        (route("eth0", "0.0.0.0/0", "192.168.1.1") + "cut\t00", False),
    ],
)
def test_cgnat_is_outside_where_the_uplink_is_in_it__semantics_20(routes: str, expected: bool) -> None:
    assert uplink_in_cgnat(HEAD + routes) is expected
    assert Machine({"proc/net/route": HEAD + routes}).cgnat_is_outside is expected


# --- Files ----------------------------------------------------------------------------------------------


def test_the_machines_files_are_read_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").write_text(conf("192.0.2.1"))
    machine = this_machine(tmp_path)
    assert [one.host for one in machine.resolvers(ELSEWHERE)] == ["192.0.2.1"]
    assert machine.files[RESOLVED] == ""
    assert machine.is_own("127.0.0.1")
    assert not machine.is_own("192.0.2.1")
    assert not machine.is_own("2001:db8::1")


def test_a_huge_file_is_cut_at_a_line(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    line = conf("192.0.2.1")
    (tmp_path / "etc/resolv.conf").write_text(line * (MAX_FILE_OCTETS // len(line) + 2))
    text = this_machine(tmp_path).files["etc/resolv.conf"]
    assert MAX_FILE_OCTETS - len(line) <= len(text) <= MAX_FILE_OCTETS
    assert text.endswith("\n")


_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def _word(address: str) -> str:
    octets = IPv4Address(address).packed
    return f"{int.from_bytes(octets, sys.byteorder):08X}"


def _route(interface: str, destination: str, gateway: str, mask: str, flags: int) -> str:
    words = _word(destination), _word(gateway), f"{flags:04X}", "0", "0", "0", _word(mask), "0", "0", "0"
    return "\t".join((interface, *words)) + "\n"


def test_the_ways_out_begin_at_routers_and_bridges_that_are_not_ourselves() -> None:
    routes = (
        _HEAD
        + _route("eth0", "0.0.0.0", "172.17.0.1", "0.0.0.0", 3)
        + _route("eth0", "172.17.0.0", "0.0.0.0", "255.255.0.0", 1)
        + _route("br0", "192.168.9.0", "0.0.0.0", "255.255.255.0", 1)
        + _route("eth1", "10.9.0.0", "192.168.9.7", "255.255.0.0", 3)
        + _route("tun0", "10.8.0.2", "0.0.0.0", "255.255.255.255", 5)
    )
    six = (
        f"{0:032x} 00 {0:032x} 00 fd000000000000000000000000000001 00000400 1 0 00000003 eth0\n"
        f"fd000000000000000000000000000000 40 {0:032x} 00 {0:032x} 00000100 1 0 00000001 eth0\n"
    )
    files = {ROUTES: routes, ROUTES_6: six}
    assert Machine(files).gateways == {"172.17.0.1", "192.168.9.1", "fd00::1"}
    assert Machine(files, lambda host: host == "192.168.9.1").gateways == {"172.17.0.1", "fd00::1"}
    assert Machine().gateways == frozenset()
