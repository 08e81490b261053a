"""Real programs' rules, walked: what they let in, and that a connection by itself meets no limit."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import iptables
from splitdns.check.dialects.ipset import IpSets, read
from splitdns.check.model import Gateway, Kind
from tests.check.gateways import (
    DMZ_CLIENT,
    DMZ_HOST,
    INTERNET,
    LAN_CLIENT,
    PUBLIC,
    WEB,
    WEB_HOST,
    asked,
    clients,
    ended,
    network,
)
from tests.check.iptables import table

NAT = table(
    f"-A PREROUTING -d {PUBLIC}/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination {WEB}",
    "-A POSTROUTING -o wan -j MASQUERADE",
    name="nat",
)
# As OpenWrt's fw3 guards against floods of SYN.
SYN = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"
SYN_FLOOD = table(
    ":syn_flood - [0:0]",
    f"-A FORWARD {SYN} -j syn_flood",
    "-A FORWARD -i wan -m conntrack --ctstate DNAT -j ACCEPT",
    "-A FORWARD -i wan -j DROP",
    f"-A syn_flood {SYN} -m limit --limit 25/sec --limit-burst 50 -j RETURN",
    "-A syn_flood -j DROP",
)


def gateway(*texts: str, sets: str = "") -> Gateway:
    known = read(sets, "sets") if sets else IpSets()
    ruleset = iptables.read("".join(texts), "rules", family=4, sets=known)
    return Gateway(network(), ruleset, (WEB_HOST, DMZ_HOST))


def test_a_guard_against_floods_lets_a_connection_through() -> None:
    assert ended(gateway(NAT, SYN_FLOOD), INTERNET) == "ok-dnat web"
    assert ended(gateway(NAT, SYN_FLOOD), INTERNET, ports=80) == "router-self"


def test_what_lapses_in_a_set_makes_a_maybe_with_its_name() -> None:
    blocked = table("-A FORWARD -m set --match-set f2b src -j DROP")

    result = asked(gateway(NAT, blocked, sets="create f2b hash:ip timeout 600\n"), INTERNET)

    assert result.verdict.value == "maybe"
    assert "'f2b'" in " ".join(result.reasons)


def test_a_set_is_walked_exactly() -> None:
    sets = "create trusted hash:net,port\nadd trusted 198.51.100.0/28,tcp:443\n"
    only = table("-A FORWARD -i wan -m set ! --match-set trusted src,dst -j REJECT")

    assert ended(gateway(NAT, only, sets=sets), INTERNET) == "ok-dnat web"
    assert ended(gateway(NAT, only, sets=sets.replace("/28", "/32")), INTERNET) == "refused"


@pytest.mark.parametrize(("state", "verdict"), [("DNAT", "ok-dnat web"), ("SNAT", "dropped")])
def test_the_filter_may_ask_whether_an_address_was_translated(state: str, verdict: str) -> None:
    filtered = table(f"-A FORWARD -m conntrack ! --ctstate {state},ESTABLISHED -j DROP")

    assert ended(gateway(NAT, filtered), INTERNET) == verdict


def test_ports_in_a_range_are_kept_and_others_become_its_first() -> None:
    to = table(f"-A PREROUTING -p tcp -m tcp --dport 80:90 -j DNAT --to-destination {WEB}:85-95", name="nat")

    def port(asked_for: int) -> int | None:
        endpoint = asked(gateway(to), INTERNET, ports=asked_for).outcomes[0].endpoint
        return endpoint.ports.single if endpoint else None

    assert (port(80), port(85), port(90)) == (85, 85, 90)


def test_the_way_back_is_asked_of_the_routes() -> None:
    strict = table("-A PREROUTING -m rpfilter --invert -j DROP", name="mangle")

    assert ended(gateway(strict), LAN_CLIENT, at="10.0.0.20") == "ok-routed dmz-web"
    assert ended(gateway(strict), DMZ_CLIENT, at=WEB) == "ok-routed web"
    stray = clients("stray", Kind.ROUTED, "lan", "10.0.0.50")
    assert ended(gateway(strict), stray, at=WEB) == "dropped"
