"""What the real tools print of rules that they loaded is read as the rules themselves are."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

import pytest

from splitdns.check.model import Action, AnyOf, Condition, Ruleset
from tests.check.iptables import read, table
from tests.check.iptables.cases import BASICS, MATCHES, TARGETS

# What today's tools do not take, and older ones printed or persons write; or what they print in other words.
NOT_THE_SAME = {
    "-s 192.0.2.1,192.0.2.3": "becomes two rules",
    "! -s 0.0.0.0/0": "nft's backend takes none that never match",
    "! -i +": "the legacy tool forgets it",
    "-p tcp --dport ! 443": "the old place of the !",
    "-p tcp -m tcp --dport 60000:29": "old tools took it",
    "-m conntrack ! --ctdir REPLY": "cannot be negated",
    "-m nfacct --nfacct-name web": "needs an object of that name",
    "-m rpfilter": "is for raw and mangle only",
    "-m rpfilter --loose --validmark --invert": "is for raw and mangle only",
    "-j CT --helper ftp": "needs the kernel's module",
}
TOOLS = ["", "legacy-"]
SETS = """\
create black hash:net family inet
add black 192.0.2.8/29
add black 192.0.2.10 nomatch
create web hash:ip,port family inet
add web 10.0.0.5,tcp:80
add web 10.0.0.5,tcp:443
add web 10.0.0.6,udp:53
add web 10.0.0.6,icmp:echo-request
add web 10.0.0.6,icmp:3/4
create ways hash:net,iface family inet
add ways 10.0.0.0/8,eth0
create both list:set size 8
add both black
add both web
create lapse hash:ip family inet timeout 600
add lapse 192.0.2.1
"""

Meaning = list[tuple[frozenset[object], Action]]


def saved(text: str, *, tool: str = "", family: int = 4, sets: str = "") -> tuple[str, str]:
    """What ``iptables-save`` and ``ipset save`` print in a namespace with ``text`` and ``sets`` loaded."""
    name = "iptables" if family == 4 else "ip6tables"
    script = f"""
        printf %s "$2" | ipset restore
        printf %s "$1" | {name}-{tool}restore
        {name}-{tool}save -c
        echo ==
        ipset save
    """
    done = subprocess.run(
        ("unshare", "--net", "sh", "-euc", script, "sh", text, sets),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rules, _, loaded = done.stdout.partition("==\n")
    return rules, loaded


def meaning(ruleset: Ruleset) -> dict[tuple[str, str], Meaning]:
    """The rules of each chain without their places, conditions and what is in sets in any order."""
    return {
        (chain.table, chain.name): [(_in_any_order(rule.conditions), rule.action) for rule in chain.rules]
        for chain in ruleset.chains
        if chain.rules
    }


def _in_any_order(conditions: Iterable[Condition]) -> frozenset[object]:
    return frozenset(
        (one.negated, frozenset(map(_in_any_order, one.alternatives))) if isinstance(one, AnyOf) else one
        for one in conditions
    )


def lines(words: Iterable[str], chain: str = "mine", end: str = " -j ACCEPT") -> list[str]:
    return [f"-A {chain} {one}{end}" for one in words if one not in NOT_THE_SAME]


@pytest.mark.root
@pytest.mark.needs("iptables", "ipset", "unshare")
@pytest.mark.parametrize("tool", TOOLS)
def test_matches_are_read_back_as_they_were_written(tool: str) -> None:
    text = table(":mine - [0:0]", *lines(words for words, _ in [*BASICS, *MATCHES]))

    rules, _ = saved(text, tool=tool)

    assert meaning(read(rules)) == meaning(read(text))


@pytest.mark.root
@pytest.mark.needs("iptables", "ipset", "unshare")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["raw", "mangle", "filter", "nat"])
def test_targets_are_read_back_as_they_were_written(tool: str, name: str) -> None:
    before = [words for of, words, _ in TARGETS if of == name and "SNAT" not in words and "MASQ" not in words]
    after = [words for of, words, _ in TARGETS if of == name and words not in before]
    first = "PREROUTING" if name != "filter" else "INPUT"
    text = table(*lines(before, first, ""), *lines(after, "POSTROUTING", ""), name=name)

    rules, _ = saved(text, tool=tool)

    assert meaning(read(rules)) == meaning(read(text))


@pytest.mark.root
@pytest.mark.needs("iptables", "ipset", "unshare")
@pytest.mark.parametrize("tool", TOOLS)
def test_sets_are_read_back_as_they_were_written(tool: str) -> None:
    words = [
        "-m set --match-set black src",
        "-m set ! --match-set black dst",
        "-m set --match-set web dst,dst",
        "-m set --match-set ways src,src",
        "-m set --match-set both dst,dst",
        "-m set --match-set lapse src",
        "-m set --match-set web dst",
    ]
    text = table(":mine - [0:0]", *lines(words))

    rules, sets = saved(text, tool=tool, sets=SETS)

    assert meaning(read(rules, sets=sets)) == meaning(read(text, sets=SETS))


@pytest.mark.root
@pytest.mark.needs("ip6tables", "ipset", "unshare")
@pytest.mark.parametrize("tool", TOOLS)
def test_ipv6_is_read_back_as_it_was_written(tool: str) -> None:
    nat = [
        "-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination [2001:db8::5]:8443",
        "-A PREROUTING -d 2001:db8::1/128 -j DNAT --to-destination 2001:db8::5-2001:db8::9",
        "-A PREROUTING -p udp -j DNAT --to-destination :53",
        "-A PREROUTING -d 2001:db8::/64 -j NETMAP --to 2001:db8:1::/64",
        "-A POSTROUTING ! -s fe80::/10 -o eth0 -j MASQUERADE",
        "-A POSTROUTING -p tcp -j SNAT --to-source [2001:db8::1-2001:db8::2]:1024-2047",
        "-A POSTROUTING -s 2001:db8:1::/64 -j NETMAP --to 2001:db8::/64",
    ]
    words = [
        "-s 2001:db8::1/ffff::ff",
        "-p ipv6-icmp -m icmp6 --icmpv6-type 128",
        "-p ipv6-icmp -m icmp6 --icmpv6-type port-unreachable",
        "-m iprange --src-range ::1-::ff",
        "-m addrtype --dst-type LOCAL",
        "-m conntrack --ctstate DNAT --ctorigdst 2001:db8::/32",
    ]
    text = table(*nat, name="nat") + table(":mine - [0:0]", *lines(words))

    rules, _ = saved(text, tool=tool, family=6)

    assert meaning(read(rules, family=6)) == meaning(read(text, family=6))
