from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns import accelerator
from splitdns.names import wire_from_text
from splitdns.records import RRset, Type
from splitdns.wire import scan
from splitdns.wire.message import Answer, Transport, decode, encode

UDP, TCP = Transport.UDP, Transport.TCP
OURS = 1232


def wire(name: str = "www.example.org.", rdtype: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, rdtype, **options).to_wire()  # type: ignore[arg-type]


def key(message: bytes, transport: Transport = UDP) -> bytes | None:
    """The key, and it is the same where it is compiled."""
    found = scan.key(message, transport, OURS)
    if accelerator.NATIVE is not None:
        assert accelerator.NATIVE.key(message, transport, OURS) == found
    return found


def test_the_key_folds_the_name_and_nothing_else__rfc4343() -> None:
    assert key(wire("WWW.example.ORG.")) == key(wire("www.EXAMPLE.org.")) is not None
    # Type 65 is an ``A`` and 97 an ``a``; so are the low octets of classes.
    assert key(wire(rdtype="TYPE65")) != key(wire(rdtype="TYPE97"))
    assert key(wire(rdclass="CLASS65")) != key(wire(rdclass="CLASS97"))


def test_the_key_does_not_hold_the_id() -> None:
    assert key(wire(id=1)) == key(wire(id=2))


def test_the_key_holds_all_that_the_encoded_answer_depends_on() -> None:
    plain = dns.message.make_query("www.example.org.", "A")
    messages = {"rd": plain.to_wire()}
    for name, flags in {"none": 0, "cd": dns.flags.CD, "ad": dns.flags.AD, "all": 0x0130}.items():
        plain.flags = dns.flags.Flag(flags)
        messages[name] = plain.to_wire()
    messages["edns small"] = wire(use_edns=0, payload=512)
    messages["edns large"] = wire(use_edns=0, payload=1232)
    messages["do"] = wire(use_edns=0, payload=1232, want_dnssec=True)
    keys = [key(message, transport) for message in messages.values() for transport in (UDP, TCP)]
    # Over TCP everything fits, but the key may still tell the sizes apart.
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_payload_counts_by_class() -> None:
    assert key(wire(use_edns=0, payload=0)) == key(wire(use_edns=0, payload=512))
    assert key(wire(use_edns=0, payload=1232)) == key(wire(use_edns=0, payload=65535))
    assert key(wire(use_edns=0, payload=513)) is key(wire(use_edns=0, payload=1231)) is None


@pytest.mark.parametrize(
    "message",
    [
        wire(use_edns=1),
        wire(use_edns=0, options=[dns.edns.GenericOption(10, b"12345678")]),
        wire()[:11],
        wire()[:12],
        wire()[:16],
        wire()[:2] + b"\x81" + wire()[3:],  # QR
        wire()[:2] + b"\x11" + wire()[3:],  # opcode STATUS
        wire()[:4] + b"\0\0" + wire()[6:],
        wire()[:4] + b"\0\2" + wire()[6:],
        wire()[:6] + b"\0\1" + wire()[8:],
        wire()[:8] + b"\0\1" + wire()[10:],
        wire(use_edns=0)[:10] + b"\0\2" + wire(use_edns=0)[12:],
    ],
    ids=str.split("version option short header question response opcode none two answer authority opts"),
)
def test_what_is_not_a_plain_query_goes_the_long_way(message: bytes) -> None:
    assert key(message) is None


ANSWER = Answer(
    aa=True,
    answer=(RRset(wire_from_text("www.example.org."), Type.A, 60, (b"\xc0\0\2\1",)),),
    authority=(RRset(wire_from_text("Example.org."), Type.NS, 60, (wire_from_text("NS.WWW.example.org."),)),),
)
names = st.text("wWexX", min_size=1, max_size=8).map(lambda label: label + ".Org.")


@settings(deadline=None)
@given(names, st.integers(0, 65535), st.sampled_from([None, 512, 1232, 4096]), st.sampled_from([UDP, TCP]))
def test_a_remembered_answer_is_the_one_that_would_be_encoded(
    name: str, query_id: int, payload: int | None, transport: Transport
) -> None:
    def encoded(message: bytes) -> bytes:
        query = decode(message, transport)
        answer = Answer(aa=True, answer=(ANSWER.answer[0].at(query.question),), authority=ANSWER.authority)
        return encode(answer, query, ra=True, payload_octets=OURS)

    edns = {} if payload is None else {"use_edns": 0, "payload": payload}
    first, second = wire(name.swapcase(), id=1, **edns), wire(name, id=query_id, **edns)
    found = key(first, transport)
    assert found is not None
    assert found == key(second, transport)
    assert scan.patch(encoded(first), second, found) == encoded(second)


@settings(deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_a_key_that_was_remembered_is_made_only_by_a_good_query(tail: bytes, with_opt: bool) -> None:
    """A malformed name makes a key, but never one of a query that decodes."""
    good = {}
    for message in (wire(), wire("a.b."), wire(use_edns=0, payload=1232)):
        good[key(message)] = decode(message, UDP).name
    message = b"\0\1\1\0\0\1\0\0\0\0\0" + bytes([with_opt]) + tail
    found = key(message)
    if found in good:
        assert decode(message, UDP).name == good[found]


def test_a_record_that_ends_like_an_opt_makes_no_key_of_its_question__semantics_18() -> None:
    opt = bytes.fromhex("000029100000000000 0000")
    tsig = bytes.fromhex("00 00fa 00ff 00000000 000b") + opt
    plain = wire()
    crafted = plain[:10] + b"\0\1" + plain[12:] + tsig
    found = key(crafted)
    assert found is not None
    assert not scan.is_of(found, b"\x03www\x07example\x03org\0")
    for honest in (plain, wire(use_edns=0)):
        made = key(honest)
        assert made is not None
        assert scan.is_of(made, b"\x03www\x07example\x03org\0")


queries = st.builds(wire, names, st.sampled_from(["A", "AAAA", "TYPE65"]))
queries |= st.builds(
    lambda name, payload, do: wire(name, use_edns=0, payload=payload, want_dnssec=do),
    names,
    st.sampled_from([0, 511, 512, 513, 1231, 1232, 1233, 65_535]),
    st.booleans(),
)
changes = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3)


@settings(max_examples=300, deadline=None)
@given(queries, changes, st.integers(0, 40), st.sampled_from([UDP, TCP]))
def test_the_key_is_the_same_of_whatever_comes(
    message: bytes, changes: list[tuple[int, int]], cut: int, transport: Transport
) -> None:
    changed = bytearray(message)
    for at, octet in changes:
        changed[at % len(changed)] = octet
    key(bytes(changed), transport)
    key(bytes(changed[: len(changed) - cut]), transport)
