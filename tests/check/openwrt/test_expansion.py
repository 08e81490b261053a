"""What fw4 loads for a configuration, as the kernel lists it, is what is read from the configuration itself.

``fw4/router.nft`` is written by hand, rule for rule as fw4 writes its table for ``fw4/router.uci``, without
its comments, and without chains that nothing jumps to. nft loads it and lists it; both readings must then
have the same chains with the same rules in the same order.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from splitdns.check.dialects import nftables
from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import ICMP, Chain, IcmpTypes, Network, Protocols, Rule
from splitdns.check.sets import Numbers

FW4 = Path(__file__).with_name("fw4")


def meaning(rule: Rule) -> object:
    """What a rule asks in any order, what it does, and for which packets.

    Of a rule for ICMP, nft does not list the family, because it follows.
    """
    families = rule.families
    if any(isinstance(one, IcmpTypes) for one in rule.conditions):
        families = frozenset({4 if Protocols(Numbers.one(ICMP)) in rule.conditions else 6})
    return frozenset(rule.conditions), rule.action, families


def by_name(chains: Iterable[Chain]) -> dict[str, Chain]:
    return {one.name: one for one in chains}


@pytest.mark.root
@pytest.mark.needs("nft", "unshare")
def test_the_rules_are_those_that_fw4_loads() -> None:
    text = (FW4 / "router.uci").read_text()
    ours = by_name(read([Printed(text, "router.uci")], Network()).ruleset.chains)
    load = 'nft -f "$1" && nft -j list ruleset'
    argv = ("unshare", "--net", "sh", "-c", load, "sh", str(FW4 / "router.nft"))
    listed = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0, listed.stderr
    theirs = by_name(nftables.read(listed.stdout, "fw4").chains)

    for name, chain in theirs.items():
        mine = ours[name]
        assert [*map(meaning, mine.rules)] == [*map(meaning, chain.rules)], name
        shape = (chain.hook, chain.priority, chain.is_nat, chain.accepts)
        assert (mine.hook, mine.priority, mine.is_nat, mine.accepts) == shape, name
    # What is only ours is jumped to by nobody, or empty.
    jumped = {getattr(rule.action, "chain", None) for chain in theirs.values() for rule in chain.rules}
    assert not {name for name in ours if name not in theirs} & jumped
    assert all(not one.rules for name, one in ours.items() if name not in theirs and one.hook is not None)
