"""Each cure is tried on the model; in the lab, on a kernel."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from splitdns.check.changes import Admit, AdmitReplies, Forward, Hairpin, with_changes
from splitdns.check.finding import Code
from splitdns.check.mend import Cure, cures
from splitdns.check.model import Ruleset
from splitdns.check.sets import numbers_of
from tests.check.test_findings import PAIRS
from tests.check.world import FORWARD, PLAIN, SPLIT, World, filtered, nat

WEB, WAN = ip_address("192.168.1.20"), ip_address("203.0.113.7")
CURED = [
    Code.FWD_MISSING,
    Code.FWD_WRONG_HOST,
    Code.FWD_WRONG_PORT,
    Code.FWD_SHADOWED,
    Code.FWD_FILTERED,
    Code.FWD_PRENAT_MATCH,
    Code.HP_MISSING,
    Code.HP_DNAT_WAN_ONLY,
    Code.HP_FILTERED,
    Code.HP_SELF,
]


def only(world: World) -> Cure:
    (cure,) = cures(world.checked())
    return cure


@pytest.mark.parametrize("code", CURED, ids=lambda code: code.value)
def test_the_cure_of_a_finding_is_proven(code: Code, tmp_path: Path) -> None:
    world = PAIRS[code](World(tmp_path))[0]

    found = [cure for cure in cures(world.checked()) if code in {one.code for one in cure.findings}]

    assert found
    assert all(cure.changes and not cure.left for cure in found), [cure.left for cure in found]


def test_a_missing_forward_is_one_rule(tmp_path: Path) -> None:
    cure = only(World(tmp_path, rules=nat()))

    assert cure.changes == (Forward(WAN, "tcp", (443, 443), WEB, (443, 443)),)


def test_a_hairpin_is_scoped_to_the_server_s_network_and_port(tmp_path: Path) -> None:
    cure = only(World(tmp_path, zone=PLAIN))

    (change,) = cure.changes
    assert isinstance(change, Hairpin)
    assert (change.to, change.to_port) == (WEB, (443, 443))
    assert change.clients.size == 256


def test_what_turns_out_to_be_needed_after_a_forward_comes_with_it(tmp_path: Path) -> None:
    cure = only(World(tmp_path, rules=nat() + filtered("-A FORWARD -i lan0 -j ACCEPT\n")))

    kinds = {type(change) for change in cure.changes}
    assert {Forward, Admit} <= kinds
    assert not cure.left


def test_replies_are_let_back_where_the_filter_forgets_them(tmp_path: Path) -> None:
    rules = nat(FORWARD) + filtered("-A FORWARD -d 192.168.1.20/32 -j ACCEPT\n")

    cure = only(World(tmp_path, rules=rules))

    assert AdmitReplies("iptables filter", "FORWARD", 4) in cure.changes
    assert not cure.left


def test_no_rule_is_offered_where_nobody_says_who_serves(tmp_path: Path) -> None:
    cure = only(World(tmp_path, zone=PLAIN, rules=nat()))

    assert cure.changes == ()
    assert "where the service is" in cure.left


def test_nothing_is_offered_where_all_is_well(tmp_path: Path) -> None:
    assert list(cures(World(tmp_path, zone=SPLIT).checked())) == []


def test_changes_come_before_all_other_rules() -> None:
    rule = Hairpin(numbers_of(WEB), 4, WEB, "tcp", (443, 443))

    ruleset = with_changes(Ruleset(), [rule, Forward(WAN, "tcp", (1, 1), WEB, (1, 1))])

    found = {(chain.name, chain.priority) for chain in ruleset.chains}
    assert found == {("postrouting", 99), ("prerouting", -101)}
