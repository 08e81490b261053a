"""What setting a mark does, judged by counting it through."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_marks import marks
from splitdns.check.dialects.nftables_match import Within
from splitdns.check.dialects.nftables_sets import Sets
from splitdns.check.rules import Of, Opaque, Ports, SetMark, Side, Unknown
from splitdns.check.sets import Numbers

WITHIN = Within(Sets(), "inet", "t")
META: Json = {"meta": {"key": "mark"}}
CT: Json = {"ct": {"key": "mark"}}
DPORT: Json = {"payload": {"protocol": "tcp", "field": "dport"}}
NUMGEN: Json = {"numgen": {"mode": "inc", "mod": 2, "offset": 4}}


def done(value: Json, packet: int, connection: int, of: Of = Of.PACKET) -> int:
    """The mark afterwards, as the model's actions say."""
    mark = {Of.PACKET: packet, Of.CONNECTION: connection}
    for terms, action in marks(of, value, WITHIN):
        assert terms.conditions == ()
        assert isinstance(action, SetMark)
        other = mark[action.copy_from] & action.mask if action.copy_from else action.value
        mark[action.of] = (mark[action.of] & ~action.mask) ^ other
    return mark[of]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("0x10", 16),
        (META, 0xABCD),
        ({"&": [META, 0xFF]}, 0xCD),
        ({"|": [META, 0xF0000]}, 0xFABCD),
        ({"^": [META, 0xFF]}, 0xAB32),
        ({"|": [{"&": [META, 0xFF00]}, 5]}, 0xAB05),
        ({"&": [{"|": [META, 0xFF]}, 0xF]}, 0xF),
        (CT, 0x1234),
        ({"&": [CT, 0xFF]}, 0x34),
        ({"|": [CT, 0xF]}, 0x123F),
        ({"^": [{"&": [CT, 0xFF]}, 0x101]}, 0x135),
    ],
)
def test_a_mark_is_set_as_arithmetic_says(value: Json, expected: int) -> None:
    assert done(value, 0xABCD, 0x1234) == expected


def test_a_connection_s_mark_is_taken_from_the_packet() -> None:
    assert done(META, 0xABCD, 0x1234, Of.CONNECTION) == 0xABCD


def test_a_map_gives_a_mark_for_each_key() -> None:
    acts = marks(Of.PACKET, {"map": {"key": DPORT, "data": {"set": [[80, 1], [81, 2]]}}}, WITHIN)
    assert [action for _, action in acts] == [SetMark(Of.PACKET, 1), SetMark(Of.PACKET, 2)]
    assert acts[1][0].conditions[1] == Ports(Side.DESTINATION, Numbers.one(81))


@pytest.mark.parametrize("value", [NUMGEN, {"map": {"key": NUMGEN, "data": {"set": [[4, 4], [5, 5]]}}}])
def test_a_mark_by_chance_is_any_of_a_few(value: Json) -> None:
    (first, one), (second, other) = marks(Of.PACKET, value, WITHIN)
    assert (first.conditions, one) == ((), SetMark(Of.PACKET, 4))
    assert isinstance(second.conditions[0], Unknown)
    assert other == SetMark(Of.PACKET, 5)


@pytest.mark.parametrize(
    "value",
    [
        DPORT,
        {"numgen": {"mode": "inc", "mod": 17, "offset": 0}},
        {"&": [DPORT, 5]},
        {"|": [META, CT]},
        {"map": {"key": DPORT, "data": {"set": [["http", 1]]}}},
        {"map": {"key": META, "data": {"set": [[1, 2], [2, 3]]}}},
        {"map": {"key": DPORT, "data": {"set": [[80, "x"]]}}},
    ],
)
def test_any_other_mark_is_not_known(value: Json) -> None:
    assert isinstance(marks(Of.PACKET, value, WITHIN)[0][1], Opaque)
