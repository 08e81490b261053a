"""A zone's text says what its entries said."""

from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.entries import Entry, Found
from splitdns.imports.zonetext import ZoneText

HERE = Where("x", 1, 1)


def entry(name: str, value: str = "10.0.0.1", rdtype: str = "A", **more: object) -> Entry:
    return Entry(name, rdtype, value, HERE, **more)  # type: ignore[arg-type]


def lines(zone: ZoneText, *entries: Entry, shared: tuple[str, ...] = ()) -> list[str]:
    found = Found()
    for one in entries:
        zone.add(one, shared, found)
    assert found.left == []
    return zone.text("x").splitlines()[1:]


def test_each_horizon_has_its_values() -> None:
    zone = ZoneText("example.com", "inside")
    entries = (
        entry("www.example.com", horizons=("lan", "vpn")),
        entry("www.example.com", "x.example.net.", "CNAME", horizons=("outside",)),
    )

    assert lines(zone, *entries)[-1] == (
        '  www: {A: {lan: "10.0.0.1", vpn: "10.0.0.1"}, CNAME: {outside: "x.example.net."}}'
    )


def test_a_closed_zone_has_a_name_server_and_perhaps_views() -> None:
    zone = ZoneText("lan", "inside", is_closed=True, views=["home"])

    assert lines(zone) == ["zone: lan", "views: [home]", 'ns: ["localhost."]', "records: {}"]
    assert lines(zone, entry("a.lan", is_open=True))[-1] == '  a: {A: {inside: "10.0.0.1"}}'


def test_an_open_name_inherits_what_it_does_not_have() -> None:
    zone = ZoneText("example.com", "inside")

    text = lines(zone, entry("a.example.com", is_open=True), entry("example.com", is_open=True))
    assert text[-2].startswith('  a: {A: {inside: "10.0.0.1"}, inherit: [AAAA, CAA, ')
    assert text[-1] == '  "@": {A: {inside: "10.0.0.1"}}'  # where it does so by itself


def test_a_ptr_is_asked_for_where_it_would_not_come_by_itself() -> None:
    zone = ZoneText("lan", "inside")

    text = lines(
        zone,
        entry("a.lan", has_ptr=True),
        entry("b.lan", "10.0.0.2", has_ptr=True),
        entry("c.lan", "203.0.113.1", has_ptr=True),
        entry("d.lan", has_ptr=False),
        shared=("10.0.0.1",),
    )
    assert [line.partition("ptr: ")[2] for line in text[-4:]] == ["true}", "", "true}", "false}"]


def test_a_second_alias_is_left_out() -> None:
    zone, found = ZoneText("lan", "inside"), Found()
    for target in ("a.", "b.", "a."):
        zone.add(entry("x.lan", target, "CNAME"), (), found)

    assert [one.message for one in found.left] == ["left out: x.lan has another CNAME, and there is but one"]
