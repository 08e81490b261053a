from __future__ import annotations

import pytest

from splitdns.check.mending.numbers import Asked, Numbering
from splitdns.check.model import (
    Accept,
    Addresses,
    Interfaces,
    Origin,
    Ports,
    Protocols,
    Rule,
    Side,
    State,
    States,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where
from tests.check.gateways import addresses

WEB = Asked(4, addresses("203.0.113.2"), Numbers.one(6), Numbers.one(443))


def rule(number: int, *conditions: object, path: str = "nat source") -> Rule:
    text = f"{path} rule {number}: exclude"
    return Rule(conditions, Accept(), Origin(Where("f"), text))  # type: ignore[arg-type]


def numbering(*rules: Rule, first: int = 1, last: int = 99) -> Numbering:
    found = Numbering("nat source", first, last, 10)
    found.know(rules)
    return found


@pytest.mark.parametrize(
    ("condition", "meets"),
    [
        (Addresses(Side.DESTINATION, addresses("203.0.113.0/24")), True),
        (Addresses(Side.DESTINATION, addresses("198.51.100.1")), False),
        (Addresses(Side.SOURCE, addresses("198.51.100.1")), True),
        (Protocols(Numbers.one(17)), False),
        (Protocols(Numbers()), False),
        (Ports(Side.DESTINATION, Numbers.of((400, 500))), True),
        (Ports(Side.DESTINATION, Numbers.one(80)), False),
        (States(frozenset({State.ESTABLISHED})), False),
        (Interfaces(Side.SOURCE, frozenset({"eth0"})), True),
    ],
)
def test_a_rule_may_meet_what_is_asked(condition: object, meets: bool) -> None:
    assert WEB.may_meet(rule(1, condition)) is meets


def test_replies_meet_rules_for_open_connections() -> None:
    replies = Asked(4, replies=True)

    assert replies.may_meet(rule(1, States(frozenset({State.ESTABLISHED}))))
    assert not replies.may_meet(rule(1, States(frozenset({State.NEW}))))


def test_the_first_rule_of_all_has_the_usual_number() -> None:
    assert numbering().place([]) == (10, [])


def test_what_nothing_blocks_comes_after_all_others() -> None:
    found = numbering(rule(10), rule(25), rule(500, path="nat destination"))

    assert (found.place([]), found.place([])) == ((30, []), (40, []))


def test_near_the_end_a_free_number_is_found() -> None:
    assert numbering(rule(99), rule(98)).place([]) == (97, [])


def test_what_is_blocked_comes_before_it() -> None:
    first, second = rule(10), rule(20)
    found = numbering(first, second)

    assert found.place([second]) == (19, [])
    assert found.place([first]) == (9, [])
    assert found.place([first]) == (8, [])


def test_where_no_number_is_free_the_rules_in_the_way_move() -> None:
    rules = [rule(1), rule(2), rule(4)]
    found = numbering(*rules)

    assert found.place(rules[:1]) == (1, [(2, 3), (1, 2)])
    assert found.place(rules[:1]) == (2, [(4, 5), (3, 4), (2, 3)])
    assert sorted(found.taken) == [1, 2, 3, 4, 5]


def test_numbers_of_another_kind_are_left_alone() -> None:
    found = numbering(rule(1), rule(5_010), first=5_000, last=9_999)

    assert found.place([]) == (5_020, [])
