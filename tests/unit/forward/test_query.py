"""A query to an upstream, octet by octet, and what is recognised as its response."""

from __future__ import annotations

import random

import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.forward.query import (
    PADDED_OCTETS,
    PAYLOAD_OCTETS,
    Manner,
    Match,
    Query,
    Question,
    is_truncated,
    make_query,
    match,
)
from splitdns.names import from_text
from splitdns.records import Type

WWW = Question(from_text("www.example.org."), Type.A)
AS_IT_IS = Manner(spelled=False)


def made(question: Question = WWW, manner: Manner = AS_IT_IS, seed: int = 7) -> Query:
    return make_query(question, random.Random(seed), manner)


def response_to(query: Query) -> bytes:
    message = dns.message.from_wire(query.wire)
    return dns.message.make_response(message).to_wire()


@pytest.mark.parametrize(("do", "cd"), [(False, False), (True, False), (False, True), (True, True)])
def test_do_and_cd_are_set_where_the_question_says_so__rfc4035_3_2(do: bool, cd: bool) -> None:
    message = dns.message.from_wire(made(WWW._replace(do=do, cd=cd)).wire)
    assert message.flags == dns.flags.RD | (dns.flags.CD if cd else 0)
    assert (message.edns, message.payload) == (0, PAYLOAD_OCTETS)
    assert message.ednsflags == (dns.flags.DO if do else 0)
    bare = dns.message.from_wire(made(WWW._replace(do=do), Manner(edns=False)).wire)
    assert bare.edns == -1, "there is no DO without EDNS"


def test_a_cookie_stands_in_its_option__rfc7873_4() -> None:
    message = dns.message.from_wire(made(manner=Manner(cookie=b"clientXXserverYY")).wire)
    (option,) = message.options
    assert (option.otype, option.to_wire()) == (10, b"clientXXserverYY")


@given(st.lists(st.text("ab", min_size=1, max_size=60), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_a_padded_query_has_a_multiple_of_128_octets__rfc8467_4_1(
    labels: list[str], do: bool, cookie: bool
) -> None:
    question = Question(from_text(".".join(labels) + "."), Type.A, do)
    query = made(question, Manner(padded=True, cookie=bytes(8) if cookie else b""))
    assert len(query.wire) % PADDED_OCTETS == 0
    message = dns.message.from_wire(query.wire)
    assert set(message.options[-1].to_wire() or b"\0") == {0}


def test_letters_get_a_random_case_and_nothing_else_changes__semantics_17() -> None:
    name = from_text("a-1.Example_x.org.") + b""
    question = Question(name.lower(), 65)
    spellings = {made(question, Manner(), seed).wire[12:-15] for seed in range(400)}
    assert len(spellings) > 350, "12 letters have 4,096 spellings"
    for at in range(len(name)):
        octets = {spelling[at] for spelling in spellings}
        letter = chr(question.name[at]).isalpha()
        assert octets == ({question.name[at], question.name[at] ^ 0x20} if letter else {question.name[at]})
    assert made(question).wire[12 : 12 + len(name)] == question.name


def test_every_id_and_every_spelling_is_drawn() -> None:
    question = Question(from_text("ab."), Type.A)
    queries = [made(question, Manner(), seed).wire for seed in range(2000)]
    assert {wire[13:15] for wire in queries} == {b"ab", b"aB", b"Ab", b"AB"}
    ids = {int.from_bytes(wire[:2], "big") for wire in queries}
    assert len(ids) > 1900
    assert all({number >> bit & 1 for number in ids} == {0, 1} for bit in range(16))


def test_the_question_counts_to_the_letter__rfc5452_9_1_semantics_17() -> None:
    query = made(manner=Manner(), seed=3)
    right = response_to(query)
    assert match(right, query) is Match.WHOLE
    swapped = right[:13] + bytes((right[13] ^ 0x20,)) + right[14:]
    assert match(swapped, query) is Match.MISSPELLED
    assert match(right[:13] + b"x" + right[14:], query) is Match.OTHER


def test_type_and_class_are_no_letters__type_65_is_not_type_97() -> None:
    query = made(Question(WWW.name, Type.HTTPS))
    right = response_to(query)
    at = query.end - 3
    assert match(right[:at] + bytes((Type.HTTPS + 32,)) + right[at + 1 :], query) is Match.OTHER


def changed(wire: bytes, at: int, octet: int) -> bytes:
    return wire[:at] + bytes((octet,)) + wire[at + 1 :]


def test_another_id_opcode_or_count_is_no_response__rfc5452_9_1() -> None:
    query = made()
    right = response_to(query)
    others = [
        changed(right, 0, right[0] ^ 1),
        changed(right, 1, right[1] ^ 1),
        changed(right, 2, right[2] & 0x7F),
        changed(right, 2, right[2] | 0x20),
        changed(right, 5, 0),
        changed(right, 5, 2),
        right[: query.end - 1],
        b"",
    ]
    assert {match(wire, query) for wire in others} == {Match.OTHER}


@pytest.mark.parametrize(("rcode", "counts"), [(1, True), (4, True), (0, False), (3, False), (5, False)])
def test_who_rejects_edns_may_leave_the_question_out__rfc6891_7(rcode: int, counts: bool) -> None:
    query = made()
    wire = query.wire[:2] + bytes((0x81, 0x80 | rcode)) + bytes(8)
    assert (match(wire, query) is Match.WHOLE) == counts


def test_truncation_is_one_flag__rfc1035_4_1_1() -> None:
    right = response_to(made())
    assert not is_truncated(right)
    assert is_truncated(changed(right, 2, right[2] | 2))


@given(st.binary(max_size=60))
def test_whatever_comes_is_matched_or_not(wire: bytes) -> None:
    query = made()
    assert match(wire, query) in Match
    assert match(query.wire[:2] + wire, query) in Match


def test_names_that_point_to_the_question_get_its_own_case_back__rfc1035_4_1_4() -> None:
    query = made(manner=Manner(), seed=3)
    spelled = response_to(query)
    assert spelled[12 : query.end - 4] != WWW.name
    plain = query.plain(spelled)
    assert plain == spelled[:12] + WWW.name + spelled[query.end - 4 :]
    assert len(plain) == len(spelled)
    rejection = query.wire[:2] + b"\x81\x81" + bytes(8)
    assert query.plain(rejection) == rejection
