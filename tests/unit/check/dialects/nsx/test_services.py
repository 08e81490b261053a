"""What an edge does beside its rules."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.model import Route, Support
from splitdns.check.sets import Numbers
from tests.check.nsx.edges import device, edge, words

DEFAULT = words("defaultRoute", vnic="0", gatewayAddress="203.0.113.1")


def routing(*parts: str) -> str:
    return words("routing", enabled="true", staticRouting="".join(parts))


def test_static_routes_lead_by_the_interface_told_or_the_router_s_network() -> None:
    route = words("route", network="10.9.0.0/16", nextHop="10.0.0.2")
    found = device(edge(more=routing(DEFAULT, f"<staticRoutes>{route}</staticRoutes>"))).network
    assert found.routes == (
        Route(ip_network("0.0.0.0/0"), "wan", ip_address("203.0.113.1")),
        Route(ip_network("10.9.0.0/16"), "dmz", ip_address("10.0.0.2")),
    )


def test_a_default_route_makes_an_uplink() -> None:
    found = device(edge(more=routing(words("defaultRoute", gatewayAddress="10.0.0.2")))).network
    assert [one.name for one in found.interfaces if one.uplink] == ["wan", "dmz"]


@pytest.mark.parametrize(
    ("route", "message"),
    [
        (words("defaultRoute", gatewayAddress="10.7.0.1"), "expected a router in the network of an inter"),
        (words("defaultRoute", gatewayAddress=""), "expected an address, found nothing"),
    ],
)
def test_routes_that_lead_nowhere_are_mistakes(route: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(edge(more=routing(route)))
    assert message in str(caught.value.exceptions[0])


def test_routes_that_the_edge_learns_are_not_there() -> None:
    found = device(edge(more="<routing><bgp><enabled>true</enabled></bgp></routing>"))
    assert [(note.support, note.name) for note in found.ruleset.notes] == [(Support.WIDENED, "bgp")]


def test_static_leases_are_hosts() -> None:
    web = words("staticBinding", hostname="web", ipAddress="192.168.1.20")
    far = words("staticBinding", hostname="far", ipAddress="10.7.0.1")
    bindings = f"<dhcp><enabled>true</enabled><staticBindings>{web}{far}</staticBindings></dhcp>"
    found = device(edge(more=bindings))
    assert [(one.name, str(one.addresses[0].prefix)) for one in found.hosts] == [("web", "192.168.1.0/24")]
    assert [note.name for note in found.ruleset.notes] == ["staticBinding"]


def test_the_edge_answers_for_the_services_that_it_says_it_runs() -> None:
    more = (
        "<dns><enabled>true</enabled></dns><dhcp><enabled>false</enabled></dhcp>"
        "<sslvpnConfig><enabled>true</enabled><serverSettings><port>8443</port></serverSettings>"
        "</sslvpnConfig>"
    )
    ssh = "<cliSettings><remoteAccess>true</remoteAccess></cliSettings>"
    text = edge(more=more).replace("<features>", f"{ssh}<features>")
    assert device(text).listens == {6: Numbers.of((22, 22), (53, 53), (8443, 8443)), 17: Numbers.one(53)}
    assert device(edge()).listens == {6: Numbers(), 17: Numbers()}


def test_other_services_are_noted_each_as_what_it_is() -> None:
    more = (
        "<syslog><enabled>true</enabled></syslog><ipsec><enabled>true</enabled></ipsec>"
        "<l2Vpn><enabled>true</enabled></l2Vpn><brandNew><enabled>false</enabled></brandNew>"
    )
    notes = {note.name: note.support for note in device(edge(more=more)).ruleset.notes}
    assert notes == {"syslog": Support.IGNORED, "ipsec": Support.REFUSED, "l2Vpn": Support.UNKNOWN}
