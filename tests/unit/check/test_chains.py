from __future__ import annotations

import pytest

from splitdns.check.chains import MAX_JUMPS, Fate, Own, Rules, described
from splitdns.check.conditions import Budget
from splitdns.check.flows import DESTINATION, Flow
from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    Chain,
    Drop,
    Goto,
    Hook,
    Jump,
    Of,
    Opaque,
    Pass,
    Redirect,
    Reject,
    Return,
    Rule,
    SetMark,
    Side,
    State,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import dnat, rule
from tests.unit.check.test_conditions import AROUND, TRACKED
from tests.unit.check.test_flows import flow


def at(*numbers: int) -> Addresses:
    return Addresses(Side.DESTINATION, Numbers.of(*((one, one) for one in numbers)))


def met(some: Flow, *chains: tuple[Rule, ...]) -> list[tuple[Fate, Flow]]:
    """What the first of ``chains`` does; the others are c1, c2, …"""
    table: dict[str, Rules] = {}
    for index, rules in enumerate(chains):
        chain = Chain("t", f"c{index}", rules)
        table[chain.name] = Rules(chain, table, 4, AROUND, Budget(10_000))
    return list(table["c0"].meet(some, Hook.FORWARD, Own()))


def fates(*chains: tuple[Rule, ...]) -> dict[int, str]:
    """By destination, 1 to 4."""
    found: dict[int, str] = {}
    for fate, part in met(flow(Numbers.of((1, 4))), *chains):
        for number in range(1, 5):
            if number in part.values[DESTINATION]:
                assert number not in found
                found[number] = fate.value
    return found


def test_the_first_rule_that_holds_decides() -> None:
    rules = rule(Pass()), rule(Drop(), at(1)), rule(Accept(), at(1, 2)), rule(Reject(), at(2, 3))
    assert fates(rules) == {1: "dropped", 2: "accepted", 3: "rejected", 4: "returned"}


def test_a_jump_comes_back_and_a_goto_does_not() -> None:
    sub = rule(Accept(), at(1)), rule(Return(), at(2)), rule(Drop(), at(2))
    last = rule(Reject(reset=True))
    assert fates((rule(Jump("c1")), last), sub) == {1: "accepted", 2: "reset", 3: "reset", 4: "reset"}
    gone = {1: "accepted", 2: "returned", 3: "returned", 4: "returned"}
    assert fates((rule(Goto("c1")), last), sub) == gone


def test_jumps_are_as_deep_as_the_kernel_allows() -> None:
    deep = [(rule(Jump(f"c{index + 1}")),) for index in range(MAX_JUMPS)]
    assert fates(*deep, (rule(Drop()),))[1] == "dropped"
    deeper = [(rule(Jump(f"c{index + 1}")),) for index in range(MAX_JUMPS + 1)]
    assert fates(*deeper, (rule(Drop()),))[1] == "given-up"


@pytest.mark.parametrize("name", ["c0", "nowhere"])
def test_a_circle_or_a_missing_chain_is_given_up(name: str) -> None:
    (fate, part), *_ = met(flow(), (rule(Jump(name)),))
    assert fate is Fate.GIVEN_UP
    assert part.reasons


def test_marks_are_set_and_the_next_rule_is_tried() -> None:
    marks = (
        rule(SetMark(Of.PACKET, 0x10, 0xF0)),
        rule(SetMark(Of.CONNECTION, 0, 0xFF, copy_from=Of.PACKET)),
        rule(Accept()),
    )
    ((fate, part),) = met(TRACKED, marks)
    assert fate is Fate.ACCEPTED
    assert part.connection is not None
    assert (part.mark, part.connection.mark) == (0x15, 0x15)
    ((_, part),) = met(TRACKED, (rule(SetMark(Of.PACKET, 0x2, 0xF)), rule(Accept())))
    assert part.mark == 0x2


def test_only_what_has_no_connection_yet_is_untracked() -> None:
    ((_, part),) = met(flow(), (rule(Untrack()),))
    assert part.state is State.UNTRACKED
    ((_, part),) = met(TRACKED, (rule(Untrack()),))
    assert part.state is State.NEW


def test_a_translation_binds_also_in_a_chain_that_was_jumped_to() -> None:
    assert [fate for fate, _ in met(TRACKED, (rule(Jump("c1")),), (rule(dnat("10.0.0.1")),))] == [Fate.BOUND]


def test_what_is_opaque_may_do_anything() -> None:
    found = met(flow(), (rule(Opaque("a program decides")), rule(Drop())))
    assert [fate for fate, _ in found] == [Fate.OPAQUE, Fate.ACCEPTED, Fate.DROPPED]
    assert all(part.reasons == ("a program decides",) for _, part in found)


def test_an_unknown_condition_lets_the_chain_go_on_too() -> None:
    found = met(flow(), (rule(Drop(), Unknown("why")),))
    assert [fate for fate, _ in found] == [Fate.DROPPED, Fate.RETURNED]


def test_rules_that_acted_are_remembered() -> None:
    ((_, part),) = met(TRACKED, (rule(Pass()), rule(dnat("10.0.0.1", 8080))))
    (act,) = part.acts
    assert (act.hook, act.table, act.chain) == (Hook.FORWARD, "t", "c0")
    assert act.what == "dnat to 10.0.0.1 port 8080"


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (Accept(), "accept"),
        (Reject(reset=True), "reject with a reset"),
        (Redirect(Numbers.of((53, 53), (80, 81))), "redirect to port 53, 80-81"),
        (dnat("10.0.0.1"), "dnat to 10.0.0.1"),
        (Untrack(), "notrack"),
    ],
)
def test_an_action_in_words(action: Action, text: str) -> None:
    assert described(action, 4) == text
