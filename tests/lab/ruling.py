"""Random rules for a drawn network: forwards, what mends hairpins, filters, and what goes wrong with them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.lab.plan import TCP, UDP, Chain, Table
from tests.lab.spell import Iptables, Nftables, Rule, Speller, Then, When

if TYPE_CHECKING:
    from tests.lab.generate import Service, Site

_NAMES = {TCP: "tcp", UDP: "udp"}
_BOTH = ("tcp", "udp")
_INSIDE = "192.168.0.0/16"
_LAN, _DMZ, _VPN, _PUBLIC = "192.168.1.0/24", "10.0.0.0/24", "10.8.0.0/24", "203.0.113.0/28"
_WEB, _MAIL, _APP, _GATEWAY, _NOBODY = (
    "192.168.1.20",
    "192.168.1.21",
    "10.0.0.20",
    "192.168.1.1",
    "192.168.1.99",
)
_MARK = 0x10


@dataclass
class Drawn:
    """Chains by table and name; ``user`` chains are jumped to."""

    rules: dict[tuple[str, str], list[Rule]] = field(default_factory=dict)
    drops: set[str] = field(default_factory=set)  # filter chains with policy drop

    def chain(self, table: str, name: str) -> list[Rule]:
        return self.rules.setdefault((table, name), [])


def ruling(site: Site) -> tuple[tuple[Table, ...], tuple[str, ...], tuple[str, ...]]:
    """Tables, and ip rules and routes beside them, for what has been drawn of ``site``."""
    drawn = Drawn()
    marks = site.likely(0.3)
    _marks(site, drawn, marks)
    _prerouting(site, drawn, marks)
    _postrouting(site, drawn, marks)
    _output_nat(site, drawn)
    _forward(site, drawn, marks)
    _input(site, drawn)
    _output(site, drawn)
    _move_to_chains(site, drawn)
    rules, routes = _policy_routes(site, marks)
    if site.family == 6:
        _let_neighbours_be_found(drawn)
    tables = _nftables(site, drawn) if site.likely(0.6) else _iptables(site, drawn)
    return tables, rules, routes


# --- Forwards -----------------------------------------------------------------------------------------------


def _prerouting(site: Site, drawn: Drawn, marks: bool) -> None:
    chain = drawn.chain("nat", "prerouting")
    for service in site.services:
        if site.likely(0.85):
            chain.append(_forwarding(site, service, marks))
    if site.likely(0.2):  # a redirect of all questions to the gateway's own resolver
        incoming = site.random.choice(("", *site.inside))
        destination = {} if site.likely(0.5) else {"destinations": (_GATEWAY,), "not_destination": True}
        when = When(incoming=incoming, protocols=_BOTH, ports=("53",), **destination)  # type: ignore[arg-type]
        chain.insert(site.random.randrange(len(chain) + 1), Rule(when, Then("redirect")))
    if site.likely(0.12):
        target = Then("redirect", port=site.random.choice(("80", "443", "9999")))
        chain.append(Rule(When(protocols=("tcp",), ports=("8000-8100",), to_router=True), target))
    if site.likely(0.25):
        public, inside = ("203.0.113.3", _WEB) if site.likely(0.5) else ("203.0.113.0/29", "192.168.1.16/29")
        chain.append(Rule(When(), Then("netmap", f"{public} {inside}")))
    if site.likely(0.2):  # an exception before it all
        source = site.random.choice((_LAN, _VPN, "192.168.1.100", "192.168.1.64-192.168.1.127"))
        chain.insert(0, Rule(When(sources=(source,), destinations=(_PUBLIC,)), Then("accept")))
    if site.likely(0.1):
        port = site.random.choice(("80", "443", "53"))
        rule = Rule(When(protocols=_BOTH, ports=(port,)), Then("dnat", site.random.choice((_MAIL, _WEB))))
        chain.append(rule)


def _forwarding(site: Site, service: Service, marks: bool) -> Rule:
    draw = site.random
    protocols = (_NAMES[service.protocol],) if site.likely(0.85) else _BOTH
    when = When(protocols=protocols, ports=(str(service.port),))
    match draw.randrange(6):
        case 0:
            when = replace(when, ports=(str(service.port), "9000-9010"))
        case 1:
            when = replace(when, ports=(f"{service.port}-{service.port + draw.randrange(3)}",))
    match draw.randrange(8):
        case 0 | 1 | 2:
            when = replace(when, destinations=(service.public,))
        case 3:
            when = replace(when, destinations=(service.public,), incoming="wan0")
        case 4:
            when = replace(when, incoming="wan0")
        case 5:
            when = replace(when, to_router=True)
            if site.likely(0.4):
                when = replace(when, destinations=(_GATEWAY,), not_destination=True)
        case 6:
            destinations = draw.choice((("203.0.113.2-203.0.113.5",), (service.public, "203.0.113.9")))
            when = replace(when, destinations=destinations, named=site.likely(0.5))
        case 7:
            when = replace(when, destinations=(_PUBLIC,), incoming=site.lan, not_incoming=True)
    if site.likely(0.1):
        when = replace(when, sources=(draw.choice((_LAN, _INSIDE, _VPN)),), not_source=True)
    if marks and site.likely(0.2):
        when = replace(when, mark=_MARK)
    to, port = service.inside, service.inside_port
    if site.likely(0.08):
        to = draw.choice((_WEB, _MAIL, _APP, _NOBODY, "192.168.2.100"))
    if site.likely(0.08):
        port += 1
    spelled = str(port) if port != service.port or site.likely(0.3) else ""
    return Rule(when, Then("dnat", to, spelled))


# --- Sources ------------------------------------------------------------------------------------------------


def _postrouting(site: Site, drawn: Drawn, marks: bool) -> None:
    chain = drawn.chain("nat", "postrouting")
    if site.likely(0.15):
        source, destination = site.random.choice(((_LAN, _LAN), (_VPN, _LAN), (_LAN, _DMZ)))
        chain.append(Rule(When(sources=(source,), destinations=(destination,)), Then("accept")))
    for service in site.services:
        if site.likely(0.3):
            chain.append(_hairpin(site, service))
    if site.likely(0.25):
        chain.append(Rule(When(incoming="", outgoing=site.lan, sources=(_LAN,)), Then("masquerade")))
    if site.likely(0.1):
        chain.append(Rule(When(translated=True, outgoing=site.lan), Then("masquerade")))
    if site.likely(0.1):
        address = site.random.choice((_GATEWAY, "203.0.113.2", "192.168.1.2"))
        when = When(sources=(_VPN, "192.168.2.0/24"), named=site.likely(0.5))
        chain.append(Rule(when, Then("snat", address)))
    if marks and site.likely(0.3):
        chain.append(Rule(When(mark=_MARK), Then("masquerade")))
    if site.likely(0.85):
        when = When(outgoing="wan0")
        if site.likely(0.4):
            when = replace(when, sources=(site.random.choice((_LAN, _INSIDE)),))
        chain.append(Rule(when, Then("masquerade") if site.likely(0.7) else Then("snat", "203.0.113.2")))
    if site.likely(0.06):
        chain.append(Rule(When(), Then("masquerade")))
    if site.likely(0.05):
        chain.append(Rule(When(outgoing="wan0", not_outgoing=True), Then("masquerade")))


def _hairpin(site: Site, service: Service) -> Rule:
    when = When(sources=(_LAN,), destinations=(service.inside,))
    if site.likely(0.6):
        when = replace(when, protocols=(_NAMES[service.protocol],), ports=(str(service.inside_port),))
    if site.likely(0.15):
        when = replace(when, sources=("192.168.1.64-192.168.1.127",))
    if site.likely(0.1):
        when = replace(when, sources=(service.inside,), not_source=True)
    if site.likely(0.3):
        when = replace(when, outgoing=site.lan)
    return Rule(when, Then("masquerade") if site.likely(0.7) else Then("snat", _GATEWAY))


def _output_nat(site: Site, drawn: Drawn) -> None:
    if not site.services or not site.likely(0.25):
        return
    chain = drawn.chain("nat", "output")
    for service in site.services[:2]:
        when = When(
            destinations=(service.public,),
            protocols=(_NAMES[service.protocol],),
            ports=(str(service.port),),
        )
        chain.append(Rule(when, Then("dnat", service.inside, str(service.inside_port))))


# --- Filters ------------------------------------------------------------------------------------------------


def _forward(site: Site, drawn: Drawn, marks: bool) -> None:
    if site.likely(0.2):
        return
    chain = drawn.chain("filter", "forward")
    draw = site.random
    if site.likely(0.3):
        chain.append(Rule(When(states=("invalid",)), Then("drop")))
    if site.likely(0.85):
        chain.append(Rule(When(states=("established", "related")), Then("accept")))
    for service in site.services:
        match draw.randrange(12):
            case 0:  # the address before translation: never matches
                chain.append(_allow(service, service.public, service.port, "drop"))
            case 1:
                chain.append(_allow(service, service.inside, service.inside_port, "drop"))
            case 2:
                kind = draw.choice(("", "icmp type admin-prohibited"))
                chain.append(_allow(service, service.inside, service.inside_port, "reject", kind))
            case 3 if service.protocol == TCP:
                chain.append(_allow(service, service.inside, service.inside_port, "reject", "tcp reset"))
            case 4 | 5 | 6 | 7:
                chain.append(_allow(service, service.inside, service.inside_port, "accept"))
    if site.likely(0.1):
        chain.append(Rule(When(incoming=draw.choice(site.names)), Then("drop")))
    if site.likely(0.1):
        chain.append(Rule(When(sources=("192.168.1.64-192.168.1.127", _VPN), named=True), Then("reject")))
    if marks and site.likely(0.3):
        chain.append(Rule(When(mark=_MARK), Then(draw.choice(("accept", "drop")))))
    if site.likely(0.4):
        chain.append(Rule(When(translated=True), Then("accept")))
    if site.likely(0.45):
        drawn.drops.add("forward")
        for name in site.inside:
            if site.likely(0.7):
                chain.append(Rule(When(incoming=name), Then("accept")))
        if site.likely(0.15):
            chain.append(Rule(When(incoming="wan0", not_incoming=True), Then("accept")))


def _allow(service: Service, address: str, port: int, verb: str, how: str = "") -> Rule:
    when = When(destinations=(address,), protocols=(_NAMES[service.protocol],), ports=(str(port),))
    return Rule(when, Then(verb, how))


def _input(site: Site, drawn: Drawn) -> None:
    if site.likely(0.4):
        return
    chain = drawn.chain("filter", "input")
    if site.likely(0.9):
        chain.append(Rule(When(states=("established",)), Then("accept")))
    if site.likely(0.3):
        port = site.random.choice(("22", "80", "53"))
        chain.append(Rule(When(incoming="wan0", protocols=_BOTH, ports=(port,)), Then("drop")))
    if site.likely(0.2):
        chain.append(Rule(When(incoming="wan0", protocols=("tcp",)), Then("reject", "tcp reset")))
    if site.likely(0.5):
        drawn.drops.add("input")
        chain.append(Rule(When(incoming="lo"), Then("accept")))
        chain.append(Rule(When(incoming=site.lan), Then("accept")))
        ports = ("22", "53") if site.likely(0.5) else ("443",)
        chain.append(Rule(When(protocols=("tcp",), ports=ports), Then("accept")))


def _output(site: Site, drawn: Drawn) -> None:
    if not site.likely(0.12):
        return
    chain = drawn.chain("filter", "output")
    chain.append(Rule(When(states=("established",)), Then("accept")))
    chain.append(Rule(When(destinations=(_WEB,), protocols=("tcp",), ports=("80", "443")), Then("drop")))
    if site.likely(0.4):
        chain.append(Rule(When(outgoing="wan0", destinations=(_LAN,)), Then("reject")))


# --- Marks, routes, chains ----------------------------------------------------------------------------------


def _marks(site: Site, drawn: Drawn, marks: bool) -> None:
    if marks:
        chain = drawn.chain("mangle", "prerouting")
        when = site.random.choice(
            (
                When(incoming=site.random.choice(site.names)),
                When(sources=(_LAN,)),
                When(protocols=("tcp",), ports=("80", "8080")),
            )
        )
        chain.append(Rule(when, Then("mark", str(_MARK))))
    if site.likely(0.06):
        when = When(protocols=("udp",), ports=("53",), destinations=("203.0.113.3",))
        drawn.chain("raw", "prerouting").append(Rule(when, Then("untrack")))


def _policy_routes(site: Site, marks: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A second routing table for marked packets, with a shorter way out."""
    if not marks or not site.likely(0.4):
        return (), ()
    site.constructs.add("policy routes")
    return (f"fwmark {_MARK:#x} lookup 100 priority 1000",), ("default via 203.0.113.1 table 100",)


def _move_to_chains(site: Site, drawn: Drawn) -> None:
    """Some rules of a chain into one of their own, by a jump or a goto from where they stood."""
    for (table, name), rules in list(drawn.rules.items()):
        if len(rules) < 3 or not site.likely(0.4):
            continue
        start = site.random.randrange(len(rules) - 1)
        end = site.random.randrange(start + 1, len(rules) + 1)
        moved = rules[start:end]
        if site.likely(0.3):
            moved.insert(site.random.randrange(len(moved) + 1), _leave(site))
        verb = "jump" if site.likely(0.75) else "goto"
        own = f"{name}_some"
        rules[start:end] = [Rule(_gate(site, name), Then(verb, own))]
        drawn.rules[table, own] = moved


def _gate(site: Site, hook: str) -> When:
    gates = [When(), When(protocols=_BOTH)]
    if hook in {"prerouting", "forward", "input"}:
        gates += [When(incoming=site.random.choice(site.names)), When(incoming="wan0", not_incoming=True)]
    if hook in {"postrouting", "forward"}:
        gates += [When(outgoing=site.random.choice(site.names))]
    return site.random.choice(gates)


def _leave(site: Site) -> Rule:
    when = site.random.choice((When(sources=(_VPN,)), When(protocols=("udp",)), When(sources=(_LAN,))))
    return Rule(when, Then("return"))


# --- Writing them down --------------------------------------------------------------------------------------

_HOOKS = {
    "raw": ("filter", "raw"),
    "mangle": ("filter", "mangle"),
    "nat": ("nat", None),
    "filter": ("filter", "filter"),
}


def _spelled(site: Site, speller: Speller, rules: list[Rule]) -> tuple[str, ...]:
    lines = [line for rule in rules for line in speller.rules(rule)]
    site.constructs |= speller.used
    return tuple(lines)


def _let_neighbours_be_found(drawn: Drawn) -> None:
    """What ARP is to IPv4 goes through the filters of IPv6."""
    for (table, name), rules in drawn.rules.items():
        if table == "filter" and not name.endswith("_some"):
            rules.insert(0, Rule(When(protocols=("ipv6-icmp",)), Then("accept")))


def _nftables(site: Site, drawn: Drawn) -> tuple[Table, ...]:
    site.constructs.add("nftables")
    tables = []
    for table in sorted({table for table, _ in drawn.rules}):
        inet = site.likely(0.4)
        speller = Nftables(site.family, qualified=inet)
        chains = []
        for (of, name), rules in _targets_first(drawn):
            if of == table:
                head = _hook(table, name, drawn)
                lines = _mapped(site, speller, _spelled(site, speller, rules))
                chains.append(Chain(name, head, _judged(site, lines)))
        name = f"{'inet' if inet else 'ip' if site.family == 4 else 'ip6'} {table}"
        tables.append(Table("nftables", name, tuple(chains), tuple(speller.sets)))
    return tuple(tables)


def _targets_first(drawn: Drawn) -> list[tuple[tuple[str, str], list[Rule]]]:
    return sorted(drawn.rules.items(), key=lambda item: not item[0][1].endswith("_some"))


def _hook(table: str, name: str, drawn: Drawn) -> str:
    if name.endswith("_some"):
        return ""
    kind, priority = _HOOKS[table]
    if priority is None:
        priority = "srcnat" if name == "postrouting" else "dstnat" if name == "prerouting" else "-100"
    policy = "drop" if table == "filter" and name in drawn.drops else "accept"
    return f"type {kind} hook {name} priority {priority}; policy {policy};"


def _mapped(site: Site, speller: Nftables, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Some rules of one form as a map, as people write who have many of them."""
    family = " ip" if site.family == 4 else " ip6"
    simple = [(rule, *found) for rule in rules if (found := _simple(rule, family))]
    by_protocol = {protocol: [one for one in simple if one[1] == protocol] for protocol in ("tcp", "udp")}
    for protocol, some in by_protocol.items():
        if len({one[2] for one in some}) < 2 or not site.likely(0.6):
            continue
        site.constructs.add("maps")
        ported = site.likely(0.5)
        elements = {port: f"{to} . {inside or port}" if ported else to for _, _, port, to, inside in some}
        listed = f"{{ {', '.join(f'{port} : {to}' for port, to in elements.items())} }}"
        kind = f"{family.strip()} addr . port" if ported else family.strip() if speller.qualified else ""
        action = f"dnat {kind} to" if kind else "dnat to"
        if not ported and site.likely(0.4):
            name = f"targets{len(speller.sets)}"
            data = "ipv4_addr" if site.family == 4 else "ipv6_addr"
            speller.sets.append(f"map {name} {{ type inet_service : {data}; elements = {listed} ; }}")
            listed = f"@{name}"
        line = f"fib daddr type local {action} {protocol} dport map {listed}"
        rules = tuple(line if rule == some[0][0] else rule for rule in rules)
    return rules


_VERDICT = re.compile(r"(ip6?) daddr ([^ {}-]+) (tcp|udp) dport (\d+) (accept|drop)")


def _judged(site: Site, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Rules that follow each other and only differ in address, port and verdict, as a map of verdicts."""
    lines: list[str] = []
    for key, group in itertools.groupby(rules, lambda rule: _kind(_VERDICT.fullmatch(rule))):
        some = list(group)
        found = [match for rule in some if (match := _VERDICT.fullmatch(rule))]
        if not key or len(some) < 2 or not site.likely(0.5):
            lines += some
            continue
        site.constructs.add("verdict maps")
        verdicts: dict[str, str] = {}
        for match in found:
            verdicts.setdefault(f"{match[2]} . {match[4]}", match[5])
        listed = ", ".join(f"{element} : {verdict}" for element, verdict in verdicts.items())
        lines.append(f"{key[0]} daddr . {key[1]} dport vmap {{ {listed} }}")
    return tuple(lines)


def _kind(found: re.Match[str] | None) -> tuple[str, str] | None:
    return None if found is None else (found[1], found[3])


def _simple(rule: str, family: str) -> tuple[str, str, str, str] | None:
    """(protocol, port, address, its port) of a rule that could be an element of a map."""
    words = rule.split()
    if "dnat" not in words or "dport" not in words or "{" in words or "!=" in words or "mark" in words:
        return None
    at = words.index("dport")
    protocol, port = words[at - 1], words[at + 1]
    if protocol not in {"tcp", "udp"} or not port.isdigit() or "prefix" in words:
        return None
    to, _, inside = words[-1].partition(":")
    return protocol, port, to, inside


_BUILT_IN = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}


def _iptables(site: Site, drawn: Drawn) -> tuple[Table, ...]:
    site.constructs.add("iptables")
    speller = Iptables(site.family)
    tables = []
    for table in sorted({table for table, _ in drawn.rules}):
        chains = {name: Chain(name, "ACCEPT", ()) for name in _BUILT_IN[table]}
        for (of, name), rules in drawn.rules.items():
            if of != table:
                continue
            user = name.endswith("_some")
            spelled = name if user else name.upper()
            dropped = table == "filter" and name in drawn.drops
            head = "-" if user else "DROP" if dropped else "ACCEPT"
            chains[spelled] = Chain(spelled, head, _spelled(site, speller, rules))
        tables.append(Table("iptables", table, tuple(chains.values())))
    sets = (Table("ipset", "", sets=tuple(speller.sets)),) if speller.sets else ()
    return (*sets, *tables)
