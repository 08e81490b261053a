"""Random small gateways, with everything around them, and random packets."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random

from splitdns.check import model as m
from splitdns.check.sets import Numbers, numbers_of
from tests.check.gateways import interface, own, rule

GATEWAY_LAN, SERVER, SECOND = "10.0.1.1", "10.0.1.2", "10.0.2.2"
PUBLIC = "203.0.113.2"
LANS = {"lan": "10.0.1.0/29", "dmz": "10.0.2.0/29", "wan": "203.0.113.0/29"}
CLIENTS = {"lan": "10.0.1.3-10.0.1.5", "dmz": "10.0.2.3-10.0.2.4", "net": "198.51.100.0-198.51.100.3"}
INTERESTING = (
    *(GATEWAY_LAN, SERVER, SECOND, PUBLIC, "10.0.2.1", "203.0.113.3", "10.0.1.3", "10.0.1.6", "10.0.2.4"),
    *("198.51.100.1", "198.51.100.9", "10.0.1.7"),
)
PORTS = (1, 2, 3, 8)
SOURCE_PORTS = (40_000, 45_000, 50_000)
PROTOCOLS = (6, 17, 1, 47)


class Universe:
    """One random gateway."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.gateway = m.Gateway(self.network(), self.ruleset(), self.hosts(), self.listens())
        self.clients = self.who()

    def one(self, *values: object) -> object:
        return self.random.choice(values)

    def sometimes(self, chance: float) -> bool:
        return self.random.random() < chance

    # --- The network ----------------------------------------------------------------------------------------

    def network(self) -> m.Network:
        self.is_bridge = self.sometimes(0.35)
        rp = lambda: self.random.choice([0, 0, 0, 1, 2, None])  # noqa: E731
        lan = [f"{GATEWAY_LAN}/29"] + (["10.0.1.6/29"] if self.sometimes(0.2) else [])
        faces = [
            interface("lan", *lan, rp_filter=rp()),
            interface("dmz", "10.0.2.1/29", rp_filter=rp(), point_to_point=self.sometimes(0.15)),
            interface("wan", f"{PUBLIC}/29", rp_filter=rp(), uplink=True),
        ]
        if self.is_bridge:
            faces += [
                interface(name, bridge="lan", hairpin=self.sometimes(0.2)) for name in ("p1", "p2")
            ]
        nf = self.random.choice([True, True, False, None])
        forwards = self.random.choice([True] * 12 + [False, None])
        routes: list[m.Route] = []
        policy: list[m.PolicyRule] = []
        if self.sometimes(0.3):
            routes = [m.Route(ip_network(prefix), name) for name, prefix in LANS.items()]
            routes.append(m.Route(ip_network("0.0.0.0/0"), "wan", ip_address("203.0.113.1")))
            if self.sometimes(0.5):
                kind = self.random.choice(["unicast", "blackhole", "throw"])
                prefix = self.random.choice(["198.51.100.0/31", "10.0.1.4/30", "203.0.113.3/32"])
                name = None if kind != "unicast" else self.random.choice(list(LANS))
                table = self.random.choice(["main", "t"])
                metric = self.random.choice([0, 5])
                routes.append(m.Route(ip_network(prefix), name, None, metric, table, kind))
            if self.sometimes(0.2):
                routes.append(m.Route(ip_network("0.0.0.0/0"), "dmz", None))
            policy = [m.PolicyRule(32_766, "main")]
            if self.sometimes(0.6):
                policy.append(self.policy_rule())
        return m.Network(tuple(faces), tuple(routes), tuple(policy), {4: nf, 6: nf}, {4: forwards, 6: True})

    def policy_rule(self) -> m.PolicyRule:
        match self.random.randrange(4):
            case 0:
                return m.PolicyRule(5, "t", source=ip_network("10.0.1.4/30"))
            case 1:
                return m.PolicyRule(5, "t", destination=ip_network("198.51.100.0/30"))
            case 2:
                return m.PolicyRule(5, "t", incoming=self.random.choice(list(LANS)))
            case _:
                return m.PolicyRule(5, "t", mark=(1, 1), unknown=self.random.choice(["", "uidrange"]))

    def hosts(self) -> tuple[m.Host, ...]:
        routers = [None, ip_address("10.0.1.6"), ip_address(GATEWAY_LAN)]
        default = {4: self.random.choice(routers)} if self.sometimes(0.4) else {}
        prefix = self.random.choice(["/29", "/29", "/29", "/31"])
        addresses = [f"{SERVER}{prefix}"] + (["203.0.113.3/32"] if self.sometimes(0.2) else [])
        routes = (
            (m.HostRoute(ip_network("10.0.1.4/32"), ip_address(GATEWAY_LAN)),) if self.sometimes(0.15) else ()
        )
        port = self.random.choice(["p1", "p2", None]) if self.is_bridge else None
        web = m.Host("web", tuple(map(own, addresses)), default, routes, self.listens(), port)
        other = m.Host("other", (own(f"{SECOND}/29"),), {}, (), self.listens())
        return (web, other)

    def listens(self) -> dict[int, Numbers] | None:
        if self.sometimes(0.6):
            return None
        return {protocol: self.some_ports() for protocol in (6, 17) if self.sometimes(0.7)}

    def who(self) -> tuple[m.Clients, ...]:
        lan_prefix = numbers_of(ip_network(LANS["lan"]))
        port = self.random.choice(["p1", "p2", None]) if self.is_bridge else None
        default = self.random.choice([None] * 5 + [ip_address("10.0.1.6")])
        routes = (
            (m.HostRoute(ip_network("203.0.113.3/32"), ip_address(SERVER)),) if self.sometimes(0.2) else ()
        )
        nears = [lan_prefix, lan_prefix, lan_prefix, numbers_of(ip_network("10.0.1.4/30")), None]
        near = self.random.choice(nears)
        lan = m.Clients("lan", m.Kind.NETWORK, 4, _span("lan"), "lan", near, default, routes, port=port)
        dmz = m.Clients("dmz", m.Kind.NETWORK, 4, _span("dmz"), "dmz", numbers_of(ip_network(LANS["dmz"])))
        net = m.Clients("net", m.Kind.INTERNET, 4, _span("net"), "wan")
        itself = m.Clients("gateway", m.Kind.GATEWAY, 4, numbers_of(ip_address(GATEWAY_LAN)), None)
        server = numbers_of(ip_address(SERVER))
        web = m.Clients("web", m.Kind.HOST, 4, server, "lan", lan_prefix, host="web", port=port)
        return lan, dmz, net, itself, web

    # --- The rules ------------------------------------------------------------------------------------------

    def some_addresses(self) -> Numbers:
        if self.sometimes(0.35):
            prefixes = [*LANS.values(), "198.51.100.0/31", "0.0.0.0/0"]
            return numbers_of(ip_network(self.random.choice(prefixes)))
        few = self.random.sample(INTERESTING, self.random.choice([1, 1, 2]))
        numbers = numbers_of(*map(ip_address, few))
        return numbers_of(ip_network("0.0.0.0/0")) - numbers if self.sometimes(0.15) else numbers

    def some_ports(self) -> Numbers:
        first = self.random.choice(PORTS)
        return Numbers.of((first, first + self.random.choice([0, 0, 1])))

    def condition(self, depth: int = 0) -> m.Condition:
        side = self.random.choice(list(m.Side))
        r = self.random
        match r.randrange(24):
            case 0 | 1 | 2 | 3 | 4 | 5:
                return m.Addresses(side, self.some_addresses())
            case 6 | 7 | 8:
                some = r.sample(PROTOCOLS, r.choice([1, 1, 3]))
                return m.Protocols(Numbers.of(*((one, one) for one in some)))
            case 9 | 10 | 11:
                if side is m.Side.DESTINATION:
                    return m.Ports(side, self.some_ports())
                return m.Ports(side, Numbers.of((42_000, r.choice([47_000, 60_000]))))
            case 12 | 13 | 14:
                name = r.choice(["lan", "dmz", "wan", "l*", "lo"])
                return m.Interfaces(side, frozenset({name}), self.sometimes(0.3))
            case 15:
                kinds = frozenset({r.choice(["local", "unicast", "broadcast"])})
                return m.AddressTypes(side, kinds, self.sometimes(0.3), self.sometimes(0.2))
            case 16 | 17 | 18:
                return m.States(frozenset(r.sample(list(m.State), r.choice([1, 2]))))
            case 19:
                flags = r.choice([m.TcpFlags(2, 2), m.TcpFlags(18, 2), m.TcpFlags(16, 16, True)])
                return r.choice([flags, m.Direction(self.sometimes(0.5)), m.IcmpTypes(Numbers.one(8))])
            case 20:
                return m.Translated(side, self.sometimes(0.6))
            case 21:
                return m.Original(side, self.some_addresses(), r.choice([None, self.some_ports()]))
            case 22:
                return m.Mark(r.choice(list(m.Of)), Numbers.one(r.choice([0, 1])), 1)
            case _ if depth == 0 and self.sometimes(0.6):
                sizes = [r.choice([1, 2]) for _ in range(r.choice([1, 2, 5]))]
                clauses = tuple(tuple(self.condition(1) for _ in range(size)) for size in sizes)
                return m.AnyOf(clauses, self.sometimes(0.3))
            case _:
                return m.Unknown(f"u{r.randrange(3)}")

    def conditions(self) -> list[m.Condition]:
        return [self.condition() for _ in range(self.random.choice([0, 1, 1, 2, 2, 3]))]

    def target(self) -> Numbers:
        targets = [SERVER, SERVER, SERVER, SECOND, GATEWAY_LAN, "203.0.113.3", "198.51.100.9"]
        first = int(ip_address(self.random.choice(targets)))
        return Numbers.of((first, first + (1 if self.sometimes(0.1) else 0)))

    def nat_action(self, hook: m.Hook) -> m.Action:
        r = self.random
        ports = r.choice([None, None, self.some_ports()])
        if r.random() < 0.15:
            return r.choice([m.Accept(), m.Drop(), m.Return()])
        if hook in (m.Hook.PREROUTING, m.Hook.OUTPUT):
            if r.random() < 0.2:
                return m.Redirect(ports)
            if r.random() < 0.1:
                return m.Netmap(m.Side.DESTINATION, ip_network("10.0.1.0/30"))
            base = r.choice([None, None, 1]) if ports is not None else None
            return m.Translate(m.Side.DESTINATION, self.target(), ports, base)
        if r.random() < 0.5 and hook is m.Hook.POSTROUTING:
            return m.Masquerade()
        if r.random() < 0.1:
            return m.Netmap(m.Side.SOURCE, ip_network("10.0.2.4/30"))
        source = numbers_of(ip_address(r.choice([PUBLIC, GATEWAY_LAN, "10.0.2.1", "203.0.113.5"])))
        return m.Translate(m.Side.SOURCE, source, None)

    def filter_action(self, hook: m.Hook) -> m.Action:
        r = self.random
        options: list[m.Action] = [m.Accept(), m.Accept(), m.Drop(), m.Return(), m.Pass(), self.marking()]
        options += [m.Jump("sub"), m.Goto("sub")]
        if hook in (m.Hook.INPUT, m.Hook.FORWARD, m.Hook.OUTPUT):
            options += [m.Reject(), m.Reject(reset=True)]
        return r.choice(options)

    def marking(self) -> m.SetMark:
        r = self.random
        copy = r.choice([None, None, m.Of.PACKET, m.Of.CONNECTION])
        return m.SetMark(r.choice(list(m.Of)), r.choice([0, 1]), r.choice([1, 0xFF]), copy)

    def chain(
        self, table: str, hook: m.Hook, priority: int, *, nat: bool = False, length: int = 3
    ) -> m.Chain:
        rules = []
        for _ in range(self.random.randrange(length + 1)):
            if priority <= -300 and self.sometimes(0.6):
                action: m.Action = m.Untrack()
            elif nat and self.sometimes(0.9):
                action = self.nat_action(hook)
            elif nat:
                action = m.Jump("natsub")
            else:
                action = self.filter_action(hook)
            rules.append(rule(action, *self.conditions()))
        name = f"{hook.value}{priority}"
        return m.Chain(table, name, tuple(rules), hook, priority, nat, self.sometimes(0.85))

    def ruleset(self) -> m.Ruleset:
        r, chains = self.random, []
        if self.sometimes(0.2):
            chains.append(self.chain("raw", r.choice([m.Hook.PREROUTING, m.Hook.OUTPUT]), -300, length=2))
        if self.sometimes(0.3):
            hooks = [m.Hook.PREROUTING, m.Hook.POSTROUTING, m.Hook.OUTPUT]
            chains.append(self.chain("mangle", r.choice(hooks), r.choice([-150, -100, 110])))
        for table in ("nat", "nat2")[: r.choice([1, 1, 2])]:
            chains.append(self.chain(table, m.Hook.PREROUTING, r.choice([-100, -100, -110]), nat=True))
            chains.append(self.chain(table, m.Hook.POSTROUTING, 100, nat=True))
            if self.sometimes(0.3):
                chains.append(self.chain(table, r.choice([m.Hook.OUTPUT, m.Hook.INPUT]), 100, nat=True))
            actions = [self.nat_action(m.Hook.PREROUTING) for _ in range(r.randrange(2))]
            chains.append(m.Chain(table, "natsub", tuple(rule(one, *self.conditions()) for one in actions)))
        for hook in (m.Hook.FORWARD, m.Hook.INPUT, m.Hook.OUTPUT):
            if self.sometimes(0.5):
                chains.append(self.chain("filter", hook, r.choice([0, 0, -5]), length=4))
        for table in ("raw", "mangle", "filter"):
            ends = [r.choice([m.Accept(), m.Drop(), m.Return()]) for _ in range(r.randrange(3))]
            chains.append(m.Chain(table, "sub", tuple(rule(one, *self.conditions()) for one in ends)))
        return m.Ruleset(tuple(self.sensible(one) for one in chains))

    def sensible(self, chain: m.Chain) -> m.Chain:
        """``natsub`` translates destinations: postrouting does not jump there."""
        if chain.hook in (m.Hook.POSTROUTING, m.Hook.INPUT) and chain.is_nat:
            rules = tuple(one for one in chain.rules if not isinstance(one.action, m.Jump))
            return m.Chain(chain.table, chain.name, rules, chain.hook, chain.priority, True, chain.accepts)
        return chain


def _span(name: str) -> Numbers:
    low, _, high = CLIENTS[name].partition("-")
    return Numbers.of((int(ip_address(low)), int(ip_address(high))))
