"""Named sets: what they hold, and whether that can be relied on."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_fields import field
from splitdns.check.dialects.nftables_json import Item
from splitdns.check.dialects.nftables_sets import Sets, pairs
from splitdns.check.dialects.nftables_terms import (
    Field,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where


def sets(**body: Json) -> Sets:
    made = Sets()
    whole: dict[str, Json] = {"family": "inet", "table": "t", "name": "s", "type": "inet_service", **body}
    made.add(Item(Where("f"), "set", whole))
    return made


def port() -> Field:
    found = field({"payload": {"protocol": "tcp", "field": "dport"}})
    assert isinstance(found, Field)
    return found


def test_a_set_is_read_once_for_each_kind_of_field() -> None:
    one = sets(elem=[80, {"range": [90, 99]}]).get("inet", "t", "@s")
    assert one.numbers(port()) == Numbers.of((80, 80), (90, 99))
    assert one.numbers(port()) is one.numbers(port())


def test_a_set_may_be_empty_or_hold_what_is_not_known() -> None:
    assert sets().get("inet", "t", "@s").numbers(port()) == Numbers()
    assert sets(elem=["http"]).get("inet", "t", "@s").numbers(port()) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"flags": ["dynamic", "timeout"]}, "filled by rules"),
        ({"flags": "dynamic"}, "filled by rules"),
        ({"flags": ["timeout"], "timeout": 60}, "expire"),
        ({"stmt": [{"limit": {"rate": 1, "per": "second"}}]}, "only so often"),
        ({"stmt": [{"counter": None}]}, ""),
        ({"flags": ["interval"], "elem": [{"elem": {"val": 80, "comment": "web"}}]}, ""),
    ],
)
def test_a_set_that_changes_is_not_relied_on(body: dict[str, Json], reason: str) -> None:
    moving = sets(**body).get("inet", "t", "@s").moving
    assert (reason in moving) if reason else moving == ""


def test_a_rule_that_fills_a_set_makes_it_unknown() -> None:
    made = sets(elem=[80])
    made.touched_by("inet", "other", {"set": {"op": "add", "elem": 1, "set": "@s"}})
    made.touched_by("inet", "t", {"match": {}})
    assert made.get("inet", "t", "@s").moving == ""
    made.touched_by("inet", "t", {"set": {"op": "add", "elem": 1, "set": "@s"}})
    assert "@s is filled by rules" in made.get("inet", "t", "@s").moving


def test_a_set_of_another_table_is_not_there() -> None:
    with pytest.raises(Misshapen, match="set @s is not in this ruleset"):
        sets().get("ip", "t", "@s")


def test_elements_of_a_map_are_pairs() -> None:
    elements: list[Json] = [[80, "10.0.0.1"], [{"elem": {"val": 81, "comment": "x"}}, "10.0.0.2"]]
    assert list(pairs(elements)) == [(80, "10.0.0.1"), (81, "10.0.0.2")]
    with pytest.raises(Misshapen, match="a key and a value"):
        list(pairs([80]))
