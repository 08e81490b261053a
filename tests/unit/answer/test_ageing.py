"""Which answers age in their octets, and that they come to what is encoded anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.answer.ageing import ageing_of, older, renewed
from splitdns.answer.decide import Forward, Proof, Reply, decide, resume
from splitdns.names import wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.view import Ageing, Copy, Policy, Remembered, View
from splitdns.wire.edns import Edns
from splitdns.wire.message import Answer, Query, encode
from tests.build import MANNERS, UPSTREAMS, query, view, zone

NAME, TARGET = wire_from_text("Www.example.net."), wire_from_text("host.example.net.")
HOST, MAIL = wire_from_text("www.example.org."), wire_from_text("mail.example.org.")
SOA = RRset(wire_from_text("example.net."), Type.SOA, 60, (b"\1a\0\1b\0" + bytes(20),))
ALIAS = RRset(NAME, Type.CNAME, 100, (TARGET,))
ADDRESSES = RRset(NAME, Type.A, 300, (b"\xc6\x33\x64\1", b"\xc6\x33\x64\2"))
SIGNATURE = RRset(NAME, Type.RRSIG, 7, (b"\0\1" + bytes(20),))
ZONE = "www IN A 198.51.100.9\nout 70 IN CNAME www.example.net.\nmail IN MX 10 www\n"
OPT = Edns(0, 1232, False, ())


class Kept:
    over = False

    def __init__(self, age_s: int | None = None) -> None:
        self._age_s = age_s

    def age(self, now_s: float) -> tuple[int, float] | None:
        return None if self._age_s is None else (self._age_s, now_s + 1)

    def count(self, times: int) -> None: ...

    def join(self, copy: Copy) -> None: ...

    def leave(self, copy: Copy) -> None: ...


def inside(policy: Policy = Policy()) -> View:  # noqa: B008
    made = view(zone(ZONE, inherit={"mail": ["A"]}), recursion=True, routes={".": UPSTREAMS})
    return replace(made, policy=policy)


def at(reply: Reply, age_s: int, kept: Kept | None) -> Reply:
    """``reply`` as the cache gives it after so long."""

    def older(rrset: RRset) -> RRset:
        return rrset.with_ttl(max(rrset.ttl_s - age_s, 0))

    proof = reply.proof and Proof(
        tuple(map(older, reply.proof.signatures)), tuple(map(older, reply.proof.denial))
    )
    answer, soa = tuple(map(older, reply.answer)), reply.soa and older(reply.soa)
    return Reply(reply.rcode, answer, soa, reply.edes, proof, kept, age_s)


def given(
    reply: Reply, age_s: int, asked: Query, of: View | None = None, kept: Kept | None = None
) -> tuple[bytes, Ageing | None]:
    forward = decide(asked, of or inside(), MANNERS)
    assert isinstance(forward, Forward)
    reply = at(reply, age_s, kept or Kept())
    answer = resume(forward, reply)
    assert isinstance(answer, Answer)
    encoded = encode(answer, asked, ra=True, payload_octets=1232)
    return encoded, ageing_of(answer, encoded, asked.question, forward, reply)


AGE = {
    "addresses": Reply(Rcode.NOERROR, (ADDRESSES,)),
    "alias": Reply(Rcode.NOERROR, (ALIAS, replace(ADDRESSES, owner=TARGET))),
    "no such name": Reply(Rcode.NXDOMAIN, soa=SOA),
    "alias to no data": Reply(Rcode.NOERROR, (ALIAS,), soa=SOA),
    "signed": Reply(Rcode.NOERROR, (ADDRESSES,), proof=Proof((SIGNATURE,))),
    "proven": Reply(Rcode.NXDOMAIN, soa=SOA, proof=Proof((), (replace(SIGNATURE, owner=SOA.owner),))),
    "with a note": Reply(Rcode.NOERROR, (ADDRESSES,), edes=((4, "forged by our own"),)),
    "too many for a datagram": Reply(
        Rcode.NOERROR, (ALIAS, RRset(TARGET, Type.A, 300, tuple(bytes((1, 2, 3, n)) for n in range(200))))
    ),
}


@pytest.mark.parametrize("edns", [None, OPT, replace(OPT, do=True)], ids=["plain", "EDNS", "DO"])
@pytest.mark.parametrize("reply", AGE.values(), ids=AGE)
@pytest.mark.parametrize("name", ["www.example.net.", "wWW.Example.NET.", "out.example.org."])
def test_octets_made_older_are_those_that_are_made_later(name: str, reply: Reply, edns: Edns | None) -> None:
    asked = replace(query(name, "A", rd=True), edns=edns)
    for since_s in (0, 3, 8):
        encoded, ageing = given(reply, since_s, asked)
        assert ageing is not None
        for age_s in (0, 1, 8, 59, 99, 299, 300, 5000):
            later, _ = given(reply, age_s, asked)
            if since_s <= age_s:
                assert older(encoded, ageing, age_s) == later
                assert older(encoded[2:], ageing, age_s, missing=2) == later[2:]


def test_what_is_not_kept_does_not_age() -> None:
    asked = query("www.example.net.", "A", rd=True)
    forward = decide(asked, inside(), MANNERS)
    assert isinstance(forward, Forward)
    reply = Reply(Rcode.NOERROR, (ADDRESSES,))
    answer = resume(forward, reply)
    assert isinstance(answer, Answer)
    encoded = encode(answer, asked, ra=True, payload_octets=1232)
    assert ageing_of(answer, encoded, asked.question, forward, reply) is None


INSIDE = replace(ADDRESSES, rdatas=(b"\xc0\xa8\1\1", b"\xc6\x33\x64\1"))
DO_NOT = {
    "put together under the asked name": ("mail.example.org.", ADDRESSES.at(MAIL), Policy()),
    "an alias to a name of ours": ("www.example.net.", replace(ALIAS, rdatas=(HOST,)), Policy()),
    "an inside address is taken out": ("www.example.net.", INSIDE, Policy(rebinding=True)),
    "an alias to itself": ("www.example.net.", replace(ALIAS, rdatas=(NAME,)), Policy()),
}


@pytest.mark.parametrize(("name", "records", "policy"), DO_NOT.values(), ids=DO_NOT)
def test_of_what_else_has_a_say_nothing_ages(name: str, records: RRset, policy: Policy) -> None:
    reply = Reply(Rcode.NOERROR, (records,))
    assert given(reply, 1, query(name, "A", rd=True), inside(policy))[1] is None


def test_a_remembered_answer_is_renewed_as_far_as_there_is_what_it_was_made_of() -> None:
    asked = query("www.example.net.", "A", rd=True)
    reply = Reply(Rcode.NOERROR, (ADDRESSES,))
    encoded, ageing = given(reply, 2, asked, kept=Kept(5))
    assert ageing is not None
    anew = renewed(Remembered(encoded, ".", "cache", 0.0, ageing), ageing, 100.0)
    assert anew == Remembered(given(reply, 5, asked)[0], ".", "cache", 101.0, ageing)
    encoded, ageing = given(reply, 2, asked, kept=Kept(None))
    assert ageing is not None
    assert renewed(Remembered(encoded, ".", "cache", 0.0, ageing), ageing, 100.0) is None
