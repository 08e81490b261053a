"""Limits, for one connection that is asked about alone."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_rates import rate
from splitdns.check.dialects.nftables_terms import NEVER
from splitdns.check.rules import Condition, Unknown

ACCEPT: Json = {"accept": None}
DROP: Json = {"drop": None}
UPTO: Json = {"rate": 5, "per": "second"}
OVER: Json = {"rate": 5, "rate_unit": "mbytes", "per": "hour", "inv": True}
MATCH: Json = {"match": {}}


def asked(what: str, body: Json, *later: Json) -> tuple[Condition, ...]:
    return rate(what, body, later, {"slowly": False, "beyond": True})[0].conditions


@pytest.mark.parametrize(
    ("what", "body", "later", "conditions"),
    [
        ("limit", UPTO, [ACCEPT], ()),
        ("limit", UPTO, [{"log": None}, MATCH, {"return": None}], ()),
        ("limit", OVER, [{"counter": None}, DROP], (NEVER,)),
        ("limit", OVER, [{"reject": None}], (NEVER,)),
        ("limit", "slowly", [ACCEPT], ()),
        ("limit", "beyond", [DROP], (NEVER,)),
        ("ct count", {"val": 5}, [ACCEPT], ()),
        ("ct count", {"val": 5, "inv": True}, [DROP], (NEVER,)),
        ("limit", OVER, [ACCEPT], (Unknown("limit rate over 5 mbytes/hour"),)),
        ("limit", UPTO, [DROP], (Unknown("limit rate 5/second"),)),
        ("limit", UPTO, [], (Unknown("limit rate 5/second"),)),
        ("limit", UPTO, [{"jump": {"target": "c"}}, ACCEPT], (Unknown("limit rate 5/second"),)),
        ("limit", "unheard-of", [ACCEPT], (Unknown("limit name unheard-of"),)),
        ("limit", {"map": {}}, [ACCEPT], (Unknown("limit by a map"),)),
        ("quota", {"val": 5}, [ACCEPT], (Unknown("quota"),)),
        ("quota", "monthly", [ACCEPT], (Unknown("quota name monthly"),)),
        ("ct count", {"val": 5}, [DROP], (Unknown("ct count 5"),)),
    ],
)
def test_a_limit_is_not_reached_where_that_is_the_open_reading(
    what: str, body: Json, later: list[Json], conditions: tuple[Condition, ...]
) -> None:
    assert asked(what, body, *later) == conditions
