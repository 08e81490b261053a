from __future__ import annotations

import pytest

from splitdns.check.dialects.iptables_conntrack import CONNTRACK, TRACKED
from splitdns.check.model import AnyOf, Condition, Direction, Side, State, States, Translated
from tests.check.iptables import conditions

STRAY = States(frozenset({State.INVALID, State.UNTRACKED}))
REPLY = Direction(reply=True)
DNAT = AnyOf(((Translated(Side.DESTINATION),),), negated=True)

CASES: list[tuple[str, list[Condition]]] = [
    ("--ctstate INVALID", [States(frozenset({State.INVALID}))]),
    ("--ctdir REPLY", [REPLY, TRACKED]),
    ("--ctstate NEW,RELATED --ctdir REPLY", [States(frozenset({State.NEW, State.RELATED})), REPLY]),
    ("! --ctstate DNAT --ctdir REPLY", [AnyOf(((DNAT, STRAY), (DNAT, TRACKED, REPLY)))]),
    (
        "--ctdir REPLY --ctstate UNTRACKED",
        [
            AnyOf(
                (
                    (States(frozenset({State.UNTRACKED})), STRAY),
                    (States(frozenset({State.UNTRACKED})), TRACKED, REPLY),
                )
            )
        ],
    ),
]


@pytest.mark.parametrize(("words", "expected"), CASES, ids=[words for words, _ in CASES])
def test_of_a_packet_without_a_connection_only_its_state_is_asked(
    words: str, expected: list[Condition]
) -> None:
    assert conditions(f"-m conntrack {words}") == expected


def test_states_may_stand_in_any_letters() -> None:
    assert conditions("-m state --state new") == conditions("-m conntrack --ctstate NEW")


@pytest.mark.parametrize("option", sorted(CONNTRACK))
def test_every_option_is_one_condition(option: str) -> None:
    values = {"--ctstate": "NEW", "--ctdir": "REPLY", "--ctproto": "6"}
    value = values.get(option, "80" if "port" in option else "::1")

    found = conditions(f"-m conntrack {option} {value}", family=6)

    assert len([one for one in found if one != TRACKED]) == 1
