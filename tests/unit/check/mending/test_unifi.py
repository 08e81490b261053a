from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.unifi import written
from tests.check.gateways import addresses
from tests.check.vyos.configurations import gateway

WEB, PUBLIC, RESOLVER = (ip_address(f"{one}") for one in ("192.168.1.20", "203.0.113.2", "192.168.1.53"))
LAN = addresses("192.168.1.0/24")
FORWARD = Forward(PUBLIC, "tcp", (443, 443), WEB, (443, 443))
HAIRPIN = Hairpin(LAN, 4, WEB, "tcp", (443, 443))
REPLIES = "firewall name WAN_IN default-action drop\ninterfaces ethernet wan firewall in name WAN_IN\n"


def test_what_a_usg_takes_is_one_line_of_json() -> None:
    do, undo = written([HAIRPIN], gateway("", "edgeos"))

    (piece,) = (line for line in do if not line.startswith("#"))
    assert json.loads(piece) == {
        "service": {
            "nat": {
                "rule": {
                    "5000": {
                        "description": "splitdns",
                        "type": "masquerade",
                        "outbound-interface": "lan",
                        "source": {"address": "192.168.1.0/24"},
                        "destination": {"address": "192.168.1.20", "port": "443"},
                        "protocol": "tcp",
                    }
                }
            }
        }
    }
    assert undo[0] == f"# or, for a USG, take from config.gateway.json: {piece}"
    assert all(line.startswith("#") for line in undo)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (FORWARD, "Port Forwarding > Create New: Name splitdns, WAN IP Address 203.0.113.2, WAN Port 443"),
        (HAIRPIN, "port forwards of the controller make the hairpin to 192.168.1.20 by themselves"),
        (Admit("unifi filter", "name WAN_IN", WEB, "tcp", (443, 443)), "Rule Set WAN_IN, Action Accept"),
        (AdmitReplies("unifi filter", "name WAN_IN", 4), "States Established and Related"),
        (RedirectDns(LAN, "br0", RESOLVER, "udp"), "Protocol UDP, Destination not 192.168.1.53 port 53"),
        (SpareDns("unifi nat", "x", RESOLVER, "tcp"), "Exclude, Protocol TCP, Source 192.168.1.53"),
    ],
)
def test_every_change_is_said_in_steps(change: Change, said: str) -> None:
    do, undo = written([change], gateway(REPLIES, "edgeos"))

    assert do[0].startswith("# ")
    assert said in do[0]
    assert f"# take back: {do[0].removeprefix('# ')}" in undo


def test_where_another_rule_would_have_to_move_there_is_no_json() -> None:
    rule = "service nat rule 1"
    text = f"{rule} type destination\n{rule} protocol tcp\n{rule} inside-address address 192.168.1.99\n"

    do, _ = written([FORWARD], gateway(text, "edgeos"))

    assert all(line.startswith("#") for line in do)


def test_numbers_given_earlier_are_not_given_again() -> None:
    do, _ = written([HAIRPIN], gateway("", "edgeos"), [HAIRPIN])

    assert '"5010"' in do[-1]
