"""Changes as uci commands; what they do is seen in the round trip."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.openwrt import written
from splitdns.check.sets import numbers_of
from tests.check.openwrt.routers import NETWORK, gateway, redirect, section

WAN, WEB, DMZ = ip_address("203.0.113.2"), ip_address("192.168.1.20"), ip_address("10.0.0.20")
LAN = numbers_of(ip_network("192.168.1.0/24"))
FORWARD = Forward(WAN, "tcp", (443, 443), WEB, (443, 443))
HAIRPIN = Hairpin(LAN, 4, WEB, "tcp", (443, 443))
LOAD = "uci commit firewall && service firewall restart  # "
LEASED = NETWORK.replace("option proto 'static'\n\tlist ipaddr '203.0.113.2/24'", "option proto 'dhcp'")


def lines(*changes: Change, router: str = "", network: str = NETWORK) -> list[str]:
    return written(changes, gateway(router, network=network))[0]


def options(found: list[str]) -> dict[str, str]:
    """What is set in the first section."""
    path = found[0].split()[2].partition("=")[0]
    words = (line.removeprefix("uci set ").removeprefix(f"{path}.") for line in found[1:])
    return {name: value for word in words if "=" in word for name, _, value in [word.partition("=")]}


def test_a_new_forward_is_one_redirect_that_is_reflected_everywhere_inside() -> None:
    do, undo = written([FORWARD, HAIRPIN], gateway())

    name = "splitdns_forward_443_tcp_203_0_113_2"
    at = f"firewall.{name}"
    assert do == [
        f"uci set {at}=redirect",
        f"uci set {at}.name='splitdns-forward-443-tcp-203-0-113-2'",
        f"uci set {at}.src='wan'",
        f"uci set {at}.src_dip='203.0.113.2'",
        f"uci set {at}.src_dport='443'",
        f"uci set {at}.dest='lan'",
        f"uci set {at}.dest_ip='192.168.1.20'",
        f"uci set {at}.dest_port='443'",
        f"uci set {at}.proto='tcp'",
        f"uci set {at}.target='DNAT'",
        f"uci add_list {at}.reflection_zone='lan'",
        f"uci add_list {at}.reflection_zone='dmz'",
        f"uci add_list {at}.reflection_zone='guest'",
        f"uci reorder {at}=0",
        LOAD + name,
    ]
    assert undo == [f"uci delete {at}", LOAD + name]


def test_a_leased_address_is_not_written_down() -> None:
    found = lines(FORWARD, network=LEASED)

    assert not [line for line in found if "src_dip" in line]


def test_where_only_the_reflection_lacks_it_is_switched_on() -> None:
    router = redirect(reflection="0", name="web")
    zones = ("lan", "dmz", "guest")

    do, undo = written([FORWARD, HAIRPIN], gateway(router))
    assert do == [
        "uci set firewall.@redirect[-1].reflection='1'",
        *(f"uci add_list firewall.@redirect[-1].reflection_zone='{zone}'" for zone in zones),
        f"{LOAD}web",
    ]
    assert undo == [
        "uci delete firewall.@redirect[-1].reflection_zone",
        "uci set firewall.@redirect[-1].reflection='0'",
        f"{LOAD}web",
    ]


def test_zones_that_were_named_are_named_again_when_undone() -> None:
    do, undo = written([FORWARD], gateway(redirect(reflection_zone=["lan", "dmz"])))

    assert do[0] == "uci delete firewall.@redirect[-1].reflection_zone"
    assert undo[1:3] == [
        f"uci add_list firewall.@redirect[-1].reflection_zone='{zone}'" for zone in ("lan", "dmz")
    ]


@pytest.mark.parametrize(
    "change",
    [
        Forward(ip_address("203.0.113.9"), "tcp", (443, 443), WEB, (443, 443)),
        Forward(ip_address("2001:db8::9"), "tcp", (443, 443), ip_address("2001:db8:1::20"), (443, 443)),
    ],
)
def test_where_nothing_can_be_reflected_each_zone_has_a_redirect(change: Forward) -> None:
    found = lines(change)

    sections = [line for line in found if line.endswith("=redirect")]
    assert [line.rpartition("_")[2].partition("=")[0] for line in sections] == ["lan", "dmz", "guest", "wan"]
    assert options(found)["reflection"] == "'0'"


def test_a_range_that_is_shifted_needs_a_redirect_for_each_port() -> None:
    some = lines(Forward(WAN, "udp", (8000, 8002), WEB, (9000, 9002)))
    many = lines(Forward(WAN, "udp", (8000, 8100), WEB, (9000, 9100)))

    assert [line.partition(".dest_port=")[2] for line in some if ".dest_port=" in line] == [
        "'9000'",
        "'9001'",
        "'9002'",
    ]
    assert many == ["# fw4 shifts no ranges: serve 8000-8100/udp inside as well"]


def test_a_hairpin_by_itself_is_a_nat_section_of_the_server_s_zone() -> None:
    do, undo = written([HAIRPIN], gateway())

    at = "firewall.splitdns_hairpin_443_tcp_192_168_1_20_from_192_168_1_0_24"
    assert do[0] == f"uci set {at}=nat"
    assert options(do) | {"name": ""} == {
        "name": "",
        "src": "'lan'",
        "proto": "'tcp'",
        "src_ip": "'192.168.1.0/24'",
        "dest_ip": "'192.168.1.20'",
        "dest_port": "'443'",
        "target": "'MASQUERADE'",
        "uci reorder firewall.splitdns_hairpin_443_tcp_192_168_1_20_from_192_168_1_0_24": "0",
    }
    assert undo[0] == f"uci delete {at}"


def test_a_hairpin_that_an_earlier_reflection_makes_is_not_made_again() -> None:
    assert written([HAIRPIN], gateway(), [FORWARD]) == ([], [])


def test_what_is_admitted_comes_from_the_zones_that_drop_it() -> None:
    to_all = options(lines(Admit("openwrt fw4", "handle_reject", DMZ, "udp", (8000, 8009))))
    of_guests = options(lines(Admit("openwrt fw4", "forward_guest", DMZ, "udp", (8000, 8009))))

    assert (to_all["src"], of_guests["src"]) == ("'*'", "'guest'")
    assert (to_all["dest"], to_all["dest_port"], to_all["target"]) == ("'*'", "'8000-8009'", "'ACCEPT'")


def test_replies_are_admitted_already() -> None:
    do, undo = written([AdmitReplies("openwrt fw4", "forward", 4)], gateway())

    assert [line[0] for line in do] == ["#"]
    assert undo == []


def test_dns_of_a_whole_zone_is_led_but_not_the_resolver_s_own() -> None:
    resolver = ip_address("192.168.1.53")
    clients = LAN - numbers_of(ip_address("192.168.1.1"))

    found = options(lines(RedirectDns(clients, "br-lan", resolver, "udp")))
    assert found["src"] == "'lan'"
    assert found["src_ip"] == found["src_dip"] == "'!192.168.1.53'"
    assert (found["dest_ip"], found["src_dport"], found["reflection"]) == ("'192.168.1.53'", "'53'", "'0'")
    itself = RedirectDns(LAN, "br-lan", ip_address("192.168.1.1"), "tcp", on_gateway=True)
    on_gateway = options(lines(itself))
    assert "dest_ip" not in on_gateway
    assert "src_ip" not in on_gateway


def test_dns_of_some_is_led_by_ranges() -> None:
    some = numbers_of(ip_network("192.168.1.64/26"))

    found = lines(RedirectDns(some, "br-lan", ip_address("192.168.1.70"), "udp"))
    assert [line.partition("src_ip=")[2] for line in found if "src_ip=" in line] == [
        "'192.168.1.64-192.168.1.69'",
        "'192.168.1.71-192.168.1.127'",
    ]
    (nowhere,) = lines(RedirectDns(some, "tun0", ip_address("192.168.1.70"), "udp"))
    assert nowhere.startswith("# tun0 is in no zone")


def test_the_resolver_is_spared_in_the_redirect_that_is_there() -> None:
    led = {"src": "lan", "src_dport": "53", "proto": "udp", "dest_ip": "192.168.1.53", "target": "DNAT"}
    change = SpareDns("openwrt fw4", "dstnat_lan", ip_address("192.168.1.53"), "udp")

    do, undo = written([change], gateway(section("redirect", **led)))
    assert do[0] == "uci set firewall.@redirect[-1].src_ip='!192.168.1.53'"
    assert undo[0] == "uci delete firewall.@redirect[-1].src_ip"
    (said,) = lines(change, router=section("redirect", src_ip="192.168.1.0/24", **led))
    assert said.startswith("# firewall.@redirect[-1]: leave 192.168.1.53 out of src_ip")


def test_what_differs_by_protocol_only_is_one_section() -> None:
    both = [Admit("openwrt fw4", "forward_guest", DMZ, one, (53, 53)) for one in ("udp", "tcp")]

    do, undo = written(both, gateway())
    at = "firewall.splitdns_admit_53_tcp_udp_10_0_0_20_guest"
    assert [line for line in do if ".proto=" in line] == [
        f"uci add_list {at}.proto='tcp'",
        f"uci add_list {at}.proto='udp'",
    ]
    assert undo[:-1] == [f"uci delete {at}"]
