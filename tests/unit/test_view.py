"""Longest prefix wins, over both families, with IPv4-mapped addresses folded."""

import ipaddress
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.names import from_text
from splitdns.view import (
    MAX_CARRIED_CLIENTS,
    MAX_REMEMBERED_CLIENTS,
    Carrier,
    Strategy,
    Upstream,
    UpstreamSet,
    Validation,
    View,
    ViewTable,
    client_key,
    fold_address,
)
from splitdns.zone import Zone, pack

PREFIXES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
        lambda pair: ipaddress.ip_network((pair[0], pair[1]), strict=False)
    ),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(
        lambda pair: ipaddress.ip_network((pair[0], pair[1]), strict=False)
    ),
)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(st.lists(PREFIXES, max_size=12, unique=True), st.lists(ADDRESSES, max_size=8), st.booleans())
def test_the_longest_matching_prefix_wins(prefixes, addresses, with_any) -> None:  # type: ignore[no-untyped-def]
    views = [(prefix, View(str(prefix), ("inside",))) for prefix in prefixes]
    any_view = View("any", ("outside",)) if with_any else None
    table = ViewTable(views, any_view)
    near = [prefix.network_address for prefix in prefixes]
    for address in addresses + near:
        folded = fold_address(str(address))
        matching = [p for p in prefixes if p.version == folded.version and folded in p]
        best = max(matching, key=lambda prefix: prefix.prefixlen, default=None)
        match = table.match(str(address))
        if best is None:
            assert (match.view if match else None) is any_view
        else:
            assert match is not None
            assert match.prefix == best
            assert match.view.name == str(best)
        assert table.match(str(address)) is match  # remembered


def test_ipv4_mapped_addresses_meet_the_ipv4_view__rfc4291_2_5_5_2() -> None:
    lan = View("lan", ("inside",))
    table = ViewTable([(ipaddress.ip_network("192.168.0.0/16"), lan)])
    match = table.match("::ffff:192.168.7.7")
    assert match is not None
    assert match.view is lan


def test_a_scope_id_does_not_hide_a_link_local_client() -> None:
    lan = View("lan", ("inside",))
    table = ViewTable([(ipaddress.ip_network("fe80::/10"), lan)])
    match = table.match("fe80::1%eth0")
    assert match is not None
    assert match.view is lan


def test_an_unmatched_client_has_no_view_without_any() -> None:
    assert ViewTable([]).match("192.0.2.1") is None


def test_remembered_clients_are_bounded() -> None:
    table = ViewTable([], View("any", ("outside",)))
    eras = []
    for number in range(MAX_REMEMBERED_CLIENTS + 10):
        table.match(str(ipaddress.IPv4Address(number)))
        if not eras or table.era is not eras[-1]:
            eras.append(table.era)
    assert len(table._remembered) <= MAX_REMEMBERED_CLIENTS
    assert len(eras) == 2  # whoever else remembers learns of it
    table.renew()
    assert table.era is not eras[-1]


@pytest.mark.parametrize(
    ("horizon", "outside"), [(("outside",), True), (("inside",), False), (("vpn", "outside"), False)]
)
def test_an_outside_view_has_only_the_outside_horizon(horizon: tuple[str, ...], outside: bool) -> None:
    assert View("v", horizon).outside is outside


def test_the_longest_domain_decides_and_a_zone_wins_a_tie() -> None:
    org, example, sub = (from_text(text) for text in ("org.", "example.org.", "sub.example.org."))
    zone = Zone(example, pack([]))
    rule, other = UpstreamSet(()), UpstreamSet((), 1.0)
    view = View("v", ("inside",), True, {example: zone}, {example: rule, sub: other, org: rule})
    assert view.authority(example) is zone
    assert view.authority(from_text("a.example.org.")) is zone
    assert view.authority(from_text("a.sub.example.org.")) is other
    assert view.authority(from_text("other.org.")) is rule
    assert view.authority(from_text("com.")) is None


def test_a_view_that_does_not_recurse_has_no_use_for_forward_rules() -> None:
    view = View("v", ("outside",), False, {}, {from_text("."): UpstreamSet(())})
    assert view.authority(from_text("example.org.")) is None


def test_the_closest_anchor_counts_and_a_negative_one_hides_those_above__rfc7646_2() -> None:
    root, own = (from_text("."), (b"1",)), (from_text("corp.example."), (b"2",))
    negative = frozenset({from_text("example."), from_text("lab.corp.example.")})
    validation = Validation((root, own), negative)
    assert validation.anchor(from_text("www.example.org.")) == root
    assert validation.anchor(from_text("www.example.")) is None
    assert validation.anchor(from_text("www.corp.example.")) == own
    assert validation.anchor(from_text("lab.corp.example.")) is None
    assert Validation((own,)).anchor(from_text("www.example.org.")) is None


def test_upstreams_are_the_same_in_every_process_and_each_part_of_them_counts() -> None:
    one = Upstream("192.0.2.1", 853, Carrier.TLS, "a.example", "", "ca.pem")
    assert pickle.loads(pickle.dumps(one)) == one
    assert hash(pickle.loads(pickle.dumps(one))) == hash(one)
    others = {
        replace(one, **{name: value})
        for name, value in {
            "host": "192.0.2.2",
            "port": 854,
            "carrier": Carrier.HTTPS,
            "name": "b.example",
            "path": "/",
            "ca": None,
        }.items()
    }
    assert len(others | {one}) == 7
    several = UpstreamSet((one,), 1.0, Strategy.FASTEST)
    assert pickle.loads(pickle.dumps(several)) == several
    assert len({several, replace(several, timeout_s=2.0), replace(several, strategy=Strategy.PARALLEL)}) == 3


@pytest.mark.parametrize(
    ("upstream", "text"),
    [
        (Upstream("192.0.2.1"), "192.0.2.1:53"),
        (Upstream("2001:db8::1", 5353), "[2001:db8::1]:5353"),
        (Upstream("192.0.2.1", 853, Carrier.TLS, "a.example"), "tls://192.0.2.1:853#a.example"),
        (Upstream("192.0.2.1", 443, Carrier.HTTPS, "", "/q"), "https://192.0.2.1:443/q"),
    ],
)
def test_an_upstream_is_shown_as_it_is_written(upstream: Upstream, text: str) -> None:
    assert str(upstream) == text


def test_hosts_that_were_matched_are_told_and_then_forgotten_after_a_while() -> None:
    lan = View("lan", ("inside",))
    table = ViewTable([(ipaddress.ip_network("192.168.0.0/16"), lan)])
    table.match("192.168.1.1")
    table.match("203.0.113.1")
    assert sorted(table.renew()) == ["192.168.1.1", "203.0.113.1"]
    table.match("192.168.1.2")
    assert table.clients() == {"lan": 2}
    assert table.renew() == ("192.168.1.2",)
    assert table.clients() == {"lan": 1}


def test_a_generation_knows_the_clients_of_the_one_before_by_the_views_of_its_own() -> None:
    lan, vpn = View("lan", ("inside",)), View("vpn", ("inside",))
    before = ViewTable([(ipaddress.ip_network("192.168.0.0/16"), lan)])
    before.match("192.168.1.1")
    before.renew()
    before.match("192.168.2.2")
    before.match("203.0.113.1")

    after = ViewTable([(ipaddress.ip_network("192.168.0.0/24"), lan)], vpn)
    after.succeed(before)
    assert after.clients() == {"vpn": 3}
    assert after.seen(9) == {"vpn": ["192.168.2.2", "203.0.113.1", "192.168.1.1"]}
    assert after.renew() == ("192.168.2.2", "203.0.113.1")  # who asked lately, in whichever generation
    assert after.clients() == {"vpn": 2}
    assert before.clients() == {"lan": 2}


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_clients_go_over_to_the_next_generation(more: int) -> None:
    before, after = (ViewTable([], View("any", ("outside",))) for _ in range(2))
    for number in range(MAX_CARRIED_CLIENTS + more):
        before.match(str(ipaddress.IPv4Address(number)))
    after.succeed(before)
    assert after.clients() == {"any": MAX_CARRIED_CLIENTS}
    assert ("0.0.0.0" in after.renew()) == (more == 0)  # the oldest goes first


def test_a_client_is_an_address_or_an_ipv6_64() -> None:
    assert client_key("192.0.2.1") != client_key("192.0.2.2")
    assert client_key("::ffff:192.0.2.1") == client_key("192.0.2.1")
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:2") != client_key("2001:db8:0:1::1")
    assert client_key("fe80::1%lo") == client_key("fe80::2%eth0")


def test_who_was_seen_is_told_by_view_and_not_without_end() -> None:
    lan, internet = View("lan", ("inside",)), View("internet", ("outside",))
    table = ViewTable([(ipaddress.ip_network("192.168.0.0/16"), lan)], internet)
    for host in ("192.168.1.1", "192.168.1.2", "203.0.113.1"):
        table.match(host)
    table.renew()
    for host in ("192.168.1.2", "192.168.1.3"):
        table.match(host)

    assert table.seen(9) == {
        "lan": ["192.168.1.2", "192.168.1.3", "192.168.1.1"],
        "internet": ["203.0.113.1"],
    }
    assert table.seen(2)["lan"] == ["192.168.1.2", "192.168.1.3"]
    assert ViewTable([]).seen(9) == {}
