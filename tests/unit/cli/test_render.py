"""Records and outcomes as text and JSON."""

from __future__ import annotations

from splitdns.answer.decide import Forward, decide
from splitdns.cli.render import decided_value, record_lines
from splitdns.names import from_text
from splitdns.records import RRset, Type
from splitdns.wire.message import Answer
from tests.build import MANNERS, address, query, view, zone


def test_a_record_is_a_line_of_a_master_file__rfc1035_5_1() -> None:
    rrset = RRset(b"\x03WwW\x07example\0", Type.A, 60, (address("192.0.2.1"), address("192.0.2.2")))
    assert record_lines([rrset]) == [
        "WwW.example.\t60\tIN\tA\t192.0.2.1",
        "WwW.example.\t60\tIN\tA\t192.0.2.2",
    ]


def test_an_unknown_type_and_broken_rdata_are_shown_as_octets__rfc3597_5() -> None:
    unknown = RRset(from_text("x.example."), 65280, 1, (b"\xab\xcd",))
    assert record_lines([unknown]) == ["x.example.\t1\tIN\tTYPE65280\t\\# 2 abcd"]


def test_an_answer_as_json_has_every_key() -> None:
    answer = Answer(rcode=2, edes=((22, "no upstream answered"),))
    assert decided_value(answer) == {
        "status": "SERVFAIL",
        "aa": False,
        "answer": [],
        "authority": [],
        "additional": [],
        "errors": [{"code": 22, "text": "no upstream answered"}],
        "stripped": 0,
        "forward": None,
    }


def test_a_forward_as_json_has_the_same_keys_and_no_status() -> None:
    here = view(zone("away 60 IN CNAME www.example.net."), recursion=True)
    forward = decide(query("away.example.org.", rd=True), here, MANNERS)
    assert isinstance(forward, Forward)
    value = decided_value(forward)
    assert value.keys() == decided_value(Answer()).keys()
    assert value["status"] is None
    assert value["forward"] == {"name": "www.example.net.", "type": "A", "upstreams": ["192.0.2.53:53"]}
    assert [record["data"] for record in value["answer"]] == ["www.example.net."]
