"""One name has one owner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.errors import Where
from splitdns.load.declared import DeclaredZone, Exposed, Port
from splitdns.load.join import all_of, join
from splitdns.load.supplies import MAX_NAMES, MAX_PATTERNS, Supplied, Supply
from splitdns.names import from_text, wire_from_text
from splitdns.records import Type
from tests.loading import INTERNET, LAN, VIEWERS, WAN, compiled, read_yaml, records

A, OTHER = bytes([192, 168, 1, 20]), bytes([192, 168, 1, 21])
APEX = from_text("example.org.")


def one(
    name: str, rdata: bytes = A, rdtype: int = Type.A, horizon: str | None = "inside", file: str = "leases"
) -> Supplied:
    owner = wire_from_text(name if name.endswith(".") else f"{name}.example.org.")
    return Supplied(owner, rdtype, rdata, 60, horizon, Where(file, 1))


def supply(*given: Supplied, source: str = "leases", trusted: bool = False) -> Supply:
    return Supply(source, APEX, given, trusted=trusted)


def joined(text: str, *supplies: Supply) -> tuple[DeclaredZone, list[str]]:
    """A zone file after ``supplies`` have joined it, and why names were lost."""
    zone, problems = read_yaml(text)
    assert problems.errors == []
    lost = join([(zone, VIEWERS)], supplies, (from_text("sub.example.org."),))
    return zone, [f"{entry.source}: {entry.reason}" for entry in lost]


def in_view(text: str, view: str, *supplies: Supply) -> dict[str, list[str]]:
    zone, problems = read_yaml(text)
    join([(zone, VIEWERS)], supplies)
    found = records(compiled(zone, problems).zones[view])
    return {name: lines for name, lines in found.items() if name != "@"}


EMPTY = "records: {}"
WITH_WWW = "records: {www: {A: 192.168.1.1}}"


def test_each_view_sees_the_records_of_its_horizons() -> None:
    given = supply(one("a"), one("a", OTHER, horizon="outside"), one("b", horizon=None))
    assert in_view(EMPTY, LAN.name, given) == {"a": ["60 A 192.168.1.20"], "b": ["60 A 192.168.1.20"]}
    assert in_view(EMPTY, INTERNET.name, given) == {"a": ["60 A 192.168.1.21"], "b": ["60 A 192.168.1.20"]}


def test_a_name_of_one_horizon_does_not_exist_in_others_whatever_wildcard_there_is() -> None:
    text = 'records: {"*": {A: 192.168.1.9}}'
    given = supply(one("a"), trusted=True)
    zone, problems = read_yaml(text)
    join([(zone, VIEWERS)], [given])
    node = compiled(zone, problems).zones[INTERNET.name].node(from_text("a.example.org."))
    assert node is not None
    assert not node.exists


def test_what_the_file_declares_is_the_files_with_all_its_types__semantics_31() -> None:
    given = supply(one("WWW", bytes(16), Type.AAAA))
    zone, lost = joined(WITH_WWW, given)
    assert lost == ["leases: the zone file has it (example.org.yaml:2:11)"]
    assert [of.rdtype for of in zone.names[from_text("www.example.org.")].sets] == [Type.A]


def test_the_first_source_that_has_a_name_keeps_it__semantics_31() -> None:
    first, second = supply(one("a"), source="one"), supply(one("A", OTHER), one("b"), source="two")
    zone, lost = joined(EMPTY, first, second)
    assert lost == ["two: one has it"]
    assert zone.names[from_text("a.example.org.")].sets[0].rdatas == (A,)
    assert from_text("b.example.org.") in zone.names


@pytest.mark.parametrize(
    ("text", "given", "reason"),
    [
        (EMPTY, one("www.example.net."), "it is not in example.org."),
        (EMPTY, one("example.org."), "expected a name of its own beneath the zone's"),
        (EMPTY, one("*"), "expected a name of its own beneath the zone's"),
        (EMPTY, one("x.sub"), "it is in another zone, sub.example.org."),
        (EMPTY, one("sub"), "it is in another zone, sub.example.org."),
        (
            "records: {kid: {NS: ns.example.net.}}",
            one("x.kid"),
            "it is beneath kid.example.org., which is delegated or redirected",
        ),
        (EMPTY, one("x", horizon="guests"), "no view of this zone has the horizon 'guests'"),
        (
            'records: {"*": {A: 192.168.1.9}}',
            one("cloud"),
            "a wildcard of the zone answers for it (example.org.yaml:2:11)",
        ),
        (
            "records: {'~^db[0-9]+$': {A: 192.168.1.9}}",
            one("db7"),
            "a regular expression of the zone answers for it",
        ),
        ("records: {a.b: {A: 192.168.1.9}}", one("b"), "names of the zone file are beneath it"),
    ],
)
def test_names_that_are_not_a_sources_are_lost(text: str, given: Supplied, reason: str) -> None:
    zone, lost = joined(text, supply(given))
    assert lost == [f"leases: {reason}"]
    assert zone.variants == frozenset()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('records: {"*": {A: 192.168.1.9}}', "cloud"),
        ("records: {'~^db[0-9]+$': {A: 192.168.1.9}}", "db7"),
        ("records: {a.b: {A: 192.168.1.9}}", "b"),
    ],
)
def test_names_that_an_administrator_chose_come_before_patterns(text: str, name: str) -> None:
    zone, lost = joined(text, supply(one(name), trusted=True))
    assert lost == []
    assert from_text(f"{name}.example.org.") in zone.names


@pytest.mark.parametrize("beside", [one("a"), one("a", from_text("c.example.org."), Type.CNAME)])
def test_an_alias_is_alone(beside: Supplied) -> None:
    alias = one("a", from_text("b.example.org."), Type.CNAME)
    _, lost = joined(EMPTY, supply(alias, beside))
    assert lost == ["leases: an alias has one target, and nothing beside it (RFC 1034 3.6.2)"]


def test_an_administrator_s_source_may_have_the_zone_itself_wildcards_and_patterns() -> None:
    pattern = replace(one("example.org."), pattern="^app[0-9]$")
    given = supply(one("example.org."), one("*.lab"), pattern, trusted=True)

    assert joined(EMPTY, given)[1] == []
    found = in_view(EMPTY, LAN.name, given)
    assert found["*.lab"] == ["60 A 192.168.1.20"]
    zone, problems = read_yaml(EMPTY)
    join([(zone, VIEWERS)], [given])
    (regexp,) = compiled(zone, problems).zones[LAN.name].regexps
    assert regexp.pattern == "^app[0-9]$"
    assert [list(of.rdatas) for of in regexp.node.rrsets] == [[A]]


def test_the_zone_s_own_name_is_the_file_s_if_it_says_anything_of_it() -> None:
    _, lost = joined('records: {"@": {MX: 10 mail}}', supply(one("example.org."), trusted=True))
    assert lost == ["leases: the zone file has it (example.org.yaml:2:11)"]


def test_who_joined_the_network_has_no_name_that_an_administrator_s_pattern_answers_for() -> None:
    pattern = supply(replace(one("example.org."), pattern="^app"), source="containers", trusted=True)
    _, lost = joined(EMPTY, pattern, supply(one("app7"), replace(one("example.org."), pattern="^x")))
    assert lost == [
        "leases: a regular expression of the zone answers for it",
        "leases: expected a name, not a pattern",
    ]


@pytest.mark.parametrize("more", [0, 1])
def test_a_source_has_so_many_patterns_and_the_rest_is_lost(more: int) -> None:
    given = [replace(one("example.org."), pattern=f"^h{i}$") for i in range(MAX_PATTERNS + more)]
    _, lost = joined(EMPTY, supply(*given, trusted=True))
    assert lost == ["leases: expected at most 100 patterns"] * more


def test_the_same_record_twice_is_one_with_the_shorter_ttl() -> None:
    shorter = Supplied(one("a").owner, Type.A, A, 30, "inside", Where("leases", 2))
    assert in_view(EMPTY, LAN.name, supply(one("a"), shorter)) == {"a": ["30 A 192.168.1.20"]}


@pytest.mark.parametrize("more", [0, 1])
def test_a_source_has_so_many_names_and_the_rest_is_lost(more: int) -> None:
    _, lost = joined(EMPTY, supply(*(one(f"h{i}") for i in range(MAX_NAMES + more))))
    assert lost == ["leases: expected at most 10,000 names"] * more


def test_a_record_knows_where_it_comes_from() -> None:
    zone, _ = joined(EMPTY, supply(one("a", file="docker: container web")))
    (declared,) = zone.names[from_text("a.example.org.")].sets
    assert str(zone.where(declared.at)) == "docker: container web:1"


def test_a_value_may_be_the_network_s_public_address() -> None:
    outside = replace(one("a", horizon="outside"), wan=True)
    zone, problems = read_yaml(EMPTY)
    join([(zone, VIEWERS)], [supply(one("a"), outside)], (), WAN)
    assert zone.wan
    made = compiled(zone, problems)
    assert records(made.zones[INTERNET.name])["a"] == ["60 A 203.0.113.7"]
    assert records(made.zones[LAN.name])["a"] == ["60 A 192.168.1.20"]


def test_a_public_address_that_nobody_knows_is_declared_and_empty() -> None:
    zone, _ = read_yaml(EMPTY)
    join([(zone, VIEWERS)], [supply(replace(one("a"), wan=True))], (), {"$wan4": None})
    assert zone.names[from_text("a.example.org.")].sets[0].rdatas == ()


def test_what_a_source_exposes_is_the_names() -> None:
    exposed = Exposed(Port("tcp", 443, 443), Port("tcp", 8443, 8443), Where("docker: container a"))
    given = replace(supply(one("a"), one("b")), exposed={from_text("a.example.org."): (exposed,)})
    zone, problems = read_yaml(EMPTY)
    join([(zone, VIEWERS)], [given])
    (service,) = compiled(zone, problems).services
    assert (service.owner, service.exposed) == (wire_from_text("a.example.org."), (exposed,))


def test_all_of_them_may_be_lost_at_once() -> None:
    lost = all_of([supply(one("a"), one("A"), one("b"))], "why")
    assert [str(entry.caution) for entry in lost] == [
        "leases:1: warning: a.example.org. of leases is left out: why",
        "leases:1: warning: b.example.org. of leases is left out: why",
    ]
