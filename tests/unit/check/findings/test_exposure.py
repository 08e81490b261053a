from __future__ import annotations

from pathlib import Path

from splitdns.check.finding import Code
from tests.check.world import FORWARD, World, nat

RANGE = "-A PREROUTING -d 203.0.113.7/32 -p tcp --dport 440:450 -j DNAT --to-destination 192.168.1.20\n"


def test_what_is_declared_is_taken_out_of_what_is_let_in(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, rules=nat(RANGE)).findings(Code.EXP_UNNAMED)

    assert finding.message.startswith("440-442,444-450/tcp is open to the internet at 192.168.1.20")
    assert finding.witness is not None
    assert finding.witness.packets.destination_ports.single == 440
    assert [str(rule.where) for rule in finding.rules] == ["rules.v4:6:1"]


def test_a_declared_service_of_another_protocol_is_no_excuse(tmp_path: Path) -> None:
    udp = FORWARD.replace("tcp", "udp")

    (finding,) = World(tmp_path, rules=nat(FORWARD, udp)).findings(Code.EXP_UNNAMED)

    assert finding.message.startswith("443/udp ")


def test_the_gateway_s_own_ports_are_known_where_it_says_what_listens(tmp_path: Path) -> None:
    world = World(tmp_path)

    assert world.but(gateway="{listens: [51820/udp]}").findings(Code.EXP_ADMIN) == []
    (admin,) = world.but(gateway="{listens: [22/tcp]}").findings(Code.EXP_ADMIN)
    assert "own 22/tcp at 203.0.113.7" in admin.message
    (unnamed,) = world.but(gateway="{listens: [51820/udp]}").findings(Code.EXP_UNNAMED)
    assert "51820/udp" in unnamed.message


def test_a_resolver_of_the_gateway_s_own_is_closed_to_the_internet(tmp_path: Path) -> None:
    world = World(tmp_path)
    elsewhere = "{resolver: [192.168.1.53], listens: [53/udp]}"
    here = "{resolver: [192.168.1.1], listens: [53/udp]}"

    (finding,) = world.but(gateway=elsewhere).findings(Code.EXP_OPEN_RESOLVER)
    assert finding.message == "the gateway's own resolver answers the internet: 53/udp at 203.0.113.7"
    assert world.but(gateway=here).findings(Code.EXP_OPEN_RESOLVER) == []
    assert world.but(gateway=elsewhere.replace("53/udp", "54/udp")).findings(Code.EXP_OPEN_RESOLVER) == []


def test_nothing_is_found_where_only_what_is_declared_is_let_in(tmp_path: Path) -> None:
    codes = World(tmp_path, gateway="{listens: []}").codes()

    assert not {code for code in codes if code.startswith("EXP-")}
