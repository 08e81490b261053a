from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.cuts import Cuts
from splitdns.check.flows import DESTINATION, WHO, Flow, start
from splitdns.check.model import Network, PolicyRule, Route
from splitdns.check.sets import NONE, Numbers
from splitdns.check.sources import Sources, link
from splitdns.check.terrain import Terrain
from tests.check.gateways import DMZ, INTERNET, LAN, LAN_CLIENT, WAN, addresses, interface, network


def sent(to: str, sources: str = "192.168.1.50", came: str = "lan", mark: int = 0) -> Flow:
    from dataclasses import replace

    who = Sources([replace(LAN_CLIENT, numbers=addresses(sources))], Cuts(()))
    fields = addresses(to), Numbers.one(6), Numbers.one(40_000), Numbers.one(443)
    return start(who, who.everyone, fields, link(came))._replace(incoming=link(came), mark=mark)


def ways(around: Network, some: Flow) -> dict[str, str]:
    """By destination: the kind of the route, and the interface."""
    return {
        str(ip_address(part.values[DESTINATION].first)): f"{kind} {part.outgoing and part.outgoing[0][0]}"
        for part, kind in Terrain(around, 4).routed(some)
    }


def route(prefix: str, name: str | None = None, via: str | None = None, **more: object) -> Route:
    return Route(ip_network(prefix), name, None if via is None else ip_address(via), **more)  # type: ignore[arg-type]


def test_any_address_of_the_gateway_is_local_on_every_interface() -> None:
    assert ways(network(), sent("203.0.113.2")) == {"203.0.113.2": "local lo"}
    assert ways(network(), sent("10.0.0.1", came="wan")) == {"10.0.0.1": "local lo"}


def test_connected_networks_and_the_uplink_are_routes_where_none_are_listed() -> None:
    assert ways(network(), sent("10.0.0.20")) == {"10.0.0.20": "unicast dmz"}
    assert ways(network(), sent("198.51.100.9")) == {"198.51.100.9": "unicast wan"}
    listed = network(routes=(route("192.168.1.0/24", "lan"),))
    assert ways(listed, sent("10.0.0.20")) == {"10.0.0.20": "unreachable "}


def test_the_longest_prefix_decides_then_the_metric() -> None:
    around = network(
        routes=(
            route("192.168.1.0/24", "lan"),
            route("10.0.0.0/8", "wan", metric=5),
            route("10.0.0.0/8", "dmz", metric=1),
            route("10.9.0.0/16", "lan", "192.168.1.9", metric=100),
        )
    )
    assert ways(around, sent("10.1.1.1")) == {"10.1.1.1": "unicast dmz"}
    assert ways(around, sent("10.9.1.1")) == {"10.9.1.1": "unicast lan"}
    (part, _), *_ = Terrain(around, 4).routed(sent("10.9.1.1"))
    assert part.via == int(ip_address("192.168.1.9"))


def test_equal_routes_may_each_be_taken() -> None:
    defaults = route("0.0.0.0/0", "wan"), route("0.0.0.0/0", "dmz")
    around = network(routes=(route("192.168.1.0/24", "lan"), *defaults))
    found = list(Terrain(around, 4).routed(sent("8.8.8.8")))
    assert {part.outgoing and part.outgoing[0][0] for part, _ in found} == {"wan", "dmz"}
    assert all(part.reasons for part, _ in found)


def test_routes_may_say_no() -> None:
    around = network(
        routes=(
            route("192.168.1.0/24", "lan"),
            route("10.1.0.0/16", kind="blackhole"),
            route("10.2.0.0/16", kind="throw"),
        )
    )
    assert ways(around, sent("10.1.1.1")) == {"10.1.1.1": "blackhole "}
    assert ways(around, sent("10.2.1.1")) == {"10.2.1.1": "unreachable "}


def test_policy_rules_choose_the_table() -> None:
    defaults = route("0.0.0.0/0", "wan"), route("0.0.0.0/0", "dmz", table="100")
    routes = (route("192.168.1.0/24", "lan"), *defaults)
    after = PolicyRule(32_766, "main")

    def by(rule: PolicyRule) -> Network:
        return network(routes=routes, policy=(after, rule))

    by_source = by(PolicyRule(10, "100", source=ip_network("192.168.1.0/25")))
    assert ways(by_source, sent("8.8.8.8")) == {"8.8.8.8": "unicast dmz"}
    assert ways(by_source, sent("8.8.8.8", "192.168.1.200")) == {"8.8.8.8": "unicast wan"}
    by_interface = by(PolicyRule(10, "100", incoming="lan"))
    assert ways(by_interface, sent("8.8.8.8")) == {"8.8.8.8": "unicast dmz"}
    assert ways(by_interface, sent("8.8.8.8", came="wan")) == {"8.8.8.8": "unicast wan"}
    by_mark = by(PolicyRule(10, "100", mark=(1, 0xFF)))
    assert ways(by_mark, sent("8.8.8.8", mark=0x101)) == {"8.8.8.8": "unicast dmz"}
    assert ways(by_mark, sent("8.8.8.8")) == {"8.8.8.8": "unicast wan"}
    by_destination = by(PolicyRule(10, "100", destination=ip_network("9.0.0.0/8")))
    assert ways(by_destination, sent("8.0.0.0/7")) == {"8.0.0.0": "unicast wan", "9.0.0.0": "unicast dmz"}
    unknown = by(PolicyRule(10, "100", unknown="uidrange"))
    assert {part.reasons for part, _ in Terrain(unknown, 4).routed(sent("8.8.8.8"))} == {("uidrange",)}


def passes(around: Network, some: Flow) -> tuple[int, list[str]]:
    passed, refused = Terrain(around, 4).source_check(some)
    return len(passed), [why for _, why in refused]


def test_a_strict_reverse_path_filter_wants_the_route_back_on_the_same_interface() -> None:
    strict = network(interface("lan", "192.168.1.1/24", rp_filter=1), WAN)
    assert passes(strict, sent("8.8.8.8")) == (1, [])
    assert passes(strict, sent("8.8.8.8", "198.51.100.9")) == (0, ["rp_filter of lan"])
    loose = network(interface("lan", "192.168.1.1/24", rp_filter=2), WAN)
    assert passes(loose, sent("8.8.8.8", "198.51.100.9")) == (1, [])
    nowhere = network(interface("lan", "192.168.1.1/24", rp_filter=2))
    assert passes(nowhere, sent("8.8.8.8", "198.51.100.9")) == (0, ["rp_filter of lan"])
    unknown = network(interface("lan", "192.168.1.1/24", rp_filter=None), WAN)
    assert passes(unknown, sent("8.8.8.8", "198.51.100.9")) == (1, ["rp_filter of lan"])
    assert passes(unknown, sent("8.8.8.8")) == (1, [])


def test_sources_that_no_host_has_are_refused() -> None:
    for martian in ("192.168.1.1", "203.0.113.2", "127.0.0.1", "224.0.0.1"):
        count, why = passes(network(), sent("8.8.8.8", martian))
        assert (count, len(why)) == (0, 1), martian


def test_redirect_and_masquerade_take_the_interface_s_own_address() -> None:
    two = interface("lan", "192.168.1.1/24", "192.168.2.1/24")
    terrain = Terrain(network(two, WAN), 4)
    ((_, target),) = terrain.redirect_targets(sent("8.8.8.8"))
    assert target == addresses("192.168.1.1")
    ((_, loopback),) = terrain.redirect_targets(sent("8.8.8.8")._replace(incoming=None))
    assert loopback == addresses("127.0.0.1")
    ((_, none),) = terrain.redirect_targets(sent("8.8.8.8", came="ppp0"))
    assert none is None
    leaving = sent("192.168.2.7")._replace(outgoing=link("lan"))
    ((_, source),) = terrain.masquerade_sources(leaving)
    assert source == addresses("192.168.2.1")
    ((_, first),) = terrain.masquerade_sources(leaving._replace(via=int(ip_address("10.0.0.9"))))
    assert first == addresses("192.168.1.1")


def test_a_masquerade_of_the_gateway_s_own_traffic_to_itself() -> None:
    four = sent("203.0.113.2")._replace(outgoing=link("lo"))
    ((_, first),) = Terrain(network(), 4).masquerade_sources(four)
    assert first == addresses("192.168.1.1")
    terrain = Terrain(network(interface("lan", "fd00::1/64", "fd00::2/64")), 6)
    six = start(Sources((), ()), 0, (addresses("fd00::2"), Numbers(), Numbers(), Numbers()), ())
    ((_, same),) = terrain.masquerade_sources(six._replace(who=-1, outgoing=link("lo")))
    assert same == addresses("fd00::2")
    ((_, outward),) = terrain.masquerade_sources(six._replace(who=-1, outgoing=link("lan")))
    assert outward == addresses("fd00::2")


def test_kinds_of_addresses() -> None:
    terrain = Terrain(network(), 4)
    local = terrain.type_numbers(frozenset({"local"}))
    assert local == addresses("192.168.1.1", "10.0.0.1", "203.0.113.2", "127.0.0.0/8")
    assert terrain.type_numbers(frozenset({"local"}), "lan") == addresses("192.168.1.1")
    assert addresses("192.168.1.255") <= terrain.type_numbers(frozenset({"broadcast"}))
    assert not terrain.type_numbers(frozenset({"unicast"})) & local
    assert terrain.type_numbers(frozenset({"anycast"})) == NONE


def test_clients_on_many_interfaces_stay_together() -> None:
    from tests.check.gateways import DMZ_CLIENT

    who = Sources([LAN_CLIENT, DMZ_CLIENT, INTERNET], Cuts(()))
    fields = addresses("192.168.1.20"), Numbers.one(6), Numbers.one(40_000), Numbers.one(443)
    some = start(who, who.everyone, fields, ())
    reply = some._replace(header=some.header._replace(source=some.header.destination, destination=(WHO, 0)))
    ((whole, kind),) = Terrain(network(LAN, DMZ, WAN), 4).routed(reply)
    assert kind == "unicast"
    assert sorted(whole.outgoing or ()) == [("dmz", 2), ("lan", 1), ("wan", 4)]
