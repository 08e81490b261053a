from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from splitdns.check.finding import Code
from splitdns.check.mend import cures
from splitdns.check.model import Origin
from splitdns.errors import Where
from tests.check.world import FORWARD, NETWORK, SPLIT, World, interface, nat


def test_a_construct_that_is_not_modelled_is_told_once_with_its_rule(tmp_path: Path) -> None:
    sometimes = FORWARD.replace("-j DNAT", "-m time --timestart 08:00:00 -j DNAT")

    found = World(tmp_path, rules=nat(sometimes, sometimes)).findings(Code.MODEL_UNKNOWN)

    about_rules = [one for one in found if not one.subject]
    assert len(about_rules) == 1
    assert str(about_rules[0].where) == "rules.v4:6:1"
    (about_service,) = [one for one in found if one.subject]
    assert "is not known: " in about_service.message


def test_a_lost_source_points_at_the_rule_that_loses_it(tmp_path: Path) -> None:
    world = World(tmp_path, rules=nat(FORWARD, "-A POSTROUTING -j MASQUERADE\n"))

    (finding,) = world.findings(Code.SRC_LOST_WAN)

    assert str(finding.where) == "rules.v4:7:1"


def test_a_leased_address_in_a_cure_is_its_writer_s_matter(tmp_path: Path) -> None:
    leased = replace(
        NETWORK,
        interfaces=(
            interface("wan0", "203.0.113.7/24", uplink=True, dynamic=True),
            *NETWORK.interfaces[2:],
        ),
    )
    (cure,) = cures(World(tmp_path, rules=nat(), network=leased).checked())

    assert cure.changes
    assert cure.left == ""


def test_a_gateway_that_does_not_forward_is_one_finding_and_no_route_is_blamed(tmp_path: Path) -> None:
    zone = SPLIT.replace("[443/tcp]", "[443/tcp, 80/tcp]")
    told = Origin(Where("sysctl.txt", 40, 1), "net.ipv4.ip_forward = 0")
    off = replace(NETWORK, forwards={4: False, 6: True}, not_forwarding={4: told})

    checked = World(
        tmp_path, zone=zone, network=off, rules=nat(FORWARD, FORWARD.replace("443", "80"))
    ).checked()

    (finding,) = [one for one in checked.findings if one.code is Code.FWD_OFF]
    assert finding.message == (
        "the gateway does not forward IPv4 (net.ipv4.ip_forward = 0): "
        "dmz0 192.168.20.0/24, wg0 10.8.0.0/24, the internet miss 2 services"
    )
    assert str(finding.where) == "sysctl.txt:40:1"
    assert finding.remedy.startswith("set net.ipv4.ip_forward = 1")
    assert not {one.code for one in checked.findings} & {
        Code.FWD_MISSING,
        Code.NAT_DEAD_TARGET,
        Code.HP_ONLY_FALLBACK,
    }


def test_what_fails_for_another_cause_is_told_beside_it(tmp_path: Path) -> None:
    off = replace(NETWORK, forwards={4: False, 6: True})

    checked = World(tmp_path, rules=nat(), network=off).checked()

    found = {one.code: one for one in checked.findings}
    assert found[Code.FWD_MISSING].clients == ("the internet",)
    assert found[Code.FWD_OFF].remedy == "let the gateway forward IPv4"
