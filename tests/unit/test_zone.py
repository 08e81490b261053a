"""Zones packed into one block of bytes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.names import Qname, fold
from splitdns.records import RRset, Type
from splitdns.zone import Node, Regexp, Zone, check_pattern, pack, packed, packed_one

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


@pytest.mark.parametrize("owner", [b"\x01a\x00", b"\x01A\x00"])
@pytest.mark.parametrize("differs", [False, True])
def test_a_node_of_one_record_is_packed_as_any_other(owner: bytes, differs: bool) -> None:
    name = fold(owner)
    node = Node(name, owner, (RRset(owner, Type.A, 60, (b"\x01\x02\x03\x04",)),), differs=differs)
    assert packed_one(name, owner, Type.A, 60, b"\x01\x02\x03\x04", differs) == packed(node)
