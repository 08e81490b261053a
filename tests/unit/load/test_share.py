from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from splitdns.load.share import Share, Viewer, choose, relate, shares_of
from splitdns.names import Qname, ancestors, from_text, is_under, to_text
from splitdns.records import Type, type_to_text
from splitdns.zone import Zone
from tests.loading import INTERNET, LAN, VIEWERS, VPN, read_yaml


def shares(text: str, viewers: tuple[Viewer, ...] = VIEWERS, everywhere: bool = True) -> dict[str, Share]:
    zone, problems = read_yaml(text)
    assert not problems.errors, problems.errors
    found = shares_of(zone, viewers)
    relate(found, everywhere)
    return {viewer.name: share for share in found for viewer in share.viewers}


def name(text: str) -> Qname:
    return from_text(text, from_text("example.org."))


def test_the_first_horizon_that_a_type_has_is_taken_and_else_what_is_for_all__semantics_5() -> None:
    zone, _ = read_yaml(
        """
records:
  www:
    A: {vpn: 10.8.0.20, inside: 192.168.10.20, outside: 203.0.113.7, value: 192.0.2.1}
    AAAA: {inside: "fd00::20"}
    TXT: all
"""
    )
    sets = zone.names[name("www")].sets
    picked = {
        horizon: [(type_to_text(one.rdtype), one.horizon) for one in choose(sets, horizon)]
        for horizon in (("inside",), ("vpn", "inside"), ("outside", "inside"), ("guest",))
    }
    assert picked == {
        ("inside",): [("A", "inside"), ("AAAA", "inside"), ("TXT", None)],
        ("vpn", "inside"): [("A", "vpn"), ("AAAA", "inside"), ("TXT", None)],
        ("outside", "inside"): [("A", "outside"), ("AAAA", "inside"), ("TXT", None)],
        ("guest",): [("A", None), ("TXT", None)],
    }


def test_views_whose_horizons_come_to_the_same_have_one_share() -> None:
    found = shares("records: {www: {A: {inside: 192.168.1.1, outside: 203.0.113.7}}}")
    assert found["lan"] is found["vpn"]
    assert found["lan"] is not found["internet"]
    found = shares("records: {www: {A: 192.0.2.1}}")
    assert found["lan"] is found["internet"]


def test_a_name_of_other_views_stays_as_a_ghost_with_its_ancestors__semantics_3() -> None:
    found = shares("records: {a.b.c: {A: {inside: 192.168.1.1}}, x.c: {A: 192.0.2.1}}")
    outside = found["internet"]
    assert {to_text(ghost) for ghost in outside.ghosts} == {"a.b.c.example.org.", "b.c.example.org."}
    assert outside.ents == {name("c")}
    assert found["lan"].ghosts == {}
    assert found["lan"].ents == {name("b.c"), name("c")}


def test_a_name_differs_by_its_variants_its_existence_and_what_lies_beneath__semantics_11() -> None:
    found = shares(
        """
records:
  same:     {A: 192.0.2.1}
  equal:    {A: {inside: 192.0.2.2, outside: 192.0.2.2}}
  variant:  {A: {inside: 192.168.1.1, outside: 203.0.113.7}, TXT: same}
  only.in:  {A: {inside: 192.168.1.1}}
  here.and: {A: {inside: 192.168.1.1}}
  and:      {TXT: same}
"""
    )["lan"]
    names = ("same", "equal", "variant", "only.in", "in", "here.and", "and")
    differing = {text for text in names if found.is_different(name(text))}
    assert differing == {"variant", "only.in", "in", "here.and"}


def test_everything_of_an_overlay_and_of_a_zone_for_some_views_differs__semantics_11() -> None:
    for text, everywhere in (("mode: overlay\n", True), ("", False)):
        found = shares(text + "records: {www: {A: 192.0.2.1}}", everywhere=everywhere)
        assert found["lan"].is_different(name("www"))


def test_a_name_without_a_record_in_a_view_does_not_exist_there_in_spite_of_inherit__semantics_6() -> None:
    found = shares("records: {a: {A: {inside: 192.168.1.1}, inherit: TXT}, b: {inherit: TXT}}")
    outside = found["internet"]
    a, b = outside.node(name("a")), outside.node(name("b"))
    assert a is not None
    assert b is not None
    assert (a.exists, b.exists, b.inherit) == (False, True, (Type.TXT,))


def test_addresses_are_those_of_the_view_or_of_a_wildcard_and_unknown_beneath_a_cut() -> None:
    found = shares(
        """
records:
  a: {A: {inside: 192.168.1.1}}
  "*.w": {A: 192.0.2.1}
  x.y.w: {TXT: no address}
  cut: {NS: ns.example.net.}
  dname: {DNAME: example.net.}
"""
    )
    known = {
        text: found["internet"].addresses(name(text), Type.A)
        for text in ("a", "b.w", "y.w", "c.y.w", "x.cut", "x.dname", "nowhere", "example.net.")
    }
    wild = (bytes([192, 0, 2, 1]),)
    assert known == {
        "a": (),
        "b.w": wild,
        "y.w": (),
        "c.y.w": (),
        "x.cut": None,
        "x.dname": None,
        "nowhere": (),
        "example.net.": None,
    }
    assert found["lan"].addresses(name("a"), Type.A) == (bytes([192, 168, 1, 1]),)


LABEL = st.sampled_from(["a", "b", "*"])
NAMES = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
VALUE = st.sampled_from(["192.0.2.1", "{inside: 192.168.1.1}", "{outside: 203.0.113.7, vpn: 10.8.0.1}"])


SOME_VIEWS = st.sampled_from([(LAN,), (LAN, INTERNET), (VPN, INTERNET, LAN)])


@given(st.dictionaries(NAMES, VALUE, min_size=1), SOME_VIEWS)
def test_every_ancestor_of_a_name_has_a_node_and_exists_where_the_name_does(
    names: dict[str, str], viewers: tuple[Viewer, ...]
) -> None:
    text = "records:\n" + "".join(f'  "{owner}": {{A: {value}}}\n' for owner, value in names.items())
    for share in shares(text, viewers).values():
        apex = share.zone.apex
        names = [*share.chosen, *share.ents, *share.ghosts]
        nodes = {made.name: made for one in names if (made := share.node(one)) is not None}
        assert len(nodes) == len(names)
        assert {*Zone(apex, share.block()).nodes()} == {*nodes.values()}
        assert nodes.keys() >= share.zone.names.keys()
        for node in nodes.values():
            for above in ancestors(node.name):
                if is_under(above, apex):
                    assert nodes[above].exists >= node.exists
            if node.exists and not node.rrsets and node.name != apex:
                assert any(is_under(other.name, node.name) and other.rrsets for other in nodes.values())
