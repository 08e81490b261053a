"""One rule in two dialects: what a random gateway is made of, before it is nftables or iptables.

A rule is drawn once, as values, and spelled in the words of either; so both dialects meet the same gateways.
What a speller uses of its language it also names (``used``), so that a run can count what it has covered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

TCP, UDP = 6, 17


@dataclass(frozen=True)
class When:
    """What a rule asks of a packet; empty: nothing. Values are prefixes, ranges or ports as text."""

    sources: tuple[str, ...] = ()
    not_source: bool = False
    destinations: tuple[str, ...] = ()
    not_destination: bool = False
    protocols: tuple[str, ...] = ()  # tcp, udp
    ports: tuple[str, ...] = ()  # destination ports; only with protocols
    not_port: bool = False
    incoming: str = ""
    not_incoming: bool = False
    outgoing: str = ""
    not_outgoing: bool = False
    to_router: bool = False  # the destination is one of the gateway's own addresses
    mark: int = 0
    states: tuple[str, ...] = ()
    translated: bool = False  # the connection's destination has been rewritten
    named: bool = False  # keep the destinations, or else the sources, in a named set


@dataclass(frozen=True)
class Then:
    """``verb``: accept, drop, reject, return, jump, goto, dnat, snat, masquerade, redirect, netmap, mark,
    untrack or count; ``to`` is its address, prefix, chain, kind of rejection, or mark."""

    verb: str
    to: str = ""
    port: str = ""


@dataclass(frozen=True)
class Rule:
    when: When
    then: Then


@dataclass
class Speller:
    """What all spellers remember: the constructs used, and the sets that rules refer to."""

    family: int = 4
    used: set[str] = field(default_factory=set)
    sets: list[str] = field(default_factory=list)

    def note(self, rule: Rule) -> None:
        when, then = rule.when, rule.then
        if when.not_source or when.not_destination or when.not_port or when.not_incoming or when.not_outgoing:
            self.used.add("negations")
        if any("-" in one for one in (*when.sources, *when.destinations, *when.ports)):
            self.used.add("ranges")
        if then.verb in {"jump", "goto"}:
            self.used.add("jumps")
        if then.verb in {"redirect", "netmap"}:
            self.used.add(then.verb)
        if then.verb == "dnat" and then.port:
            self.used.add("port translation")
        if then.verb in {"masquerade", "snat"} and (when.sources or when.destinations or when.ports):
            self.used.add("masquerade scopes")
        if when.mark:
            self.used.add("marks")


@dataclass
class Nftables(Speller):
    """``qualified``: in a table of family inet, where NAT says which family it is about."""

    qualified: bool = False

    def rules(self, rule: Rule) -> list[str]:
        self.note(rule)
        words = [*self._interfaces(rule.when), *self._packet(rule.when), *self._connection(rule.when)]
        return [" ".join([*words, self._action(rule.then)])]

    def _interfaces(self, when: When) -> list[str]:
        words = []
        for keyword, name, negated in (
            ("iifname", when.incoming, when.not_incoming),
            ("oifname", when.outgoing, when.not_outgoing),
        ):
            if name:
                words.append(f'{keyword} {"!= " if negated else ""}"{name}"')
        return words

    def _packet(self, when: When) -> list[str]:
        words = []
        ip = "ip" if self.family == 4 else "ip6"
        if when.sources:
            values = self._values(when.sources, "addresses", when.named and not when.destinations)
            words.append(f"{ip} saddr {'!= ' if when.not_source else ''}{values}")
        if when.destinations:
            values = self._values(when.destinations, "addresses", when.named)
            words.append(f"{ip} daddr {'!= ' if when.not_destination else ''}{values}")
        if when.to_router:
            words.append("fib daddr type local")
        if when.protocols:
            words.append(self._ports(when))
        return words

    def _ports(self, when: When) -> str:
        several = len(when.protocols) > 1
        protocol = f"meta l4proto {self._values(when.protocols, '', False)}"
        if not when.ports:
            return protocol
        values = f"{'!= ' if when.not_port else ''}{self._values(when.ports, 'ports', False)}"
        return f"{protocol} th dport {values}" if several else f"{when.protocols[0]} dport {values}"

    def _connection(self, when: When) -> list[str]:
        words = [f"meta mark {when.mark:#x}"] if when.mark else []
        if when.states:
            words.append(f"ct state {','.join(when.states)}")
        if when.translated:
            words.append("ct status dnat")
        return words

    def _values(self, values: tuple[str, ...], what: str, named: bool) -> str:
        if not named:
            if len(values) > 1:
                self.used.add("sets")
            return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"
        self.used.add("sets")
        name = f"{what}{len(self.sets)}"
        kind = "ipv4_addr" if self.family == 4 else "ipv6_addr"
        elements = ", ".join(values)
        self.sets.append(f"set {name} {{ type {kind}; flags interval; elements = {{ {elements} }} ; }}")
        return f"@{name}"

    def _action(self, then: Then) -> str:
        family = f" {'ip' if self.family == 4 else 'ip6'}" if self.qualified else ""
        target = f"[{then.to}]" if ":" in then.to and then.port else then.to
        to = f"{target}:{then.port}" if then.port else target
        match then.verb:
            case "dnat" | "snat":
                return f"{then.verb}{family} to {to}"
            case "netmap":
                source, _, target = then.to.partition(" ")
                self.used.add("maps")
                ip = "ip" if self.family == 4 else "ip6"
                return f"dnat {ip} prefix to {ip} daddr map {{ {source} : {target} }}"
            case "redirect":
                return f"redirect to :{then.port}" if then.port else "redirect"
            case "reject":
                own = "icmpx " if self.qualified else "icmp " if self.family == 4 else "icmpv6 "
                how = then.to.replace("icmp ", own)
                return f"reject with {how}" if how else "reject"
            case "jump" | "goto":
                return f"{then.verb} {then.to}"
            case "mark":
                return f"meta mark set {then.to}"
            case "untrack":
                return "notrack"
            case "count":
                return "counter"
            case _:
                return then.verb


_REJECTIONS = {
    "": ("icmp-port-unreachable", "icmp6-port-unreachable"),
    "tcp reset": ("tcp-reset", "tcp-reset"),
    "icmp type admin-prohibited": ("icmp-admin-prohibited", "icmp6-adm-prohibited"),
}


@dataclass
class Iptables(Speller):
    def rules(self, rule: Rule) -> list[str]:
        self.note(rule)
        if len(rule.when.protocols) > 1:  # one protocol a rule
            each = (replace(rule, when=replace(rule.when, protocols=(one,))) for one in rule.when.protocols)
            return [line for one in each for line in self.rules(one)]
        words = [*self._packet(rule.when), *self._connection(rule.when), self._action(rule.then)]
        return [" ".join(words)]

    def _packet(self, when: When) -> list[str]:
        words = []
        for keyword, name, negated in (
            ("-i", when.incoming, when.not_incoming),
            ("-o", when.outgoing, when.not_outgoing),
        ):
            if name:
                words.append(f"{'! ' if negated else ''}{keyword} {name}")
        words += self._addresses(when.sources, when.not_source, "-s", "src", when.named)
        words += self._addresses(when.destinations, when.not_destination, "-d", "dst", when.named)
        if when.protocols:
            words += [f"-p {when.protocols[0]}", *self._ports(when)]
        if when.to_router:
            words.append("-m addrtype --dst-type LOCAL")
        return words

    def _addresses(
        self, values: tuple[str, ...], negated: bool, option: str, side: str, named: bool
    ) -> list[str]:
        not_ = "! " if negated else ""
        if not values:
            return []
        if self.family == 6:  # of IPv6, ipset keeps prefixes only
            values = tuple(one for one in values if "-" not in one) or values[:1]
            named = named and "-" not in values[0]
        if len(values) == 1 and not named:
            if "-" in values[0]:
                return [f"-m iprange {not_}--{side}-range {values[0]}"]
            return [f"{not_}{option} {values[0]}"]
        self.used.add("sets")
        name = f"addresses{len(self.sets)}"
        family = "inet" if self.family == 4 else "inet6"
        lines = [f"create {name} hash:net family {family}", *(f"add {name} {value}" for value in values)]
        self.sets.append("\n".join(lines))
        return [f"-m set {not_}--match-set {name} {side}"]

    def _ports(self, when: When) -> list[str]:
        if not when.ports:
            return []
        not_ = "! " if when.not_port else ""
        ports = ",".join(when.ports).replace("-", ":")
        if len(when.ports) > 1:
            self.used.add("sets")
            return [f"-m multiport {not_}--dports {ports}"]
        return [f"-m {when.protocols[0]} {not_}--dport {ports}"]

    def _connection(self, when: When) -> list[str]:
        words = [f"-m mark --mark {when.mark:#x}"] if when.mark else []
        if when.states:
            words.append(f"-m conntrack --ctstate {','.join(when.states).upper()}")
        if when.translated:
            words.append("-m conntrack --ctstate DNAT")
        return words

    def _action(self, then: Then) -> str:
        target = f"[{then.to}]" if ":" in then.to and then.port else then.to
        to = f"{target}:{then.port}" if then.port else target
        match then.verb:
            case "dnat":
                return f"-j DNAT --to-destination {to}"
            case "snat":
                return f"-j SNAT --to-source {to}"
            case "netmap":
                source, _, target = then.to.partition(" ")
                return f"-d {source} -j NETMAP --to {target}"
            case "redirect":
                return f"-j REDIRECT --to-ports {then.port}" if then.port else "-j REDIRECT"
            case "reject":
                return f"-j REJECT --reject-with {_REJECTIONS[then.to][self.family == 6]}"
            case "jump" | "goto":
                return f"{'-j' if then.verb == 'jump' else '-g'} {then.to}"
            case "mark":
                return f"-j MARK --set-mark {then.to}"
            case "untrack":
                return "-j CT --notrack"
            case "count":
                return "-m comment --comment counted"
            case verb:
                return f"-j {verb.upper()}"
