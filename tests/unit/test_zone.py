"""Zones packed into one block of bytes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.names import ROOT, Qname, fold, from_text, relative_text
from splitdns.records import RRset, Type
from splitdns.zone import (
    ADDRESSES,
    CUT,
    DIRECT,
    DNAME,
    NODES,
    PLAIN,
    PUBLIC,
    RECORD,
    SET,
    STAR,
    Kind,
    Node,
    Packer,
    Regexp,
    Zone,
    check_pattern,
    pack,
    packed,
)

APEX = Qname(b"\x07example\x03org\0")
LABEL = st.binary(min_size=1, max_size=20)
OWNER = st.lists(LABEL, max_size=3).map(
    lambda labels: b"".join(bytes([len(label)]) + label for label in labels) + APEX
)


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    owner = draw(OWNER)
    rrsets = tuple(
        RRset(
            owner,
            rdtype,
            draw(st.integers(0, 2**31 - 1)),
            tuple(draw(st.lists(st.binary(max_size=60), max_size=3))),
            public=draw(st.booleans()),
        )
        for rdtype in draw(st.lists(st.integers(1, 0xFFFF), max_size=4, unique=True))
    )
    return Node(
        fold(owner),
        owner,
        rrsets,
        exists=draw(st.booleans()),
        cut=draw(st.booleans()),
        differs=draw(st.booleans()),
        inherit=tuple(draw(st.lists(st.integers(1, 0xFFFF), max_size=3))),
    )


@given(st.lists(nodes(), max_size=40, unique_by=lambda node: node.name))
def test_what_was_packed_is_found_again_and_nothing_else(packed: list[Node]) -> None:
    zone = Zone(APEX, pack(packed))
    for node in packed:
        assert zone.node(node.name) == node
    assert zone.node(fold(b"\x06absent\x06really" + APEX)) is None
    assert list(zone.nodes()) == packed


def test_a_zone_goes_to_another_process_without_its_block_being_copied() -> None:
    node = Node(APEX, APEX, (RRset(APEX, 1, 60, (b"\xc0\0\x02\x01",)),))
    zone = Zone(APEX, pack([node]), overlay=True, source="zones/example.org.yaml", waiting=True)
    blocks: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(zone, protocol=5, buffer_callback=blocks.append)
    assert bytes(zone.block) not in pickled
    mapped = memoryview(bytes(blocks[0].raw()))
    again = pickle.loads(pickled, buffers=[mapped])
    assert again.node(APEX) == node
    assert (again.overlay, again.source, again.waiting) == (True, "zones/example.org.yaml", True)
    assert again.block.obj is mapped.obj


def test_a_regexp_is_searched_in_the_relative_name() -> None:
    regexp = Regexp(r"^(www\.)?myserver$", Node(APEX, APEX))
    assert regexp.matches("www.myserver")
    assert regexp.matches("myserver")
    assert not regexp.matches("myserver.sub")


def test_a_pattern_that_is_not_one_says_why() -> None:
    with pytest.raises(ValueError, match="missing"):
        check_pattern("(")


def test_a_pattern_that_ruins_other_engines_is_answered_at_once() -> None:
    assert not Regexp("(a*)*b$", Node(APEX, APEX)).matches("a" * 200)


@pytest.mark.parametrize("differs", [False, True])
@pytest.mark.parametrize(
    ("rdtype", "rdatas"),
    [
        (Type.A, [b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"]),
        (Type.AAAA, [bytes(16), bytes(16)]),
        (Type.TXT, [b"\1x", b"\2xy"]),
        (Type.PTR, [APEX, ROOT]),
    ],
)
def test_nodes_of_one_record_each_are_packed_as_any_others(
    differs: bool, rdtype: Type, rdatas: list[bytes]
) -> None:
    first, *names = [from_text(text, APEX) for text in ("first", "a", "*.first")]
    packer, nodes = Packer(), [Node(first, first)]
    packer.add([(first, packed(nodes[0]))])
    packer.add_alike(names, rdatas, Kind(rdtype, 60, differs))
    for name, rdata in zip(names, rdatas, strict=True):
        nodes.append(Node(name, name, (RRset(name, rdtype, 60, (rdata,)),), differs=differs))
    assert len(packer) == 3
    assert packer.block() == pack(nodes)


def test_what_lies_beneath_a_cut_or_a_dname_is_not_direct_and_enclosers_know_of_wildcards() -> None:
    def named(text: str, *types: int, **options: bool) -> Node:
        name = from_text(text, APEX)
        return Node(name, name, tuple(RRset(name, rdtype, 60, (b"\0",)) for rdtype in types), **options)  # type: ignore

    zone = Zone(
        APEX,
        pack(
            [
                named("@", Type.SOA),
                named("a", Type.A),
                named("cut", Type.NS, cut=True),
                named("a.cut", Type.A),
                named("d", Type.DNAME),
                named("x.a.d", Type.A),
                named("apps"),
                named("*.apps", Type.A),
                named("ghost", exists=False, differs=True),
                named("hollow", exists=False),
            ]
        ),
    )

    def having(flag: int) -> set[str]:
        names = (node.name for node in zone.nodes())
        return {relative_text(name, APEX) for name in names if zone.block[zone.find(name) + 1] & flag}

    assert having(DIRECT) == {"@", "a", "d", "apps", "*.apps", "ghost"}
    assert having(STAR) == {"apps"}
    assert having(DNAME) == {"d"}
    assert having(CUT) == {"cut"}


def test_a_set_tells_whether_its_records_may_go_out_as_they_stand() -> None:
    rrsets = (
        RRset(APEX, Type.A, 60, (b"\xc0\0\2\1", b"\xc0\0\2\2"), public=True),
        RRset(APEX, Type.AAAA, 60, (b"short",)),
        RRset(APEX, Type.TXT, 60, (b"\1x",)),
        RRset(APEX, Type.MX, 60, (b"\0\1" + APEX,)),
        RRset(APEX, Type.CAA, 60, ()),
    )
    zone = Zone(APEX, pack([Node(APEX, APEX, rrsets)]))
    at = zone.find(APEX)
    found = []
    _, _, name, sets, rdtype, flags, count, octets = NODES[len(APEX)].unpack_from(zone.block, at)
    at += NODES[len(APEX)].size
    assert name == APEX
    while True:
        found.append((rdtype, flags, count))
        assert count * RECORD.size <= octets
        sets, at = sets - 1, at + octets
        if not sets:
            break
        rdtype, flags, count, octets = SET.unpack_from(zone.block, at)
        at += SET.size
    assert found == [
        (Type.A, ADDRESSES | PUBLIC, 2),
        (Type.AAAA, 0, 1),
        (Type.TXT, PLAIN, 1),
        (Type.MX, 0, 1),
        (Type.CAA, PLAIN, 0),
    ]
