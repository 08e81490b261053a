"""What is said of an answer that is too old."""

from __future__ import annotations

import pytest

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.forward.stale import TTL_S, stale
from splitdns.names import from_text
from splitdns.records import Rcode, RRset, Type

WWW = from_text("www.example.org.")
ADDRESS = RRset(WWW, Type.A, 300, (b"\xc0\0\2\1",))
SOA = RRset(from_text("example.org."), Type.SOA, 100, (bytes(22),))


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(Reply(Rcode.NOERROR, (ADDRESS,)), 3, id="records"),
        pytest.param(Reply(Rcode.NOERROR, soa=SOA), 3, id="no data"),
        pytest.param(Reply(Rcode.NXDOMAIN, soa=SOA), 19, id="no name"),
    ],
)
def test_it_is_short_lived_and_says_what_it_is__rfc8767_4_and_rfc8914_4(reply: Reply, code: int) -> None:
    given = stale(reply)
    assert given.rcode == reply.rcode
    assert [rrset.ttl_s for rrset in (*given.answer, *filter(None, [given.soa]))] == [TTL_S]
    assert [each for each, _ in given.edes] == [code]


def test_signatures_are_passed_on_and_not_vouched_for__rfc4035_3_2_3() -> None:
    signature = RRset(WWW, Type.RRSIG, 300, (b"\0\1" + bytes(30),))
    proof = Proof((signature,), (SOA,), Security.SECURE)
    given = stale(Reply(Rcode.NOERROR, (ADDRESS,), proof=proof)).proof
    assert given == Proof((signature.with_ttl(TTL_S),), (SOA.with_ttl(TTL_S),), Security.UNCHECKED)


def test_what_the_upstream_said_of_it_stays() -> None:
    assert stale(Reply(Rcode.NOERROR, (ADDRESS,), edes=((4, "forged"),))).edes[0] == (4, "forged")
