"""Whole rulesets through the real nft: chains, hooks, priorities, devices, tables of iptables-nft."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import Chain, Hook, Interfaces, Jump, Opaque, Side, Support, Unknown
from tests.check.nftables.kernel import listed
from tests.check.nftables.spoken import spoken

pytestmark = [pytest.mark.root, pytest.mark.needs("nft", "unshare")]

BASE = """
table inet fw {
    chain early { type filter hook prerouting priority raw; }
    chain targets { type nat hook prerouting priority dstnat; policy accept; }
    chain through { type filter hook forward priority filter + 5; policy drop; jump web; }
    chain out { type route hook output priority mangle; }
    chain sources { type nat hook postrouting priority srcnat; }
    chain web { accept; }
}
table ip6 six { chain in { type filter hook input priority -7; policy drop; } }
table bridge br { chain through { type filter hook forward priority filter; } }
"""
DEVICES = """
table netdev dev {
    chain in { type filter hook ingress device "lo" priority 0; policy drop; }
    chain out { type filter hook egress device "lo" priority 0; policy accept; }
}
table inet fw { chain in { type filter hook ingress device "lo" priority 0; policy accept; } }
"""


def chains(ruleset: str, directory: Path) -> dict[str, Chain]:
    lines = ruleset.replace("{ ", "{\n").replace(" }", "\n}").replace("; accept;", "\naccept") + "\n"
    text, refused = listed([lines], directory)
    assert refused == {}
    return {f"{chain.table}/{chain.name}": chain for chain in read(text, "nft.json").chains}


def test_base_chains(tmp_path: Path) -> None:
    found = chains(BASE, tmp_path)
    shape = {
        name: (chain.hook, chain.priority, chain.is_nat, chain.accepts, sorted(chain.families))
        for name, chain in found.items()
    }
    assert shape == {
        "nft inet fw/early": (Hook.PREROUTING, -300, False, True, [4, 6]),
        "nft inet fw/targets": (Hook.PREROUTING, -100, True, True, [4, 6]),
        "nft inet fw/through": (Hook.FORWARD, 5, False, False, [4, 6]),
        "nft inet fw/out": (Hook.OUTPUT, -150, False, True, [4, 6]),
        "nft inet fw/sources": (Hook.POSTROUTING, 100, True, True, [4, 6]),
        "nft inet fw/web": (None, 0, False, True, [4, 6]),
        "nft ip6 six/in": (Hook.INPUT, -7, False, False, [6]),
        "nft bridge br/through": (Hook.FORWARD, -200, False, True, [4, 6]),
    }
    assert [chain.name for chain in found.values() if chain.bridged] == ["through"]
    assert found["nft inet fw/through"].rules[0].action == Jump("web")


def test_chains_at_devices(tmp_path: Path) -> None:
    found = chains(DEVICES, tmp_path)
    assert [found[name].hook for name in ("nft netdev dev/in", "nft inet fw/in", "nft netdev dev/out")] == [
        Hook.INGRESS,
        Hook.INGRESS,
        Hook.POSTROUTING,
    ]
    for side, name in ((Side.SOURCE, "netdev dev/in"), (Side.DESTINATION, "netdev dev/out")):
        (condition,) = found[f"nft {name}"].rules[0].conditions
        # Version 1.0.6 does not print the device.
        assert isinstance(condition, Unknown) or condition == Interfaces(side, frozenset({"lo"}))


@pytest.mark.needs("iptables-nft")
def test_a_table_of_iptables_nft_is_widened_and_names_the_command__semantics_25() -> None:
    script = """
iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1
iptables-nft -A FORWARD -s 10.0.0.0/8 -m conntrack --ctstate NEW -j ACCEPT
nft -j list ruleset
"""
    run = ["unshare", "--net", "sh", "-e", "-c", script]
    text = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
    ruleset = read(text, "nft.json")
    refused = {note.name: note.reason for note in ruleset.notes if note.support is Support.REFUSED}
    assert "table ip nat" in refused
    assert all("iptables-save" in reason for reason in refused.values())
    (dnat,) = next(chain for chain in ruleset.chains if chain.name == "PREROUTING").rules
    assert isinstance(dnat.action, Opaque)
    saved = {f"ip {chain.table.removeprefix('nft ip ')} {chain.name}" for chain in ruleset.chains}
    assert read(text, "nft.json", saved=frozenset(saved)).chains == ()


def test_a_rule_is_deleted_by_the_handle_that_it_has(tmp_path: Path) -> None:
    text, _ = listed(["table ip t {\nchain c {\naccept\ntcp dport 22 drop\n}\n}\n"], tmp_path)
    (_, rule) = read(text, "nft.json").chains[0].rules
    assert spoken(rule) == "ip; protocol 6; dport 22 -> drop"
    script = f'nft -f "$1" && nft delete rule ip t c handle {rule.origin.handle} && nft list ruleset'
    run = ["unshare", "--net", "sh", "-c", script, "sh", str(tmp_path / "all.nft")]
    left = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "accept" in left
    assert "drop" not in left
