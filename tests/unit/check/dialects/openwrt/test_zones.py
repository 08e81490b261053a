"""Zones and defaults."""

from __future__ import annotations

from splitdns.check.dialects.openwrt.uci import read
from splitdns.check.dialects.openwrt.zones import Zone, read_defaults, read_zones
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Addresses, Interfaces, Note, Side
from tests.check.gateways import addresses
from tests.check.openwrt.routers import DEFAULTS, section, zone


def zones(*texts: str, notes: list[Note] | None = None) -> dict[str, Zone]:
    notes = [] if notes is None else notes
    sections = read([Printed("".join(texts), "firewall")])
    return read_zones(sections, {}, read_defaults(sections, notes), notes)


def test_a_zone_is_met_by_its_devices() -> None:
    it = zones(section("zone", name="it", device=["eth1", "wg+", "!wg9"], input="ACCEPT"))["it"]

    met = [conditions for _, conditions in it.met(Side.SOURCE)]
    not_nine = Interfaces(Side.SOURCE, frozenset({"wg9"}), negated=True)
    assert met == [
        (Interfaces(Side.SOURCE, frozenset({"wg*"})), not_nine),
        (Interfaces(Side.SOURCE, frozenset({"eth1"})), not_nine),
    ]
    assert (it.input, it.output, it.forward) == ("accept", "drop", "drop")


def test_a_zone_of_subnets_is_met_by_family() -> None:
    it = zones(section("zone", name="it", subnet=["10.0.0.0/8", "fd00::/8"]))["it"]

    assert list(it.met(Side.DESTINATION)) == [
        (frozenset({4}), (Addresses(Side.DESTINATION, addresses("10.0.0.0/8")),)),
        (frozenset({6}), (Addresses(Side.DESTINATION, addresses("fd00::/8")),)),
    ]


def test_policies_are_those_of_the_defaults_where_a_zone_says_none() -> None:
    it = zones(DEFAULTS, section("zone", name="it"))["it"]

    assert (it.input, it.output, it.forward) == ("reject", "accept", "reject")
    assert list(it.met(Side.SOURCE)) == []


def test_what_fw4_leaves_out_is_noted() -> None:
    notes: list[Note] = []
    found = zones(
        section("zone", name="a b"),
        section("zone", input="ACCEPT"),
        section("zone", name="off", enabled="0"),
        zone("lan"),
        zone("lan"),
        section("defaults"),
        section("defaults"),
        notes=notes,
    )

    left_out = "fw4 leaves it out:"
    assert list(found) == ["lan"]
    assert [(one.support.value, one.reason) for one in notes if "network" not in one.name] == [
        ("ignored", "fw4 reads only the first"),
        ("refused", f"{left_out} option name: expected a name of letters, digits, _, . and -, found 'a b'"),
        ("refused", f"{left_out} option name is missing"),
        ("ignored", "it is disabled"),
        ("refused", "a second zone called lan is not loaded"),
    ]


def test_defaults_that_fw4_does_not_take_are_refused() -> None:
    notes: list[Note] = []
    sections = read([Printed(section("defaults", input="MAYBE"), "firewall")])

    assert read_defaults(sections, notes).input == "drop"
    assert [one.support.value for one in notes] == ["refused"]
