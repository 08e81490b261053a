from __future__ import annotations

import pytest

from splitdns.load.cautions import unrouted, unused_horizons
from splitdns.load.machine import RESOLV_CONF, Machine
from splitdns.load.settings import default_settings, read_settings

VIEWS = """\
views:
  lan: {clients: [192.168.0.0/16], horizon: [insde], recursion: true}
  vpn: {clients: [10.8.0.0/24], horizon: [vpn, inside]}
  internet: {clients: [any], horizon: [outside]}
"""
ONE_RULE = "forward: [{domains: [corp.example], upstreams: [192.0.2.53]}]\n"
MACHINE = Machine({RESOLV_CONF: "nameserver 192.0.2.53\n"})


def unrouted_in(text: str, machine: Machine | None = None) -> list[str]:
    return [str(caution) for caution in unrouted(read_settings(text, "f", machine))]


def test_a_view_that_recurses_without_a_rule_for_all_names_is_told() -> None:
    message = "f:2:3: warning: view lan recurses, but no forward rule covers '.': all other names are REFUSED"
    assert unrouted_in(VIEWS + ONE_RULE, MACHINE) == [message]
    (found,) = unrouted_in(ONE_RULE, MACHINE)
    assert found.startswith("f:1:1: warning: view inside recurses, but no forward rule covers '.'")


def test_a_machine_without_resolvers_is_told() -> None:
    (found,) = unrouted_in(VIEWS)
    assert "there is no `forward`, nor a resolver on this machine: all other" in found
    assert [*unrouted(default_settings(MACHINE))] == []
    assert len([*unrouted(default_settings())]) == 1


@pytest.mark.parametrize(
    "forward",
    ["", "forward: []", "forward: [{domains: ['.'], upstreams: [192.0.2.1]}]"],
)
def test_no_rules_at_all_or_one_for_all_names_is_well(forward: str) -> None:
    assert unrouted_in(VIEWS + forward, MACHINE) == []


def unused_in(*used: str, slips_only: bool = False) -> list[str]:
    settings = read_settings(VIEWS, "f")
    return [str(caution) for caution in unused_horizons(settings, used, slips_only=slips_only)]


SLIP = "f:2:46: warning: no zone has a value for the horizon 'insde'; known: {}; is 'inside' meant?"


def test_a_horizon_that_no_zone_has_a_value_for_is_told_at_its_place() -> None:
    assert unused_in("inside", "outside", "vpn") == [SLIP.format("inside, outside, vpn")]
    assert unused_in("dmz") == [
        f"f:{place}: warning: no zone has a value for the horizon {horizon!r}; known: dmz"
        for place, horizon in (("2:46", "insde"), ("3:43", "vpn"), ("3:48", "inside"))
    ]


def test_a_preference_that_no_zone_has_yet_is_well() -> None:
    assert unused_in("inside", "outside") == [SLIP.format("inside, outside")]


def test_a_horizon_in_use_outside_and_all_without_variants_are_well() -> None:
    assert unused_in("insde", "vpn", "inside") == []
    assert unused_in() == []


def test_a_slip_of_a_zone_is_not_taken_for_what_a_view_meant() -> None:
    views = VIEWS.replace("insde", "inside")
    for slips_only in (False, True):
        told = [*unused_horizons(read_settings(views, "f"), {"insdie", "outside"}, slips_only=slips_only)]
        assert [one.message for one in told] == [
            f"no zone has a value for the horizon {horizon!r}; known: insdie, outside"
            for horizon in ("inside", "vpn", "inside")
            if not slips_only
        ]


def test_among_some_zones_only_a_slip_is_told() -> None:
    assert unused_in("inside", slips_only=True) == []  # a view has it, and may mean both
    assert unused_in("dmz", slips_only=True) == []
    (found,) = unused_in("insdee", slips_only=True)[:1]
    assert found.endswith("the horizon 'insde'; known: insdee; is 'insdee' meant?")
