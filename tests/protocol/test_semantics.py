"""The decisions of docs/semantics.md, from files to bytes; each test bears the number of its decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import InputError, SplitdnsError
from splitdns.names import fold, from_text, to_text, wire_from_text
from splitdns.records import RRset, Type
from tests.build import address
from tests.serving import SPLIT_CONFIG, World, records

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(text: str = "", *, upstream: object = None, config: str = SPLIT_CONFIG, **files: str) -> World:
        named = {name.replace("__", "."): content for name, content in files.items()}
        if text:
            named["example.com.yaml"] = "zone: example.com\nns: [ns1]\n" + text
        return World(tmp_path, named, config, upstream or default_upstream)  # type: ignore[arg-type]

    return made


def a(owner: bytes, host: str, ttl_s: int = 300) -> RRset:
    return RRset(owner, Type.A, ttl_s, (address(host),))


def default_upstream(forward: Forward) -> Reply | None:
    """Every A question upstream is answered with 198.51.100.200; other types are NODATA."""
    if forward.qtype == Type.A:
        return Reply(0, (a(forward.name, "198.51.100.200"),))
    return Reply(0)


def outcome(
    world: World, name: str, rdtype: str = "A", client: str = "lan", **options: object
) -> list[str] | str:
    """The answer section's lines, or the rcode, or NODATA."""
    got = world.ask(name, rdtype, client=client, **options)  # type: ignore[arg-type]
    if got.rcode() != dns.rcode.NOERROR:
        return dns.rcode.to_text(got.rcode())
    return [line.split(" in ")[1] for line in records(got.answer)] or "NODATA"


def edes(message: dns.message.Message) -> list[int]:
    return [int(option.code) for option in message.options if int(option.otype) == 15]  # type: ignore[attr-defined]


HOSTS = """
records:
  ns1:  {A: {inside: 192.168.1.53, outside: $wan4}}
  www:
    A: {vpn: 10.8.0.20, inside: 192.168.10.20, outside: $wan4}
    AAAA: {inside: "fd00:10::20"}
    HTTPS: 1 . alpn=h3,h2
  nas:  {A: {inside: 192.168.10.30}}
  plain: {A: 203.0.113.80}
  slip: {A: {inside: 192.168.10.31, outside: 192.168.10.31}}
  meant: {A: {inside: 192.168.10.32, outside: {value: 192.168.10.32, public: true}}}
  "*.apps": {A: {inside: 192.168.10.21, outside: $wan4}}
  "*.lab": {A: {inside: 192.168.10.22}}
  "~^(www\\\\.)?myserver$": {A: {inside: 192.168.10.50, outside: $wan4}, ttl: 5m}
  toname: {CNAME: nas}
  mx: {MX: [10 nas, 20 www]}
"""


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("lan", ["a 192.168.10.20"]),
        ("vpn", ["a 10.8.0.20"]),
        ("guest", ["a 203.0.113.7"]),
        ("internet", ["a 203.0.113.7"]),
        ("::ffff:192.168.3.3", ["a 192.168.10.20"]),
        ("fd00::77", ["a 192.168.10.20"]),
        ("2001:db8:ffff::1", ["a 203.0.113.7"]),
    ],
)
def test_each_client_meets_its_own_horizon(make: Make, client: str, expected: list[str]) -> None:
    assert outcome(make(HOSTS), "www.example.com.", client=client) == expected


def test_an_inside_address_is_stripped_from_an_outside_view__semantics_1(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "slip.example.com.", client="internet") == "NODATA"
    assert outcome(world, "slip.example.com.", client="guest") == "NODATA"
    assert outcome(world, "slip.example.com.", client="lan") == ["a 192.168.10.31"]
    assert outcome(world, "meant.example.com.", client="internet") == ["a 192.168.10.32"]
    assert any("slip" in str(w) or "192.168.10.31" in str(w) for w in world.loaded.warnings)


def test_an_upstream_s_inside_address_is_stripped_for_guests__semantics_1(make: Make) -> None:
    world = make(HOSTS, upstream=lambda forward: Reply(0, (a(forward.name, "10.1.2.3"),)))
    assert outcome(world, "rebind.example.net.", client="guest") == "NODATA"


def test_an_address_that_only_inside_horizons_declare_is_an_inside_one__semantics_1(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  v6:  {AAAA: {inside: "2001:db8:10::5", outside: "2001:db8:99::5"}}
  oops: {AAAA: {outside: "2001:db8:10::5"}}
"""
    )
    assert outcome(world, "v6.example.com.", "AAAA", client="internet") == ["aaaa 2001:db8:99::5"]
    assert outcome(world, "oops.example.com.", "AAAA", client="internet") in (
        ["aaaa 2001:db8:10::5"],  # declared for outside too: then it is no inside address
        "NODATA",
    )


def test_a_target_that_only_other_views_have_is_not_served__semantics_2(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "toname.example.com.", client="internet") == "NODATA"
    assert outcome(world, "toname.example.com.", client="lan") == [
        "a 192.168.10.30",
        "cname nas.example.com.",
    ]
    assert outcome(world, "mx.example.com.", "MX", client="internet") == ["mx 20 www.example.com."]
    assert outcome(world, "mx.example.com.", "MX", client="lan") == [
        "mx 10 nas.example.com.",
        "mx 20 www.example.com.",
    ]
    assert any("nas" in str(warning) for warning in world.loaded.warnings)


def test_a_name_server_that_only_other_views_have_is_an_error__semantics_2(make: Make) -> None:
    world = make("records:\n  ns1: {A: {inside: 192.168.1.53}}\n  www: {A: 203.0.113.80}\n")
    assert outcome(world, "www.example.com.", client="internet") == "SERVFAIL"
    assert world.loaded.faults[from_text("example.com.")]


def test_a_target_that_exists_nowhere_is_served_as_written__semantics_2_and_28(make: Make) -> None:
    world = make("records:\n  ns1: {A: 203.0.113.53}\n  lost: {CNAME: nowhere}\n")
    got = world.ask("lost.example.com.", client="internet")
    assert got.rcode() == dns.rcode.NXDOMAIN
    assert len(got.answer) == 1


def test_ownership_is_per_zone_in_an_authoritative_zone__semantics_3(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  "*": {A: 203.0.113.99}
  nas: {A: {inside: 192.168.10.30}}
  lan: {A: {inside: 192.168.10.31}}
  x.lan: {A: 203.0.113.98}
"""
    )
    assert outcome(world, "any.example.com.", client="internet") == ["a 203.0.113.99"]
    assert outcome(world, "nas.example.com.", client="internet") == "NXDOMAIN"
    assert outcome(world, "lan.example.com.", client="internet") == "NODATA"
    assert outcome(world, "lan.example.com.", client="lan") == ["a 192.168.10.31"]


def test_a_wildcard_answers_for_an_empty_non_terminal_of_other_views__semantics_3(make: Make) -> None:
    records = 'ns1: {A: 203.0.113.53}\n  "*": {A: 203.0.113.99}\n  a.deep: {A: {inside: 192.168.1.1}}'
    world = make(f"records:\n  {records}\n")
    assert outcome(world, "deep.example.com.", client="internet") == ["a 203.0.113.99"]
    assert outcome(world, "x.deep.example.com.", client="internet") == ["a 203.0.113.99"]
    assert outcome(world, "a.deep.example.com.", client="internet") == "NXDOMAIN"
    assert outcome(world, "deep.example.com.", client="lan") == "NODATA"


def test_empty_non_terminals_count_per_view__semantics_3(make: Make) -> None:
    world = make("records:\n  ns1: {A: 203.0.113.53}\n  a.deep: {A: {inside: 192.168.1.1}}\n")
    assert outcome(world, "deep.example.com.", client="lan") == "NODATA"
    assert outcome(world, "deep.example.com.", client="internet") == "NXDOMAIN"


OVERLAY = """
mode: overlay
records:
  www: {A: {inside: 192.168.10.20}}
  both: {A: {inside: 192.168.10.21, outside: $wan4}}
  a.ent: {A: {inside: 192.168.10.22}}
"""


def test_ownership_is_per_view_in_an_overlay__semantics_4(make: Make) -> None:
    world = make(OVERLAY.replace("mode", "mode"), upstream=None)
    assert outcome(world, "www.example.com.", client="lan") == ["a 192.168.10.20"]
    assert outcome(world, "www.example.com.", client="guest") == ["a 198.51.100.200"]
    assert outcome(world, "www.example.com.", client="internet") == "REFUSED"
    assert outcome(world, "both.example.com.", client="internet") == ["a 203.0.113.7"]
    assert outcome(world, "other.example.com.", client="lan") == ["a 198.51.100.200"]
    assert outcome(world, "other.example.com.", client="internet") == "REFUSED"
    assert outcome(world, "example.com.", "A", client="lan") == ["a 198.51.100.200"]  # the apex inherits


def test_an_overlay_s_empty_non_terminal_is_nodata_when_upstream_has_nothing__semantics_4(make: Make) -> None:
    world = make(OVERLAY, upstream=lambda forward: Reply(3))
    assert outcome(world, "ent.example.com.", client="lan") == "NODATA"
    assert outcome(world, "other.example.com.", client="lan") == "NXDOMAIN"


def test_aa_is_on_owned_answers_only__semantics_4(make: Make) -> None:
    world = make(OVERLAY)
    assert world.ask("www.example.com.", client="lan").flags & dns.flags.AA
    assert not world.ask("other.example.com.", client="lan").flags & dns.flags.AA


def test_closed_names_answer_nodata_for_every_other_type__product_4(make: Make) -> None:
    def leaks(forward: Forward) -> Reply:
        raise AssertionError(f"{to_text(forward.name)} went upstream")

    for text in (HOSTS, OVERLAY):
        world = make(text, upstream=leaks)
        for rdtype in ("AAAA", "HTTPS", "TXT", "MX", "CAA"):
            if (text, rdtype) not in ((HOSTS, "AAAA"), (HOSTS, "HTTPS")):
                assert outcome(world, "www.example.com.", rdtype, client="lan") == "NODATA"


def test_a_variant_is_chosen_per_type_and_then_cname_stands_alone_per_view__semantics_5(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  shop: {CNAME: {outside: x.cdn.example.net.}, A: {inside: 192.168.10.60}}
""",
    )
    assert outcome(world, "shop.example.com.", client="lan") == ["a 192.168.10.60"]
    assert outcome(world, "shop.example.com.", client="internet") == ["cname x.cdn.example.net."]


def test_a_cname_beside_other_data_names_the_view__semantics_5(make: Make) -> None:
    world = make(
        "records:\n  ns1: {A: 203.0.113.53}\n  x: {CNAME: {inside: www.example.net.}, A: 203.0.113.1}\n"
    )
    (error, *_) = world.loaded.faults[from_text("example.com.")]
    assert "lan" in str(error)
    assert "example.com.yaml:5:" in str(error)


def test_hints_can_be_the_view_s_own_addresses__semantics_5(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  www: {A: {inside: 192.168.10.20, outside: $wan4}, HTTPS: 1 . alpn=h2 ipv4hint=auto}
"""
    )
    (lan,) = outcome(world, "www.example.com.", "HTTPS", client="lan")
    (internet,) = outcome(world, "www.example.com.", "HTTPS", client="internet")
    assert "192.168.10.20" in lan
    assert "203.0.113.7" in internet


def test_a_literal_hint_that_is_no_address_of_the_target_is_an_error__semantics_5(make: Make) -> None:
    world = make(
        "records:\n  ns1: {A: 203.0.113.53}\n  www: {A: 203.0.113.1, HTTPS: 1 . ipv4hint=203.0.113.2}\n"
    )
    assert "203.0.113.2" in str(world.loaded.faults[from_text("example.com.")][0])


INHERIT = """
records:
  ns1: {A: 203.0.113.53}
  www: {A: {inside: 192.168.10.20, outside: $wan4}, inherit: [TXT, MX]}
"""


def test_an_inherited_type_is_forwarded_where_the_view_recurses__semantics_6(make: Make) -> None:
    def upstream(forward: Forward) -> Reply:
        return Reply(0, (RRset(forward.name, Type.TXT, 300, (b"\x06public",)),))

    world = make(INHERIT, upstream=upstream)
    assert outcome(world, "www.example.com.", "TXT", client="lan") == ['txt "public"']
    assert outcome(world, "www.example.com.", "TXT", client="internet") == "NODATA"
    assert outcome(world, "www.example.com.", "AAAA", client="lan") == "NODATA"


def test_an_acme_challenge_beneath_an_owned_name_is_inherited__semantics_6(make: Make) -> None:
    def upstream(forward: Forward) -> Reply:
        return Reply(0, (RRset(forward.name, Type.TXT, 300, (b"\x05token",)),))

    world = make(HOSTS, upstream=upstream)
    for name in ("_acme-challenge.www", "_acme-challenge.x.apps", "_acme-challenge"):
        assert outcome(world, f"{name}.example.com.", "TXT", client="lan") == ['txt "token"']
    assert outcome(world, "_acme-challenge.nothing.example.com.", "TXT", client="lan") == "NXDOMAIN"


def test_precedence_the_longest_domain_decides__semantics_7(make: Make) -> None:
    config = SPLIT_CONFIG + "  - {domains: [corp.example.com], upstreams: [192.0.2.54]}\n"
    world = make(HOSTS, config=config)
    assert outcome(world, "db.corp.example.com.", client="lan") == ["a 198.51.100.200"]
    assert [upstream.host for upstream in world.forwarder.asked[-1].upstreams.upstreams] == ["192.0.2.54"]
    assert outcome(world, "db.example.com.", client="lan") == "NXDOMAIN"
    assert outcome(world, "db.corp.example.com.", client="internet") == "NXDOMAIN"


def test_exact_beats_wildcard_beats_regexp_beats_forwarding__semantics_7(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "myserver.example.com.", client="lan") == ["a 192.168.10.50"]
    assert outcome(world, "www.myserver.example.com.", client="internet") == ["a 203.0.113.7"]
    assert outcome(world, "x.apps.example.com.", client="lan") == ["a 192.168.10.21"]


def test_rd_0_for_a_name_that_is_not_ours_and_transfers_are_refused__semantics_7(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "www.example.net.", client="lan", rd=False) == "REFUSED"
    for rdtype in ("AXFR", "IXFR"):
        query = dns.message.make_query("example.com.", "A").to_wire()
        at = len(query) - 4
        wire = query[:at] + dns.rdatatype.from_text(rdtype).to_bytes(2, "big") + query[at + 2 :]
        answer = world.ask_bytes(wire, "192.168.1.9")
        assert answer is not None
        assert answer[3] & 0xF == dns.rcode.REFUSED


def test_regexps_see_the_lower_case_name_relative_to_the_zone__semantics_8(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  x.ent: {A: 203.0.113.1}
  "~^host[0-9]+$": {A: 203.0.113.60}
  "~^(host1|ent|y\\\\.ent)$": {A: 203.0.113.61}
"""
    )
    assert outcome(world, "HOST12.example.com.") == ["a 203.0.113.60"]
    assert outcome(world, "host1.example.com.") == ["a 203.0.113.60"]  # the first in file order wins
    assert outcome(world, "ent.example.com.") == "NODATA"  # no power at an empty non-terminal
    assert outcome(world, "y.ent.example.com.") == ["a 203.0.113.61"]


def test_a_view_takes_the_whole_zone_of_its_first_horizon_with_a_file__semantics_9(make: Make) -> None:
    head = "$TTL 300\n@ IN SOA ns1 h 1 3600 900 604800 60\n@ IN NS ns1\nns1 IN A 203.0.113.53\n"
    world = make(
        **{
            "example__org@inside__zone": head + "www IN A 192.168.5.5\n",
            "example__org@outside__zone": head + "www IN A 203.0.113.5\nonly IN A 203.0.113.6\n",
        }
    )
    assert outcome(world, "www.example.org.", client="vpn") == ["a 192.168.5.5"]
    assert outcome(world, "www.example.org.", client="internet") == ["a 203.0.113.5"]
    assert outcome(world, "only.example.org.", client="lan") == "NXDOMAIN"  # files never merge


def test_views_in_a_zone_limit_it__semantics_9(make: Make) -> None:
    world = make("views: [lan]\nrecords:\n  ns1: {A: 192.168.1.53}\n  www: {A: 192.168.1.1}\n")
    assert outcome(world, "www.example.com.", client="lan") == ["a 192.168.1.1"]
    assert outcome(world, "www.example.com.", client="vpn") == ["a 198.51.100.200"]
    assert outcome(world, "www.example.com.", client="internet") == "REFUSED"


def test_a_broken_zone_is_servfail_and_takes_no_other_down__semantics_9(make: Make) -> None:
    world = make(HOSTS, example__net__yaml="zone: example.net\nrecords: [\n")
    broken = world.ask("www.example.net.", client="lan", use_edns=0)
    assert broken.rcode() == dns.rcode.SERVFAIL
    assert edes(broken)
    assert outcome(world, "www.example.com.", client="lan") == ["a 192.168.10.20"]
    assert all(isinstance(error, InputError) for error in world.loaded.faults[from_text("example.net.")])


def test_the_soa_is_made__semantics_10(make: Make) -> None:
    world = make(HOSTS)
    serials = set()
    for client in ("lan", "internet"):
        (soa,) = world.ask("example.com.", "SOA", client=client).answer
        assert soa[0].mname.to_text() == "ns1.example.com."
        assert soa[0].rname.to_text() == "hostmaster.example.com."
        assert (soa[0].refresh, soa[0].retry, soa[0].expire, soa[0].minimum) == (3600, 900, 604800, 60)
        serials.add(soa[0].serial)
    assert len(serials) == 1


@pytest.mark.parametrize(
    ("name", "client", "ttl_s"),
    [
        ("www", "lan", 60),
        ("www", "internet", 60),
        ("plain", "internet", 3600),
        ("x.apps", "lan", 60),
        ("myserver", "lan", 300),  # its own TTL
    ],
)
def test_names_that_differ_have_short_ttls__semantics_11(
    make: Make, name: str, client: str, ttl_s: int
) -> None:
    world = make("ttl: 1h\n" + HOSTS)
    assert world.ask(f"{name}.example.com.", client=client).answer[0].ttl == ttl_s


def test_negative_answers_of_names_that_differ_are_short_too__semantics_11(make: Make) -> None:
    world = make("soa: {minimum: 30m}\nttl: 1h\n" + HOSTS)

    def ttl_s(name: str) -> int:
        return world.ask(f"{name}.example.com.", "TXT", client="internet").authority[0].ttl

    assert ttl_s("plain") == 1800
    assert ttl_s("nothing") == 1800
    assert ttl_s("www") == 60
    assert ttl_s("nas") == 60  # exists in other views
    assert ttl_s("x.lab") == 60  # a wildcard of other views


def test_wan_without_a_source_is_an_error_at_its_place__semantics_12(make: Make) -> None:
    config = SPLIT_CONFIG.replace('wan: {ipv4: 203.0.113.7, ipv6: "2001:db8::7"}\n', "")
    world = make(HOSTS, config=config)
    assert "$wan4" in str(world.loaded.faults[from_text("example.com.")][0])


def test_ptr_records_are_made_in_the_views_that_see_the_address__semantics_13(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "30.10.168.192.in-addr.arpa.", "PTR", client="lan") == ["ptr nas.example.com."]
    assert outcome(world, "20.0.8.10.in-addr.arpa.", "PTR", client="vpn") == ["ptr www.example.com."]
    assert outcome(world, "30.10.168.192.in-addr.arpa.", "PTR", client="internet") == "REFUSED"
    assert outcome(world, "99.10.168.192.in-addr.arpa.", "PTR", client="lan") == "NXDOMAIN"
    six = from_text("0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.d.f.ip6.arpa.")
    assert six  # the address fd00:10::20, written by hand below
    reverse = "0.2.0.0." + "0.0.0.0." * 5 + "0.1.0.0.0.0.d.f.ip6.arpa."
    assert outcome(world, reverse, "PTR", client="lan") == ["ptr www.example.com."]


def test_ptr_records_can_be_declared_and_declined__semantics_13(make: Make) -> None:
    world = make(
        """
records:
  ns1: {A: 203.0.113.53}
  first: {A: {inside: 192.168.7.7}, ptr: false}
  second: {A: {inside: 192.168.7.7}}
  third: {A: {inside: 192.168.7.8}}
  fourth: {A: {inside: 192.168.7.8}, ptr: true}
"""
    )
    assert outcome(world, "7.7.168.192.in-addr.arpa.", "PTR") == ["ptr second.example.com."]
    assert outcome(world, "8.7.168.192.in-addr.arpa.", "PTR") == ["ptr fourth.example.com."]


def test_a_declared_reverse_zone_beats_automatic_ptrs__semantics_13(make: Make) -> None:
    world = make(
        HOSTS,
        **{"168__192__in-addr__arpa__yaml": "zone: 168.192.in-addr.arpa\nns: [ns1.example.com.]\n"
           "records:\n  30.10: {PTR: box.example.com.}\n"},
    )  # fmt: skip
    assert outcome(world, "30.10.168.192.in-addr.arpa.", "PTR") == ["ptr box.example.com."]


def test_local_names_beat_what_upstreams_say_at_every_hop__semantics_14(make: Make) -> None:
    def upstream(forward: Forward) -> Reply:
        ours = wire_from_text("www.example.com.")
        return Reply(0, (RRset(forward.name, Type.CNAME, 300, (ours,)), a(ours, "203.0.113.66")))

    world = make(HOSTS, upstream=upstream)
    assert outcome(world, "shop.example.net.", client="lan") == ["cname www.example.com.", "a 192.168.10.20"]
    assert outcome(world, "shop.example.net.", client="guest") == ["cname www.example.com.", "a 203.0.113.7"]


def test_remembered_answers_belong_to_their_view__semantics_14(make: Make) -> None:
    world = make(HOSTS)
    for _ in range(2):
        assert outcome(world, "www.example.com.", client="lan") == ["a 192.168.10.20"]
        assert outcome(world, "www.example.com.", client="internet") == ["a 203.0.113.7"]
        assert outcome(world, "www.example.com.", client="vpn") == ["a 10.8.0.20"]


def test_a_hop_of_the_same_upstreams_comes_from_the_same_answer__semantics_15(make: Make) -> None:
    def upstream(forward: Forward) -> Reply:
        cdn = wire_from_text("x.cdn.example.")
        return Reply(0, (RRset(forward.name, Type.CNAME, 300, (cdn,)), a(cdn, "198.51.100.5")))

    world = make(HOSTS, upstream=upstream)
    assert outcome(world, "shop.example.net.", client="lan") == ["cname x.cdn.example.", "a 198.51.100.5"]
    assert len(world.forwarder.asked) == 1


def test_the_hot_key_folds_only_the_name__semantics_18(make: Make) -> None:
    # Type 65 (HTTPS) is the octet of "A": folding it with the name would make it type 97.
    world = make(HOSTS)
    assert outcome(world, "www.example.com.", "HTTPS", client="lan")[0].startswith("https 1 .")
    assert outcome(world, "www.example.com.", "TYPE97", client="lan") == "NODATA"
    mixed = world.ask("wWw.ExAmPlE.cOm.", client="lan")
    again = world.ask("WWW.eXaMpLe.com.", client="lan")
    assert mixed.question[0].name.to_text() == "wWw.ExAmPlE.cOm."
    assert again.answer[0].name.to_text() == "WWW.eXaMpLe.com."


@pytest.mark.parametrize("clients", ["any", "0.0.0.0/0", "203.0.0.0/8", '"2001::/16"'])
def test_recursion_for_the_public_is_an_error__semantics_20(tmp_path: Path, clients: str) -> None:
    view = f"{{clients: [{clients}], horizon: [outside], recursion: true}}"
    config = f"views:\n  open: {view}\nzones: [zones]\n"
    with pytest.raises(ExceptionGroup) as caught:
        World(tmp_path, {}, config)
    assert any("open_resolver" in str(error) for error in caught.value.exceptions)
    assert all(isinstance(error, SplitdnsError) for error in caught.value.exceptions)
    World(tmp_path, {}, config.replace("recursion: true", "recursion: true, open_resolver: true"))


def test_what_an_outside_client_asks_is_never_forwarded__semantics_20(make: Make) -> None:
    world = make(HOSTS)
    assert outcome(world, "www.example.net.", client="internet") == "REFUSED"
    assert world.forwarder.asked == []


def test_an_owner_keeps_the_case_of_the_file_where_the_question_does_not_give_it(make: Make) -> None:
    zone = "$TTL 300\n@ IN SOA NS1 h 1 3600 900 604800 60\n@ IN NS NS1\nNS1 IN A 203.0.113.53\n"
    world = make(example__org__zone=zone)
    (ns,) = world.ask("example.org.", "NS", client="internet").answer
    assert ns[0].target.to_text() == "NS1.example.org."
    assert fold(ns[0].target.to_wire()) == from_text("ns1.example.org.")
