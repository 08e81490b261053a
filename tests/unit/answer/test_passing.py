"""What passes as it stands gets what ``decide``, ``resume`` and ``encode`` make of it."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns import accelerator
from splitdns.answer.decide import Forward, Proof, Reply, Security, Walk, decide, resume
from splitdns.answer.passing import Join, Passing
from splitdns.load.blocklists import of_view, read
from splitdns.load.declared import FileId
from splitdns.load.sections import BlocklistSettings
from splitdns.names import from_text, wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.view import Policy, Upstream, UpstreamSet, View
from splitdns.wire import scan
from splitdns.wire.message import Answer, Query, Transport, decode, encode
from tests.build import MANNERS, UPSTREAMS, view, zone

compiled: Join | None = accelerator.NATIVE and accelerator.NATIVE.joined
OTHERS = UpstreamSet((Upstream("192.0.2.99"),))
TRUSTED = UpstreamSet((Upstream("192.0.2.98"),), trust_ad=True)
OURS = zone("@ A 192.0.2.1\nwww A 192.168.1.1\n", "ours.test.", elsewhere=["secret"])
ROUTES = {".": UPSTREAMS, "corp.test.": OTHERS, "ad.test.": TRUSTED}


def _lists(directory: Path) -> Policy:
    path = directory / "list"
    path.write_text("blocked.example\n")
    settings = BlocklistSettings.model_validate({"file": "list", "format": "domains", "action": "nxdomain"})
    found = read(path, path.read_text(), settings, (FileId("list"), settings))
    return Policy(rebinding=True, lists=of_view([found], "test"))


def views(directory: Path) -> dict[str, View]:
    inside = view(OURS, recursion=True, routes=ROUTES)
    hidden = frozenset({bytes((203, 0, 113, 5))})
    guest = replace(inside, horizon=("outside",), hidden_addresses=hidden)
    return {
        "inside": inside,
        "guest": guest,
        "closed": view(OURS, routes=ROUTES),
        "lists": replace(inside, policy=_lists(directory)),
        "dns64": replace(inside, policy=Policy(dns64=IPv6Network("64:ff9b::/96"))),
        "elsewhere": replace(inside, zones={}, elsewhere={OURS.apex: [OURS]}),
    }


NAMES = [
    "www.example.org.",
    "blocked.example.",
    "a.blocked.example.",
    "www.ours.test.",
    "ours.test.",
    "a.b.corp.test.",
    "corp.test.",
    "a.ad.test.",
    ".",
    "org.",
    "1.1.168.192.in-addr.arpa.",
]
ADDRESSES = [socket.inet_aton(text) for text in ("198.51.100.1", "203.0.113.5", "192.168.1.1", "127.0.0.1")]
ADDRESSES_6 = [bytes.fromhex("20010db8" + "0" * 23 + "1"), bytes.fromhex("fd00" + "0" * 27 + "1")]
MNAMES = ["ns.example.org.", "www.ours.test.", "secret.ours.test.", "example.org."]


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    name = draw(st.sampled_from(NAMES))
    edns = draw(st.booleans())
    message = dns.message.make_query(
        name,
        draw(st.sampled_from(["A", "AAAA", "TXT", "ANY", "DS", "AXFR", "RRSIG", "SOA", "PTR"])),
        draw(st.sampled_from(["IN", "IN", "IN", "CH", "ANY"])),
        use_edns=0 if edns else False,
        want_dnssec=edns and draw(st.booleans()),
        payload=draw(st.sampled_from([0, 512, 600, 1232, 4096])),
        id=draw(st.integers(0, 65_535)),
    )
    for flag in (0x0100, 0x0020, 0x0010, 0x8000):
        if draw(st.integers(0, 9)) == 0:
            message.flags ^= flag
    wire = bytearray(message.to_wire())
    for at in range(12, 12 + len(name)):
        if draw(st.booleans()) and chr(wire[at]).isalpha():
            wire[at] ^= 0x20
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        wire[draw(st.integers(0, len(wire) - 1))] = draw(st.sampled_from([0, 1, 63, 64, 192, 255]))
    return bytes(wire)


@st.composite
def replies(draw: st.DrawFn, name: bytes, qtype: int) -> Reply:
    rcode = draw(st.sampled_from([0, 0, 0, 3, 2]))
    edes = draw(st.sampled_from([(), (), ((4, "forged"),)]))
    proof = draw(st.sampled_from([None, Proof(), Proof(security=Security.CLAIMED)]))
    ttl_s = draw(st.sampled_from([0, 1, 300, 86_400]))
    folded = name.lower()
    answer: tuple[RRset, ...] = ()
    soa = None
    if draw(st.booleans()):
        rdtype = draw(st.sampled_from([qtype, qtype, Type.A, Type.CNAME]))
        pool = {Type.A: ADDRESSES, Type.AAAA: ADDRESSES_6, Type.CNAME: [wire_from_text("b.example.")]}
        rdatas = draw(st.lists(st.sampled_from(pool.get(rdtype, [b"\3abc"])), max_size=4, unique=True))
        many = [bytes((198, 51, 100, number)) for number in range(100)]
        if rdtype == Type.A and draw(st.integers(0, 4)) == 0:
            rdatas = many[: draw(st.sampled_from([20, 30, 31, 75, 80]))]
        answer = (RRset(draw(st.sampled_from([folded, folded, b"\1x\0"])), rdtype, ttl_s, tuple(rdatas)),)
    if not answer or draw(st.integers(0, 9)) == 0:
        mname = wire_from_text(draw(st.sampled_from(MNAMES)))
        rdata = mname + wire_from_text("hostmaster.example.org.") + bytes(20)
        soa = RRset(draw(st.sampled_from([folded, b"\0", from_text("org.")])), Type.SOA, ttl_s, (rdata,))
    if draw(st.integers(0, 9)) == 0:
        soa = None
    return Reply(rcode, answer, soa, edes, proof)


def in_full(reply: Reply, query: Query, forward: Forward, everyone: View) -> bytes | None:
    decided = resume(forward, reply)
    if not isinstance(decided, Answer) or decided.rebound or decided.stripped:
        return None
    return encode(decided, query, ra=everyone.recursion, payload_octets=MANNERS.payload_octets)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, View]:
    return views(tmp_path_factory.mktemp("lists"))


@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_what_passes_is_what_would_have_been_decided(data: st.DataObject, every: dict[str, View]) -> None:
    met = every[data.draw(st.sampled_from(sorted(every)))]
    passing = Passing(met, MANNERS)
    wire = data.draw(queries())
    transport = data.draw(st.sampled_from(list(Transport)))
    key = scan.key(wire, transport, MANNERS.payload_octets)
    upstreams = None if key is None else passing.upstreams(key)
    if key is None or upstreams is None:
        return
    query = decode(wire, transport)
    forward = decide(query, met, MANNERS)
    assert isinstance(forward, Forward)
    assert (forward.upstreams, forward.name, forward.qtype) == (upstreams, query.question, scan.qtype(key))
    assert (forward.do, query.cd, query.name) == (scan.do(key), scan.cd(key), scan.name(key))
    assert forward.walk == Walk(met, query, MANNERS, seen=frozenset({query.name}))
    assert not forward.no_nxdomain
    reply = data.draw(replies(query.question, query.qtype))
    encoded = passing.encoded(reply, wire, key)
    if compiled is not None:
        assert Passing(met, MANNERS, compiled).encoded(reply, wire, key) == encoded
    if encoded is not None:
        assert encoded == in_full(reply, query, forward, met)


def of(name: str, rdtype: str, **more: Any) -> tuple[bytes, bytes]:
    """A query, and its key."""
    wire = dns.message.make_query(name, rdtype, **more).to_wire()
    key = scan.key(wire, Transport.UDP, MANNERS.payload_octets)
    assert key is not None
    return wire, key


@pytest.mark.parametrize(
    ("met", "name", "passes"),
    [
        ("inside", "www.example.org.", True),
        ("inside", "www.ours.test.", False),
        ("inside", "a.ad.test.", False),
        ("inside", ".", False),
        ("guest", "www.example.org.", True),
        ("closed", "www.example.org.", False),
        ("lists", "www.example.org.", True),
        ("lists", "blocked.example.", False),
        ("dns64", "www.example.org.", False),
        ("elsewhere", "www.ours.test.", True),
    ],
)
def test_which_questions_pass(met: str, name: str, passes: bool, every: dict[str, View]) -> None:
    _, key = of(name, "A")
    assert (Passing(every[met], MANNERS).upstreams(key) is not None) == passes


@pytest.mark.parametrize(
    ("met", "address", "passes"),
    [
        ("inside", "198.51.100.1", True),
        ("inside", "192.168.1.1", True),
        ("lists", "192.168.1.1", False),
        ("guest", "198.51.100.1", True),
        ("guest", "192.168.1.1", False),
        ("guest", "203.0.113.5", False),
    ],
)
def test_which_addresses_pass(met: str, address: str, passes: bool, every: dict[str, View]) -> None:
    wire, key = of("www.example.org.", "A")
    rdatas = (bytes((198, 51, 100, 7)), socket.inet_aton(address))
    reply = Reply(0, (RRset(from_text("www.example.org."), Type.A, 300, rdatas),))
    assert (Passing(every[met], MANNERS).encoded(reply, wire, key) is not None) == passes


@pytest.mark.parametrize(("mname", "passes"), [("ns.example.org.", True), ("secret.ours.test.", False)])
def test_a_denial_passes_unless_it_names_who_is_hidden(
    mname: str, passes: bool, every: dict[str, View]
) -> None:
    wire, key = of("no.example.org.", "A", use_edns=0)
    rdata = wire_from_text(mname) + from_text("h.example.org.") + bytes(20)
    reply = Reply(Rcode.NXDOMAIN, (), RRset(from_text("example.org."), Type.SOA, 300, (rdata,)))
    assert (Passing(every["inside"], MANNERS).encoded(reply, wire, key) is not None) == passes


@pytest.mark.parametrize(("records", "passes"), [(29, True), (30, False)])
def test_what_does_not_fit_does_not_pass(records: int, passes: bool, every: dict[str, View]) -> None:
    wire, key = of("www.example.org.", "A")
    rdatas = tuple(bytes((198, 51, 100, number)) for number in range(records))
    reply = Reply(0, (RRset(from_text("www.example.org."), Type.A, 300, rdatas),))
    assert (Passing(every["inside"], MANNERS).encoded(reply, wire, key) is not None) == passes
