from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.bridges import Bridges
from splitdns.check.model import (
    Accept,
    Chain,
    Clients,
    Drop,
    Gateway,
    Hook,
    HostRoute,
    Interface,
    Kind,
    Masquerade,
    Reject,
    State,
)
from tests.check.gateways import (
    DMZ,
    DMZ_CLIENT,
    DROP_INVALID,
    FORWARD_443,
    INTERNET,
    PUBLIC,
    UDP,
    WAN,
    WEB,
    asked,
    clients,
    ended,
    filtering,
    gateway,
    host,
    interface,
    network,
    outcomes,
    postrouting,
    rule,
    source,
    state,
    to,
)

LAN = "192.168.1.0/24"
DROP_INVALID_ONLY = filtering(Hook.FORWARD, DROP_INVALID)
MASQUERADE = postrouting(rule(Masquerade(), source(LAN)))


def port(name: str, hairpin: bool = False) -> Interface:
    return interface(name, bridge="lan", hairpin=hairpin)


def bridged(
    *chains: Chain, nf: bool | None, server: str | None = "p2", hairpin: bool = False, **more: object
) -> Gateway:
    """A LAN that is a bridge of ports p1 and p2, the web server behind ``server``."""
    faces = interface("lan", "192.168.1.1/24"), port("p1", hairpin), port("p2"), DMZ, WAN
    around = network(*faces, bridge_nf={4: nf, 6: nf})
    web = host("web", f"{WEB}/24", port=server)
    return gateway(*chains, hosts=[web], network=around, **more)


def behind(name: str | None) -> Clients:
    return clients("lan", Kind.NETWORK, "lan", "192.168.1.50", near=LAN, port=name)


@pytest.mark.parametrize(
    ("nf", "server", "dnat_only", "with_masquerade"),
    [
        (True, "p2", "ok-dnat web", "ok-hairpin web"),
        (True, "p1", "dropped", "dropped"),
        (False, "p2", "asym-reply", "ok-hairpin web"),
        (False, "p1", "asym-reply", "ok-hairpin web"),
    ],
)
def test_hairpins_on_a_bridge__semantics_26(
    nf: bool, server: str, dnat_only: str, with_masquerade: str
) -> None:
    assert ended(bridged(FORWARD_443, nf=nf, server=server), behind("p1")) == dnat_only
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=nf, server=server), behind("p1")) == with_masquerade


def test_whether_rules_see_frames_is_read_and_never_assumed__semantics_26() -> None:
    unknown = asked(bridged(FORWARD_443, nf=None), behind("p1"))
    assert outcomes(unknown) == ["asym-reply", "ok-dnat"]
    assert unknown.reasons == ("net.bridge.bridge-nf-call-iptables is not known",)
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=None), behind("p1")) == "ok-hairpin web"


def test_where_the_ports_are_not_known_both_are_possible() -> None:
    unknown = asked(bridged(FORWARD_443, nf=True, server=None), behind("p1"))
    assert outcomes(unknown) == ["dropped", "ok-dnat"]
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=False, server=None), behind(None)) == "ok-hairpin web"


def test_a_port_in_hairpin_mode_sends_frames_back() -> None:
    turning = bridged(FORWARD_443, nf=True, server="p1", hairpin=True)
    assert ended(turning, behind("p1")) == "asym-reply"
    turning = bridged(FORWARD_443, MASQUERADE, nf=True, server="p1", hairpin=True)
    assert ended(turning, behind("p1")) == "ok-hairpin web"


def test_frames_between_ports_meet_the_filter_where_rules_see_them() -> None:
    closed = filtering(Hook.FORWARD, accepts=False)
    assert ended(bridged(closed, nf=True), behind("p1"), at=WEB) == "dropped"
    assert ended(bridged(closed, nf=True, server="p1"), behind("p1"), at=WEB) == "ok-direct web"
    assert ended(bridged(closed, nf=False), behind("p1"), at=WEB) == "ok-direct web"
    assert asked(bridged(closed, nf=None), behind("p1"), at=WEB).verdict.value == "maybe"
    assert ended(bridged(DROP_INVALID_ONLY, nf=True), behind("p1"), at=WEB) == "ok-direct web"
    assert ended(bridged(nf=None, server=None), behind(None), at=WEB) == "ok-direct web"


def test_who_comes_by_another_interface_is_routed_as_ever() -> None:
    assert ended(bridged(FORWARD_443, nf=True), DMZ_CLIENT) == "ok-dnat web"
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=None), DMZ_CLIENT, protocol=UDP) == "router-self"


def test_a_server_that_is_sent_back_to_itself() -> None:
    server = clients("server", Kind.HOST, "lan", WEB, near=LAN, host="web")
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=True), server) == "dropped"
    assert ended(bridged(FORWARD_443, MASQUERADE, nf=False), server) == "ok-hairpin web"


def test_a_frame_is_sent_on_also_where_nothing_is_routed() -> None:
    some = bridged(FORWARD_443, nf=True)
    still = replace(some, network=replace(some.network, forwards={4: False, 6: False}))
    assert ended(still, behind("p1")) == "ok-dnat web"


def test_chains_of_the_bridge_are_widened() -> None:
    own = Chain("nft bridge", "forward", (rule(Drop()),), Hook.FORWARD, bridged=True)
    assert asked(bridged(own, nf=False), behind("p1"), at=WEB).verdict.value == "maybe"
    harmless = replace(own, rules=(rule(Accept()),))
    assert ended(bridged(harmless, nf=False), behind("p1"), at=WEB) == "ok-direct web"


def test_a_port_stands_for_its_bridge() -> None:
    some = Bridges(bridged(nf=True), 4)
    assert [some.routed(name) for name in ("p1", "lan", "dmz")] == ["lan", "lan", "dmz"]
    assert [some.is_bridge(name) for name in ("p1", "lan")] == [False, True]
    by_port = clients("lan", Kind.NETWORK, "p1", "192.168.1.50", near=LAN, port="p1")
    assert ended(bridged(FORWARD_443, nf=False), by_port) == "asym-reply"


def test_the_state_of_frames_is_that_of_their_connection() -> None:
    only_new = filtering(Hook.FORWARD, rule(Accept(), state(State.NEW)), accepts=False)
    assert ended(bridged(only_new, nf=True), behind("p1"), at=WEB) == "dropped"


def test_a_reset_goes_back_as_a_frame_with_nothing_translated() -> None:
    closed = filtering(Hook.FORWARD, rule(Reject(reset=True)))
    assert ended(bridged(FORWARD_443, closed, nf=True), behind("p1")) == "asym-reply"
    assert ended(bridged(FORWARD_443, closed, nf=False), behind("p1")) == "refused"
    assert ended(bridged(closed, nf=True), behind("p1"), at=WEB) == "refused"


def test_a_rule_is_not_asked_about_a_frame_that_has_no_port_to_leave_by() -> None:
    closed = filtering(Hook.FORWARD, rule(Reject()))
    assert ended(bridged(FORWARD_443, closed, nf=True), behind("p1")) == "refused"
    assert ended(bridged(FORWARD_443, closed, nf=True, server="p1"), behind("p1")) == "dropped"


def test_frames_to_a_host_that_is_a_router_meet_the_rules_too() -> None:
    route = HostRoute(ip_network(f"{PUBLIC}/32"), ip_address(WEB))
    clients_with_route = replace(behind("p1"), routes=(route,))
    web = host("web", f"{WEB}/24", f"{PUBLIC}/32", port="p2")
    dropped = filtering(Hook.FORWARD, rule(Drop(), to(PUBLIC)))
    for nf, verdict in ((True, "dropped"), (False, "ok-direct web")):
        one = replace(bridged(dropped, nf=nf), hosts=(web,))
        assert ended(one, clients_with_route) == verdict


def test_a_translated_reply_may_be_put_right_on_its_way_to_another_router() -> None:
    def with_router(nf: bool, port_of_router: str) -> Gateway:
        web = host("web", f"{WEB}/24", port="p2", default_via={4: ip_address("192.168.1.254")})
        router = host("router", "192.168.1.254/24", port=port_of_router)
        return replace(bridged(FORWARD_443, nf=nf), hosts=(web, router))

    assert ended(with_router(nf=False, port_of_router="p1"), INTERNET) == "asym-reply"
    assert ended(with_router(nf=True, port_of_router="p2"), INTERNET) == "asym-reply"
    crossing = asked(with_router(nf=True, port_of_router="p1"), INTERNET)
    assert outcomes(crossing) == ["asym-reply", "no-route", "ok-dnat"]
