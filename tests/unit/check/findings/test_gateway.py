from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from splitdns.check.finding import Code
from splitdns.check.mend import cures
from tests.check.world import FORWARD, NETWORK, World, interface, nat


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
