"""What counts as a negative answer."""

from __future__ import annotations

import pytest

from splitdns.answer.decide import Forward, decide
from splitdns.explain.values import Outcome
from splitdns.records import Rcode, RRset, Type
from splitdns.wire.message import Answer
from tests.build import MANNERS, query, view

RECORD = RRset(b"\x01x\0", Type.A, 60, (b"\xc0\0\x02\x01",))


@pytest.mark.parametrize(
    ("answer", "negative"),
    [
        (Answer(answer=(RECORD,)), False),
        (Answer(), True),
        (Answer(Rcode.NXDOMAIN), True),
        (Answer(Rcode.NXDOMAIN, answer=(RECORD,)), True),  # an alias to nowhere
        (Answer(Rcode.SERVFAIL), True),
    ],
)
def test_an_answer_without_records_or_with_an_error_is_negative(answer: Answer, negative: bool) -> None:
    assert Outcome("lan", answer).negative is negative


def test_what_an_upstream_would_answer_is_not_known_to_be_negative() -> None:
    forward = decide(query("www.example.net.", rd=True), view(recursion=True), MANNERS)
    assert isinstance(forward, Forward)
    assert not Outcome("lan", forward).negative
