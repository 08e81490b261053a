from __future__ import annotations

import pytest

from splitdns.check.dialects import iptables
from splitdns.check.model import (
    Drop,
    Goto,
    Hook,
    Jump,
    Netmap,
    Opaque,
    Side,
    Support,
)
from tests.check.iptables import action, chain_of, mistakes, read, table

BASES = [
    ("raw", "PREROUTING", Hook.PREROUTING, -300),
    ("raw", "OUTPUT", Hook.OUTPUT, -300),
    ("mangle", "PREROUTING", Hook.PREROUTING, -150),
    ("mangle", "POSTROUTING", Hook.POSTROUTING, -150),
    ("nat", "PREROUTING", Hook.PREROUTING, -100),
    ("nat", "INPUT", Hook.INPUT, 100),
    ("nat", "OUTPUT", Hook.OUTPUT, -100),
    ("nat", "POSTROUTING", Hook.POSTROUTING, 100),
    ("filter", "FORWARD", Hook.FORWARD, 0),
    ("security", "INPUT", Hook.INPUT, 50),
]


@pytest.mark.parametrize(("name", "chain", "hook", "priority"), BASES)
def test_base_chains_hang_where_the_kernel_s_do(name: str, chain: str, hook: Hook, priority: int) -> None:
    found = chain_of(read(table(name=name)), chain)

    assert (found.hook, found.priority, found.is_nat) == (hook, priority, name == "nat")
    assert (found.table, found.families) == (f"iptables {name}", {4})


def test_tables_of_the_two_families_have_different_names() -> None:
    four, six = read(table()), read(table(), family=6)

    assert {chain.table for chain in four.chains} == {"iptables filter"}
    assert {chain.table for chain in six.chains} == {"ip6tables filter"}


def test_a_chain_has_its_policy_and_its_rules_in_order() -> None:
    ruleset = read(
        "*filter\n:INPUT DROP [1:2]\n:mine - [0:0]\n[3:4] -A INPUT -j mine\n-A INPUT -j DROP\nCOMMIT\n"
    )

    (first, second) = chain_of(ruleset, "INPUT").rules
    assert not chain_of(ruleset, "INPUT").accepts
    assert (first.action, second.action) == (Jump("mine"), Drop())
    assert chain_of(ruleset, "mine").hook is None
    assert ruleset.rules == 2


def test_a_rule_knows_its_place_and_its_words() -> None:
    ruleset = read(table(":mine - [0:0]", "[3:4] -A INPUT -g mine", "-A mine -j ACCEPT"))

    (rule,) = chain_of(ruleset, "INPUT").rules
    assert rule.action == Goto("mine")
    assert str(rule.origin) == "rules:6:7: -A INPUT -g mine"


def test_rules_that_are_inserted_stand_where_a_person_said() -> None:
    lines = ("-A INPUT -s 192.0.2.1 -j DROP", "-I INPUT -j ACCEPT", "-I INPUT 2 -j RETURN", "-P INPUT DROP")

    found = chain_of(read(table(*lines)), "INPUT")

    assert [rule.origin.text for rule in found.rules] == [lines[1], lines[2], lines[0]]
    assert not found.accepts


def test_chains_may_be_made_by_a_command() -> None:
    ruleset = read(table("-N mine", "-A INPUT -j mine"))

    assert chain_of(ruleset, "INPUT").rules[0].action == Jump("mine")


@pytest.mark.parametrize(
    ("chain", "side"),
    [("PREROUTING", Side.DESTINATION), ("OUTPUT", Side.DESTINATION), ("POSTROUTING", Side.SOURCE)],
)
def test_netmap_maps_the_destination_before_routing_and_the_source_after(chain: str, side: Side) -> None:
    found = action("-d 192.0.2.0/24 -j NETMAP --to 10.0.0.0/24", name="nat", chain=chain)

    assert isinstance(found, Netmap)
    assert found.side is side


def test_netmap_in_a_chain_of_one_s_own_maps_as_where_it_is_called_from() -> None:
    lines = [":mine - [0:0]", ":deep - [0:0]", "-A POSTROUTING -j mine", "-A mine -j deep"]
    lines += ["-A deep -j NETMAP --to 10.0.0.0/24"]

    (rule,) = chain_of(read(table(*lines, name="nat")), "deep").rules
    assert isinstance(rule.action, Netmap)
    assert rule.action.side is Side.SOURCE
    both = read(table(*lines, "-A PREROUTING -j mine", name="nat"))
    assert isinstance(chain_of(both, "deep").rules[0].action, Opaque)
    assert both.notes[0].name == "target NETMAP"


def test_tables_that_iptables_cannot_show_are_named() -> None:
    note = "# Table `nat' is incompatible, use 'nft' tool.\n"
    legacy = "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n"

    found = read(note + legacy + table())

    assert [(one.support, one.name) for one in found.notes] == [
        (Support.REFUSED, "table nat"),
        (Support.REFUSED, "legacy tables"),
    ]


MISTAKES = [
    ("hello", "rules:1:1: expected a table like *filter, as iptables-save prints it, found 'hello'"),
    ("*filter\n", "rules:1:1: expected COMMIT after the table filter, found the end of the file"),
    (
        "*broute\nCOMMIT",
        "rules:1:2: expected one of the tables raw, mangle, nat, filter, security, found 'broute'",
    ),
    ("*nat\nCOMMIT\n*nat\nCOMMIT", "rules:3:2: expected each table once, found 'nat' again"),
    ("*nat\n*filter\nCOMMIT", "rules:2:2: expected COMMIT before the next table, after nat, found *filter"),
    ("*filter\n:INPUT\nCOMMIT", "rules:2:1: expected ':CHAIN POLICY', found ':INPUT'"),
    ("*filter\n:INPUT - [0:0]\nCOMMIT", "rules:2:8: expected ACCEPT or DROP, found '-'"),
    ("*filter\n:INPUT OPEN\nCOMMIT", "rules:2:8: expected ACCEPT or DROP, found 'OPEN'"),
    (
        "*filter\n:mine ACCEPT\nCOMMIT",
        "rules:2:7: expected - as the policy of a chain of one's own, found 'ACCEPT'",
    ),
    ("*filter\n:a -\n:a -\nCOMMIT", "rules:3:1: expected each chain once, found 'a' again"),
    (
        "*filter\n-A INPUT -j DROP\nCOMMIT",
        "rules:2:4: expected a chain that the table filter declares above, found 'INPUT'",
    ),
    ("*filter\n-F\nCOMMIT", "rules:2:1: expected a command and its chain, found '-F'"),
    (
        "*filter\n:INPUT DROP\n-D INPUT 1\nCOMMIT",
        "rules:3:1: expected -A CHAIN and a rule, as iptables-save prints it, found '-D'",
    ),
    (
        "*filter\n:a -\n:b -\n-A a -j b\n-A b -g a\nCOMMIT",
        "rules:5:1: expected chains that do not jump in a circle, found b → a",
    ),
]


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    assert mistakes(text) == [mistake]


def test_all_mistakes_are_told_at_once_up_to_a_number() -> None:
    two = "*filter\n:INPUT DROP\n-A INPUT -s 1.2.3 -j DROP\n-A INPUT -p 999 -j DROP\nCOMMIT"

    assert [mistake.partition(" expected")[0] for mistake in mistakes(two)] == ["rules:3:13:", "rules:4:13:"]
    assert len(mistakes("hello\n" * 1000)) == 50


def test_jumps_may_be_deep_and_wide() -> None:
    depth = 5_000
    chains = [f":c{at} - [0:0]" for at in range(depth)]
    jumps = [f"-A c{at} -j c{at + 1}" for at in range(depth - 1) for _ in (1, 2)]

    ruleset = read(table(*chains, *jumps))

    assert ruleset.rules == 2 * (depth - 1)


@pytest.mark.parametrize(("rules", "told"), [(3, []), (4, ["rules:8: expected at most 3 rules"])])
def test_rules_end_somewhere(rules: int, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iptables, "MAX_RULES", 3)

    found = mistakes(table(*["-A INPUT -j ACCEPT"] * rules))

    assert [mistake.replace("rules:8:1:", "rules:8:") for mistake in found] == told
