"""Gateways for tests of the walk, in a few words: interfaces, rules, hosts, clients, questions.

The usual one has a LAN, a DMZ and an uplink, with a web server on the LAN and one in the DMZ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    Chain,
    Clients,
    Condition,
    Drop,
    Gateway,
    Hook,
    Host,
    Interface,
    InterfaceAddress,
    Interfaces,
    Kind,
    Masquerade,
    Network,
    Origin,
    Ports,
    Protocols,
    Rule,
    Ruleset,
    Side,
    State,
    States,
    Translate,
)
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.verdict import Outcome, Question, Result
from splitdns.check.walk import walk
from splitdns.errors import Where

TCP, UDP, ICMP = 6, 17, 1
PUBLIC = "203.0.113.2"
WEB, DMZ_WEB = "192.168.1.20", "10.0.0.20"


def addresses(*texts: str) -> Numbers:
    """Of prefixes, single addresses, or ranges with a dash."""
    found = Numbers()
    for text in texts:
        low, dash, high = text.partition("-")
        if dash:
            found |= Numbers.of((int(ip_address(low)), int(ip_address(high))))
        else:
            found |= numbers_of(ip_network(text))
    return found


def own(text: str, dynamic: bool = False) -> InterfaceAddress:
    one = ip_interface(text)
    return InterfaceAddress(one.ip, one.network, dynamic)


def interface(name: str, *texts: str, rp_filter: int | None = 0, **more: object) -> Interface:
    return Interface(name, tuple(map(own, texts)), rp_filter=rp_filter, **more)  # type: ignore[arg-type]


LAN = interface("lan", "192.168.1.1/24")
DMZ = interface("dmz", "10.0.0.1/24")
WAN = interface("wan", f"{PUBLIC}/24", uplink=True)


def network(*interfaces: Interface, **more: object) -> Network:
    return Network(interfaces or (LAN, DMZ, WAN), **more)  # type: ignore[arg-type]


def host(name: str, *texts: str, **more: object) -> Host:
    return Host(name, tuple(map(own, texts)), **more)  # type: ignore[arg-type]


WEB_HOST = host("web", f"{WEB}/24")
DMZ_HOST = host("dmz-web", f"{DMZ_WEB}/24")


# --- Rules --------------------------------------------------------------------------------------------------


def rule(action: Action, *conditions: Condition) -> Rule:
    return Rule(conditions, action, Origin(Where("rules", 1, 1)))


def to(*texts: str) -> Condition:
    return Addresses(Side.DESTINATION, addresses(*texts))


def source(*texts: str) -> Condition:
    return Addresses(Side.SOURCE, addresses(*texts))


def port(*numbers: int) -> Condition:
    return Ports(Side.DESTINATION, Numbers.of(*((one, one) for one in numbers)))


def proto(*numbers: int) -> Condition:
    return Protocols(Numbers.of(*((one, one) for one in numbers)))


def came(*names: str) -> Condition:
    return Interfaces(Side.SOURCE, frozenset(names))


def leaves(*names: str) -> Condition:
    return Interfaces(Side.DESTINATION, frozenset(names))


def state(*states: State) -> Condition:
    return States(frozenset(states))


def dnat(target: str | None = None, ports: int | None = None) -> Translate:
    return Translate(
        Side.DESTINATION,
        None if target is None else addresses(target),
        None if ports is None else Numbers.one(ports),
    )


def snat(target: str) -> Translate:
    return Translate(Side.SOURCE, addresses(target))


def prerouting(*rules: Rule, table: str = "nat", priority: int = -100) -> Chain:
    return Chain(table, "prerouting", rules, Hook.PREROUTING, priority, is_nat=True)


def postrouting(*rules: Rule, table: str = "nat") -> Chain:
    return Chain(table, "postrouting", rules, Hook.POSTROUTING, 100, is_nat=True)


def filtering(
    hook: Hook, *rules: Rule, accepts: bool = True, priority: int = 0, table: str = "filter"
) -> Chain:
    return Chain(table, f"{hook.value}{priority}", rules, hook, priority, accepts=accepts)


FORWARD_443 = prerouting(rule(dnat(WEB), to(PUBLIC), proto(TCP), port(443)))
HAIRPIN = rule(Masquerade(), source("192.168.1.0/24"), to(WEB))
ESTABLISHED = rule(Accept(), state(State.ESTABLISHED, State.RELATED))
DROP_INVALID = rule(Drop(), state(State.INVALID))


def gateway(*chains: Chain, hosts: Iterable[Host] = (WEB_HOST, DMZ_HOST), **more: object) -> Gateway:
    """With the usual network unless ``network`` is given."""
    around = more.pop("network", None) or network()
    return Gateway(around, Ruleset(chains), tuple(hosts), **more)  # type: ignore[arg-type]


# --- Clients and questions ----------------------------------------------------------------------------------


def clients(name: str, kind: Kind, where: str | None, *texts: str, near: str = "", **more: object) -> Clients:
    reached = addresses(near) if near else None
    return Clients(name, kind, 4, addresses(*texts), where, reached, **more)  # type: ignore[arg-type]


LAN_CLIENT = clients("lan", Kind.NETWORK, "lan", "192.168.1.50", near="192.168.1.0/24")
DMZ_CLIENT = clients("dmz", Kind.NETWORK, "dmz", "10.0.0.50", near="10.0.0.0/24")
INTERNET = clients("internet", Kind.INTERNET, "wan", "198.51.100.9")
ITSELF = clients("gateway", Kind.GATEWAY, None, "192.168.1.1")
SERVER = clients("server", Kind.HOST, "lan", WEB, near="192.168.1.0/24", host="web")


def question(
    *who: Clients, at: str = PUBLIC, protocol: int | Numbers = TCP, ports: int | Numbers = 443
) -> Question:
    return Question(
        who,
        who[0].family,
        addresses(at),
        Numbers.one(protocol) if isinstance(protocol, int) else protocol,
        Numbers.one(ports) if isinstance(ports, int) else ports,
    )


def asked(to: Gateway, who: Clients, **more: object) -> Result:
    """The only result of a question by one client."""
    results = walk(to, question(who, **more))  # type: ignore[arg-type]
    assert len(results) == 1, results
    return results[0]


def ended(to: Gateway, who: Clients, **more: object) -> str:
    """Its verdict, and whom it reached, where that is known: ``ok-dnat web``."""
    result = asked(to, who, **more)
    endpoint = result.outcomes[0].endpoint if len(result.outcomes) == 1 else None
    name = "" if endpoint is None or not endpoint.host else f" {endpoint.host}"
    return f"{result.verdict.value}{name if result.verdict.works else ''}"


def outcomes(result: Result) -> Sequence[str]:
    """All verdicts, sorted."""
    return sorted(one.verdict.value for one in result.outcomes)


def wheres(outcome: Outcome) -> list[str]:
    return [stage.where for stage in outcome.stages]
