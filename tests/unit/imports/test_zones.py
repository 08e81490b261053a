"""Entries by zone, and what a zone cannot say."""

from __future__ import annotations

import pytest

from splitdns.errors import Where
from splitdns.imports.entries import Entry, Found
from splitdns.imports.service import Rule, Service, ViewPlan
from splitdns.imports.zones import Imported, written
from splitdns.imports.zonetext import MAX_TTL_S

HERE = Where("export.rsc", 1, 1)


def entry(name: str, value: str = "192.0.2.1", rdtype: str = "A", **more: object) -> Entry:
    return Entry(name, rdtype, value, HERE, **more)  # type: ignore[arg-type]


def imported(*entries: Entry, apexes: tuple[str, ...] = (), patterns_first: bool = False) -> Imported:
    return written(Found([*entries], patterns_first=patterns_first), apexes, "inside", "export.rsc")


def records(*entries: Entry) -> list[str]:
    ((_, text),) = imported(*entries).zones.items()
    return text.split("records:\n")[1].splitlines()


@pytest.mark.parametrize(
    ("name", "apex"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("www.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("router.lan", "lan"),
        ("nas", "nas"),
        ("a.lab.example.com", "lab.example.com"),
    ],
)
def test_a_name_is_of_its_domain_or_of_the_zone_that_is_wanted(name: str, apex: str) -> None:
    assert list(imported(entry(name), apexes=("lab.example.com", "com.example")).zones) == [apex]


def test_values_of_a_name_stand_together() -> None:
    assert records(
        entry("www.example.com", ttl_s=300),
        entry("WWW.example.com", "192.0.2.2", ttl_s=300),
        entry("www.example.com", "192.0.2.2"),
        entry("example.com", 'say "hi"', "TXT"),
        entry("example.com", '"quoted', "TXT"),
        entry("_sip._tcp.example.com", "1 2 5060 sip.example.com.", "SRV"),
    ) == [
        '  www: {A: {inside: ["192.0.2.1", "192.0.2.2"]}, ttl: 5m}',
        '  "@": {TXT: {inside: ["say \\"hi\\"", "\\"\\\\\\"quoted\\""]}}',
        '  "_sip._tcp": {SRV: {inside: "1 2 5060 sip.example.com."}}',
    ]


def test_a_name_with_all_beneath_it_is_a_wildcard_too() -> None:
    assert records(entry("apps.example.com", beneath=True), entry("example.com", beneath=True)) == [
        '  apps: {A: {inside: "192.0.2.1"}}',
        '  "*.apps": {A: {inside: "192.0.2.1"}}',
        '  "@": {A: {inside: "192.0.2.1"}}',
        '  "*": {A: {inside: "192.0.2.1"}}',
    ]


def test_a_zone_s_own_name_servers_stand_above_its_records() -> None:
    made = imported(entry("example.com", "ns.example.net.", "NS")).zones["example.com"]

    assert made.splitlines()[2:] == ["mode: overlay", 'ns: ["ns.example.net."]', "records: {}"]


def test_what_a_zone_cannot_say_is_left_and_told() -> None:
    made = imported(
        entry("a.example.com"),
        entry("a.example.com", "b.example.com.", "CNAME"),
        entry("c.example.com", "d.example.com.", "CNAME"),
        entry("c.example.com"),
        entry("example.org", "d.example.com.", "CNAME"),
        entry("x..example.com"),
        entry("(", is_pattern=True),
        entry("^ads", is_pattern=True),
        entry("ads?[.]com$", is_pattern=True),
        entry("[a-z]+e.example.com|b", is_pattern=True),
        entry("t.example.com", ttl_s=300),
        entry("t.example.com", "192.0.2.9", ttl_s=60),
        entry("u.example.com", ttl_s=MAX_TTL_S + 1),
    )

    assert [one.message for one in made.left] == [
        "left out: expected a label, found an empty one in 'x..example.com.'",
        "left out: missing ): (",
        "left out: a.example.com has other records, and a CNAME stands alone",
        "left out: c.example.com has a CNAME, which stands alone",
        "left out: example.org has other records, and a CNAME stands alone",
        "the pattern ^ads is not about the names of one zone",
        "the pattern ads?[.]com$ is not about the names of one zone",
        "the pattern [a-z]+e.example.com|b is not about the names of one zone",
        "t.example.com gets the smallest of its TTLs, 60 s",
    ]
    assert list(made.zones) == ["example.com"]
    assert f"ttl: {MAX_TTL_S}" in made.zones["example.com"]


def test_a_zone_s_own_name_has_what_a_pattern_says_of_it__semantics_8() -> None:
    pattern = entry(r"(^|www\.)example\.com$", is_pattern=True, ttl_s=300)
    apex = entry("example.com", "192.0.2.9")

    own = '  "@": {A: {inside: "192.0.2.%s"}%s}'
    assert records(pattern) == ['  "~www$": {A: {inside: "192.0.2.1"}, ttl: 5m}', own % (1, ", ttl: 5m")]
    assert records(pattern, apex)[-1] == own % (9, "")
    alias = entry(r"^example\.com$", "b.example.org.", "CNAME", is_pattern=True)
    assert [one.message for one in imported(alias).left] == [
        "left out at example.com itself: a CNAME stands alone"
    ]


def test_names_that_a_pattern_took_are_told_where_it_went_first__semantics_8() -> None:
    both = entry(r"(^|www\.)example\.com$", is_pattern=True), entry("WWW.example.com")
    (told,) = imported(*both, patterns_first=True).left

    took = r"was answered by the pattern (^|www\.)example\.com$ (export.rsc:1:1), which went first there"
    assert told.message == f"WWW.example.com {took}; here the name wins"
    assert imported(*both).left == ()


def test_a_zone_with_files_of_its_own_has_files_for_every_horizon__semantics_9() -> None:
    service = Service(masters={"example.com@outside.zone": "x"})
    service.views = {one: ViewPlan([], (one,)) for one in ("inside", "outside")}
    records = [
        entry("a.example.com", ttl_s=60, horizons=("inside",)),
        entry("example.com", 'say "hi"', "TXT", horizons=("inside",)),
        entry("b.example.com", horizons=("outside",)),
    ]
    made = written(Found(records, service=service), (), "inside", "x")

    assert made.files["zones/example.com@inside.zone"].splitlines()[3:] == [
        "a 60 A 192.0.2.1", '@ TXT "say \\"hi\\""',
    ]  # fmt: skip
    assert made.files["zones/example.com@outside.zone"] == "x"
    assert [one.message for one in made.left] == [
        "other names of example.com are not asked for: it is a zone in files",
        "left out: what outside has of example.com beside the zone's own file",
    ]


def test_a_horizon_is_for_zones_without_a_service() -> None:
    service = Service(views={"inside": ViewPlan([], ("inside",))})
    one = entry("a.example.com")

    assert "{vpn: " in written(Found([one]), (), "vpn", "x").zones["example.com"]
    assert "{inside: " in written(Found([one], service=service), (), "vpn", "x").zones["example.com"]


def test_a_name_is_in_the_zone_of_a_domain_that_is_forwarded__semantics_7() -> None:
    service = Service(forward=[Rule("in.example.com", ("10.0.0.1",), HERE), Rule(".", ("9.9.9.9",), HERE)])

    made = written(Found([entry("a.in.example.com"), entry("b.example.com")], service=service), (), "x", "x")

    assert set(made.zones) == {"in.example.com", "example.com"}


def test_reverse_names_of_private_addresses_are_a_zone_unless_they_are_forwarded() -> None:
    pointer = entry("1.2.0.10.in-addr.arpa", "a.example.com.", "PTR")
    forwarded = Service(forward=[Rule("10.in-addr.arpa", ("10.0.0.1",), HERE)])

    def text(service: Service | None) -> str:
        return written(Found([pointer], service=service), (), "inside", "x").zones["10.in-addr.arpa"]

    assert "mode: overlay" not in text(None)
    assert "mode: overlay" in text(forwarded)


def test_a_zone_is_for_the_views_that_have_a_value_in_it() -> None:
    service = Service(views={one: ViewPlan([], (one,)) for one in ("lan", "vpn", "refused")})
    both, lan = entry("a.example.com", horizons=("lan", "vpn")), entry("a.example.org", horizons=("lan",))

    made = written(Found([both, lan], service=service), (), "inside", "x")

    assert "\nviews: [lan, vpn]\n" in made.zones["example.com"]
    assert "\nviews: [lan]\n" in made.zones["example.org"]
