"""Changes as steps in pfSense's web interface: a line each, found again by their description."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.dialects import xml_places
from splitdns.check.mending.pfsense import written
from splitdns.check.sets import numbers_of

WEB, WAN, RESOLVER = map(ip_address, ("192.168.1.20", "203.0.113.7", "192.168.1.53"))
LAN = numbers_of(ip_network("192.168.1.0/24"))
FORWARD = Forward(WAN, "tcp", (8443, 8443), WEB, (443, 443))


def test_a_forward_is_one_step_one_piece_and_one_way_back() -> None:
    do, undo = written([FORWARD])

    descr = "splitdns: 8443/tcp at 203.0.113.7 to 192.168.1.20"
    assert do[0].startswith("# Firewall › NAT › Port Forward › Add, to the top: Interface: WAN; ")
    assert do[0].endswith(
        "Redirect target IP: 192.168.1.20; Redirect target port: 443; NAT reflection: Pure NAT;"
        f" Filter rule association: None; Description: {descr}"
    )
    rule = xml_places.read(do[-1], "piece").child("rule")
    assert rule is not None
    assert (rule.value("destination", "port"), rule.value("local-port")) == ("8443", "443")
    assert rule.value("natreflection") == "purenat"
    back = f'# Firewall › NAT › Port Forward: delete the rule "{descr}"'
    assert undo == [back, "# Save, and Apply Changes"]


def test_a_hairpin_is_an_outbound_rule_of_its_interface() -> None:
    do, _ = written([Hairpin(LAN, 4, WEB, "tcp", (443, 443), "opt1")])

    assert "Mode (for all, once): Hybrid, if it was Automatic; Interface: opt1 (by its own name)" in do[0]
    assert xml_places.read(do[-1], "piece").value("outbound", "rule", "interface") == "opt1"


@pytest.mark.parametrize(
    ("chain", "menu", "interface", "floating"),
    [
        ("wan", "Firewall › Rules › WAN", "wan", False),
        ("group ovpns1", "Firewall › Rules › openvpn", "openvpn", False),
        ("floating lan", "Firewall › Rules › Floating", "lan", True),
    ],
)
def test_what_is_admitted_stands_where_it_is_dropped(
    chain: str, menu: str, interface: str, floating: bool
) -> None:
    do, undo = written([Admit("pfsense filter", chain, WEB, "tcp", (443, 443))])

    rule = xml_places.read(do[-1], "piece").child("rule")
    assert rule is not None
    assert do[0].startswith(f"# {menu} › Add, to the top: ")
    assert (rule.value("interface"), rule.child("floating") is not None) == (interface, floating)
    assert undo[0].startswith(f"# {menu}: delete the rule ")


def test_what_the_device_blocks_by_itself_is_a_switch() -> None:
    do, undo = written([Admit("pfsense filter", "auto wan", WEB, "tcp", (443, 443))])

    assert do == ["# Interfaces › WAN: Block private networks: off, for these are clients of yours"]
    assert undo == ["# Interfaces › WAN: Block private networks: on"]


def test_replies_need_nothing() -> None:
    do, _ = written([AdmitReplies("pfsense filter", "forward", 4)])

    assert do == ["# replies to what was let in pass by its state: there is nothing to set"]


def test_redirected_dns_spares_the_resolver_on_the_same_link() -> None:
    do, undo = written([RedirectDns(LAN - numbers_of(RESOLVER), "lan", RESOLVER, "udp")])

    pieces = [xml_places.read(line, "piece") for line in do if line.startswith("<")]
    assert [one.value("rule", "source", "address") for one in pieces] == ["192.168.1.0/24", "192.168.1.53"]
    assert [one.child("rule", "nordr") is not None for one in pieces] == [False, True]  # the last is on top
    assert "itself on lan is left alone" in undo[0]


def test_redirected_dns_may_end_at_the_gateway() -> None:
    do, _ = written([RedirectDns(LAN, "opt1", ip_address("10.0.0.1"), "tcp", on_gateway=True)])

    (piece,) = [xml_places.read(line, "piece") for line in do if line.startswith("<")]
    assert piece.value("rule", "target") == "10.0.0.1"
    assert piece.child("rule", "destination", "not") is not None


def test_the_resolver_is_spared_on_the_interface_that_leads_it_back() -> None:
    do, _ = written([SpareDns("pfsense nat", "rdr lan", RESOLVER, "udp")])

    assert xml_places.read(do[-1], "piece").value("rule", "interface") == "lan"


@pytest.mark.parametrize("changes", [[FORWARD, FORWARD], [FORWARD]])
def test_each_step_is_there_once(changes: list[Change]) -> None:
    do, undo = written(changes)

    assert len(do) == len(set(do)) == 4
    assert len(undo) == 2
    assert written([]) == ([], [])
