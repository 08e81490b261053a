from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.dialects import docker_compose, iptables
from splitdns.check.dialects.docker_rules import has_docker, onto
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.model import (
    Accept,
    Chain,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Masquerade,
    Return,
    Ruleset,
    Side,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers, numbers_of

CONTAINER = numbers_of(ip_address("172.18.0.2"))


def made(*ports: str, host: str = "", userland_proxy: bool = True) -> Ruleset:
    listed = "".join(f"      - {port}\n" for port in ports)
    published = docker_compose.read(f"services:\n  web:\n    ports:\n{listed}", "compose.yaml")
    ruleset = iptables.read(host, "rules", family=4, sets=IpSets()) if host else Ruleset()
    return onto([published], ruleset, userland_proxy=userland_proxy)


def chain(ruleset: Ruleset, table: str, name: str) -> Chain:
    (found,) = (one for one in ruleset.chains if (one.table, one.name) == (f"iptables {table}", name))
    return found


def test_docker_translates_what_is_local() -> None:
    ruleset = made("8080:80")

    (jump,) = chain(ruleset, "nat", "PREROUTING").rules
    back, to = chain(ruleset, "nat", "DOCKER").rules
    assert (jump.action, chain(ruleset, "nat", "PREROUTING").hook) == (Jump("DOCKER"), Hook.PREROUTING)
    assert (back.action, to.action) == (Return(), Translate(Side.DESTINATION, CONTAINER, Numbers.one(80)))
    assert to.conditions[0] == Interfaces(Side.SOURCE, frozenset({"br-172.18.0.0"}), negated=True)
    assert to.origin.made_by == "Docker"
    assert to.families == {4}


def test_containers_are_masqueraded_on_their_way_out_and_to_themselves() -> None:
    rules = chain(made("8080:80"), "nat", "POSTROUTING").rules

    assert [rule.action for rule in rules] == [Masquerade(), Masquerade()]


def test_the_filter_admits_what_is_published_and_nothing_else() -> None:
    ruleset = made("8080:80", "8443:443")

    assert [rule.action for rule in chain(ruleset, "filter", "DOCKER").rules] == [Accept(), Accept(), Drop()]
    assert [rule.action for rule in chain(ruleset, "filter", "FORWARD").rules] == [
        Accept(),
        Jump("DOCKER"),
        Accept(),
        Accept(),
    ]


def test_ranges_of_ports_keep_their_order() -> None:
    rule = chain(made("8000-8010:80-90"), "nat", "DOCKER").rules[-1]

    assert rule.action == Translate(Side.DESTINATION, CONTAINER, Numbers.of((80, 90)), base=8000)


def test_a_port_that_docker_chooses_may_be_any() -> None:
    rule = chain(made("80"), "nat", "DOCKER").rules[-1]

    assert any(isinstance(condition, Unknown) for condition in rule.conditions)


def test_only_newer_dockers_drop_what_goes_to_a_container_s_own_address() -> None:
    (rule,) = chain(made("8080:80"), "raw", "PREROUTING").rules

    assert rule.action == Drop()
    assert isinstance(rule.conditions[-1], Unknown)


def test_without_the_proxy_containers_meet_the_rules_too() -> None:
    ruleset = made("8080:80", userland_proxy=False)

    (to,) = chain(ruleset, "nat", "DOCKER").rules
    assert isinstance(to.action, Translate)
    assert not any(isinstance(condition, Interfaces) for condition in to.conditions)
    assert [rule.action for rule in chain(ruleset, "nat", "POSTROUTING").rules] == [Masquerade()] * 3
    assert len(chain(ruleset, "nat", "OUTPUT").rules[0].conditions) == 1
    assert len(chain(made("8080:80"), "nat", "OUTPUT").rules[0].conditions) == 2


HOST = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -i eth0 -j DROP\nCOMMIT\n"


def test_docker_s_rules_come_before_the_host_s_own() -> None:
    ruleset = made("8080:80", host=HOST)

    forward = chain(ruleset, "filter", "FORWARD")
    assert (forward.rules[-1].action, forward.rules[0].action, forward.accepts) == (Drop(), Accept(), False)
    assert ruleset.rules == 1 + sum(len(one.rules) for one in made("8080:80").chains)


LIVE = "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\nCOMMIT\n"


def test_where_docker_s_own_rules_are_there_nothing_is_added() -> None:
    ruleset = made("8080:80", host=LIVE)

    assert [one.name for one in ruleset.chains] == ["PREROUTING", "DOCKER"]
    assert has_docker(ruleset)
    assert ruleset.notes  # what the files told stays noted
    assert has_docker(Ruleset((Chain("nft ip docker-bridges", "nat-prerouting", ()),)))


def test_networks_are_kept_apart() -> None:
    text = """\
services: {a: {networks: [front]}, b: {networks: [back]}, c: {networks: [inside]}}
networks: {front: {}, back: {}, inside: {internal: true}}
"""
    ruleset = onto([docker_compose.read(text, "compose.yaml")], Ruleset())

    rules = chain(ruleset, "filter", "FORWARD").rules
    apart = {rule.conditions for rule in rules[:3]}
    assert {rule.action for rule in rules[:3]} == {Drop()}
    assert (
        Interfaces(Side.SOURCE, frozenset({"br-172.18.0.0"})),
        Interfaces(Side.DESTINATION, frozenset({"br-172.19.0.0", "br-172.20.0.0"})),
    ) in apart
    inside = [rule for rule in rules[3:] if rule.action == Drop()]
    assert len(inside) == 2


@pytest.mark.parametrize("family", [4, 6])
def test_each_family_has_its_own_tables(family: int) -> None:
    text = """\
services: {web: {ports: ["8080:80"]}}
networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: "2001:db8::/64"}]}}}
"""
    ruleset = onto([docker_compose.read(text, "compose.yaml")], Ruleset())

    tool = "iptables" if family == 4 else "ip6tables"
    tables = {one.table for one in ruleset.chains if one.families == {family}}
    assert tables == {f"{tool} nat", f"{tool} filter", f"{tool} raw"}
