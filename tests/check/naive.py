"""One packet at a time through a gateway, as simply as it can be written: the walk over sets has to equal it.

Written from the kernel's rules, sharing nothing with the walk but the model. Wherever the outcome is not
known (an ``Unknown``, one of several targets), ``choose`` is asked; ``every_outcome`` asks in all ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address, ip_network

from splitdns.check import model as m
from splitdns.check.sets import Numbers

Outcome = tuple[str, str | None, int, int, int]
"""Verdict, whom it reached (None also if nobody), the address and port there, the source seen."""

Choose = Callable[[int], int]
"""Which of so many possibilities."""

SYN, SYN_ACK, ACK, RST = 2, 18, 16, 20
PORTED = {6, 17, 33, 132, 136}
ECHO_REPLY = 0
NEVER = [ip_network(one) for one in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")]


@dataclass(frozen=True)
class Packet:
    src: int
    dst: int
    proto: int
    sport: int
    dport: int
    flags: int = SYN

    def answer(self, flags: int) -> Packet:
        if self.proto == 1:
            return replace(self, src=self.dst, dst=self.src, sport=0, dport=ECHO_REPLY, flags=flags)
        return Packet(self.dst, self.src, self.proto, self.dport, self.sport, flags)

    def error(self) -> Packet:
        return Packet(self.dst, self.src, 1, 0, 3)


@dataclass
class Ct:
    first: Packet  # as it came
    last: Packet  # as it left
    dst_done: bool = False
    src_done: bool = False
    replied: bool = False
    mark: int = 0


@dataclass
class Skb:
    packet: Packet
    iif: str | None = None
    oif: str | None = None
    via: int | None = None
    mark: int = 0
    state: m.State = m.State.INVALID
    ct: Ct | None = None
    reply: bool = False

    @property
    def seen_ct(self) -> Ct | None:
        return None if self.state in (m.State.INVALID, m.State.UNTRACKED) else self.ct


class End(Exception):  # noqa: N818
    """A packet did not come through."""

    def __init__(self, why: str, skb: Skb | None = None) -> None:
        super().__init__(why)
        self.why, self.skb = why, skb


class Decided(Exception):  # noqa: N818
    """A rule decided: accept, drop, reject, reset, return."""


@dataclass
class Simulator:
    gateway: m.Gateway
    choose: Choose

    # --- Rules ----------------------------------------------------------------------------------------------

    def holds(self, one: m.Condition, skb: Skb) -> bool:
        p, ct = skb.packet, skb.seen_ct
        match one:
            case m.Addresses(side, numbers):
                return (p.src if side is m.Side.SOURCE else p.dst) in numbers
            case m.Protocols(numbers):
                return p.proto in numbers
            case m.Ports(side, numbers):
                return p.proto in PORTED and (p.sport if side is m.Side.SOURCE else p.dport) in numbers
            case m.IcmpTypes(numbers):
                return p.proto in (1, 58) and p.dport in numbers
            case m.Interfaces(side, names, negated):
                name = skb.iif if side is m.Side.SOURCE else skb.oif
                return (name is not None and any(_names(name, one) for one in names)) != negated
            case m.AddressTypes(side, types, negated, interface):
                address = p.src if side is m.Side.SOURCE else p.dst
                return (self.kind(address, skb.iif or "" if interface else None) in types) != negated
            case m.States(states):
                return skb.state in states
            case m.TcpFlags(mask, value, negated):
                return p.proto == 6 and (p.flags & mask == value) != negated
            case m.Direction(reply):
                return ct is not None and skb.reply == reply
            case m.Translated(side, expected):
                if ct is None:
                    return False
                a, b = ct.first, ct.last
                if side is m.Side.SOURCE:
                    return ((a.src, a.sport) != (b.src, b.sport)) == expected
                return ((a.dst, a.dport) != (b.dst, b.dport)) == expected
            case m.Original(side, addresses, ports):
                if ct is None:
                    return False
                was = ct.first
                address, port = (was.src, was.sport) if side is m.Side.SOURCE else (was.dst, was.dport)
                if addresses is not None and address not in addresses:
                    return False
                return ports is None or (p.proto in PORTED and port in ports)
            case m.Mark(of, numbers, mask):
                if of is m.Of.CONNECTION:
                    return ct is not None and ct.mark & mask in numbers
                return skb.mark & mask in numbers
            case m.AnyOf(alternatives, negated):
                found = any(all(self.holds(each, skb) for each in clause) for clause in alternatives)
                return found != negated
            case m.Unknown():
                return bool(self.choose(2))
        raise AssertionError(one)

    def kind(self, address: int, interface: str | None) -> str:
        mine = [
            int(own.address)
            for face in self.gateway.network.interfaces
            if interface in (None, face.name)
            for own in face.addresses
        ]
        if address in mine or (interface is None and address >> 24 == 127):
            return "local"
        if address in self.broadcasts():
            return "broadcast"
        return "multicast" if address >> 28 == 14 else "unicast"

    def broadcasts(self) -> set[int]:
        faces = self.gateway.network.interfaces
        return {0xFFFFFFFF} | {int(own.prefix.broadcast_address) for face in faces for own in face.addresses}

    def chain(self, chain: m.Chain, skb: Skb) -> None:
        """Raises Decided, or falls off the end."""
        for rule in chain.rules:
            if not all(self.holds(one, skb) for one in rule.conditions):
                continue
            match rule.action:
                case m.Accept():
                    raise Decided("accept")
                case m.Drop():
                    raise Decided("drop")
                case m.Reject(reset):
                    raise Decided("reset" if reset else "reject")
                case m.Return():
                    return
                case m.Jump(name):
                    self.chain(self.named(chain.table, name), skb)
                case m.Goto(name):
                    self.chain(self.named(chain.table, name), skb)
                    return
                case m.SetMark():
                    self.set_mark(rule.action, skb)
                case m.Untrack():
                    if skb.state is m.State.INVALID:
                        skb.state = m.State.UNTRACKED
                case m.Pass():
                    pass
                case _:
                    self.translate(rule.action, skb)
                    raise Decided("bound")

    def named(self, table: str, name: str) -> m.Chain:
        return next(one for one in self.gateway.ruleset.chains if (one.table, one.name) == (table, name))

    def set_mark(self, action: m.SetMark, skb: Skb) -> None:
        ct = skb.seen_ct
        if ct is None and m.Of.CONNECTION in (action.of, action.copy_from):
            return
        value = action.value
        if action.copy_from is not None:
            assert action.copy_from is m.Of.PACKET or ct is not None
            copied = skb.mark if action.copy_from is m.Of.PACKET else ct.mark if ct else 0
            value = copied & action.mask
        if action.of is m.Of.PACKET:
            skb.mark = (skb.mark & ~action.mask) ^ value
        elif ct is not None:
            ct.mark = (ct.mark & ~action.mask) ^ value

    # --- NAT ------------------------------------------------------------------------------------------------

    def pick(self, numbers: Numbers) -> int:
        every = [one for low, high in numbers.ranges for one in range(low, high + 1)]
        return every[self.choose(len(every))] if len(every) > 1 else every[0]

    def port(self, port: int, ports: Numbers | None, base: int | None) -> int:
        if ports is None:
            return port
        if base is not None:
            return ports.first + (port - base) % 65536 % ports.size
        return port if port in ports else self.pick(ports)

    def translate(self, action: m.Action, skb: Skb) -> None:
        assert skb.ct is not None
        p = skb.packet
        has_ports = p.proto in PORTED
        if isinstance(action, m.Netmap):
            old = p.src if action.side is m.Side.SOURCE else p.dst
            new = int(action.prefix.network_address) | old & int(action.prefix.hostmask)
            p = replace(p, src=new) if action.side is m.Side.SOURCE else replace(p, dst=new)
        elif isinstance(action, m.Translate):
            ports = action.ports if has_ports else None
            if action.side is m.Side.SOURCE:
                source = p.src if action.addresses is None else self.pick(action.addresses)
                p = replace(p, src=source, sport=self.port(p.sport, ports, action.base))
            else:
                target = p.dst if action.addresses is None else self.pick(action.addresses)
                p = replace(p, dst=target, dport=self.port(p.dport, ports, action.base))
        elif isinstance(action, m.Redirect):
            target = 0x7F000001
            if skb.iif is not None:
                own = self.face(skb.iif).addresses
                if not own:
                    raise Decided("drop")
                target = int(own[0].address)
            ports = action.ports if has_ports else None
            p = replace(p, dst=target, dport=self.port(p.dport, ports, action.base))
        elif isinstance(action, m.Masquerade):
            assert skb.oif is not None
            hop = ip_address(skb.via if skb.via is not None else p.dst)
            faces = self.gateway.network.interfaces
            own = self.face(skb.oif).addresses if skb.oif != "lo" else ()
            own = own or (tuple(one for face in faces for one in face.addresses) if skb.oif == "lo" else ())
            if not own:
                raise Decided("drop")
            near = [one for one in own if hop in one.prefix] if skb.oif != "lo" else []
            p = replace(p, src=int((near or list(own))[0].address))
            p = replace(p, sport=self.port(p.sport, action.ports if has_ports else None, None))
        skb.packet = skb.ct.last = p

    def face(self, name: str) -> m.Interface:
        found = self.gateway.network.interface(name)
        assert found is not None
        return found

    def nat(self, hook: m.Hook, chains: list[m.Chain], skb: Skb) -> None:
        ct = skb.seen_ct
        if ct is None:
            return
        to_dst = hook in (m.Hook.PREROUTING, m.Hook.OUTPUT)
        if skb.state is m.State.NEW:
            if ct.dst_done if to_dst else ct.src_done:
                return
            for chain in chains:
                if self.meet(chain, skb) == "bound":
                    break
            if to_dst:
                ct.dst_done = True
            else:
                ct.src_done = True
            return
        p, ports = skb.packet, ct.first.proto in PORTED and skb.state is not m.State.RELATED
        if to_dst:
            to, port = (ct.first.src, ct.first.sport) if skb.reply else (ct.last.dst, ct.last.dport)
            skb.packet = replace(p, dst=to, dport=port if ports else p.dport)
        else:
            to, port = (ct.first.dst, ct.first.dport) if skb.reply else (ct.last.src, ct.last.sport)
            skb.packet = replace(p, src=to, sport=port if ports else p.sport)

    # --- Hooks ----------------------------------------------------------------------------------------------

    def meet(self, chain: m.Chain, skb: Skb) -> str:
        try:
            self.chain(chain, skb)
            verdict = "accept" if chain.accepts else "drop"
        except Decided as decided:
            verdict = str(decided)
        if verdict not in ("accept", "bound"):
            raise End(verdict, skb)
        return verdict

    def hook(self, hook: m.Hook, skb: Skb, low: int = -1000, high: int = 1000) -> None:
        chains = self.gateway.ruleset.chains
        here = [(at, one) for at, one in enumerate(chains) if one.hook is hook and not one.bridged]
        here.reverse()  # of equal priority, the last that was registered is first
        nat = sorted((one for _, one in here if one.is_nat), key=lambda one: one.priority)
        turn = {m.Hook.PREROUTING: -100, m.Hook.OUTPUT: -100, m.Hook.INPUT: 100, m.Hook.POSTROUTING: 100}
        steps: list[tuple[int, int, m.Chain | None]] = [
            (one.priority, -at, one) for at, one in here if not one.is_nat
        ]
        first_nat = min((at for at, one in enumerate(chains) if one.is_nat), default=0)
        if hook in turn:
            steps.append((turn[hook], -first_nat, None))
        for priority, _, chain in sorted(steps, key=lambda step: step[:2]):
            if low <= priority < high:
                if chain is None:
                    self.nat(hook, nat, skb)
                else:
                    self.meet(chain, skb)

    def track(self, skb: Skb, sent: str) -> None:
        if skb.state is m.State.UNTRACKED:
            return
        ct = skb.ct
        if sent == "error":
            skb.state = m.State.INVALID if ct is None else m.State.RELATED
        elif ct is not None and sent in ("answer", "more"):
            ct.replied = True
            skb.state = m.State.ESTABLISHED
        elif ct is not None:
            skb.state = m.State.ESTABLISHED if ct.replied else m.State.INVALID
        elif (sent == "answer" and skb.packet.proto in (1, 6)) or (
            sent == "first" and skb.packet.proto == 1 and skb.packet.dport != 8
        ):
            skb.state = m.State.INVALID
        else:
            skb.ct = Ct(skb.packet, skb.packet)
            skb.state, skb.reply = m.State.NEW, False

    # --- Routing --------------------------------------------------------------------------------------------

    def mine(self) -> set[int]:
        faces = self.gateway.network.interfaces
        return {int(own.address) for face in faces for own in face.addresses}

    def lookup(self, dst: int, src: int, iif: str | None, mark: int) -> tuple[str, str, int | None]:
        """The kind of the route, the interface, the next router."""
        network = self.gateway.network
        policy = sorted(network.policy, key=lambda rule: rule.priority) or [
            m.PolicyRule(32766, "main"),
            m.PolicyRule(32767, "default"),
        ]
        if dst in self.mine() or dst >> 24 == 127:
            return "local", "lo", None
        if dst in self.broadcasts():
            return "broadcast", "lo", None
        for rule in policy:
            if rule.source is not None and IPv4Address(src) not in rule.source:
                continue
            if rule.destination is not None and IPv4Address(dst) not in rule.destination:
                continue
            if rule.incoming is not None and (iif or "lo") != rule.incoming:
                continue
            if rule.mark is not None and mark & rule.mark[1] != rule.mark[0]:
                continue
            if rule.unknown and not self.choose(2):
                continue
            found = self.table(rule.table, dst)
            if found is not None:
                return found
        return "unreachable", "", None

    def table(self, name: str, dst: int) -> tuple[str, str, int | None] | None:
        network = self.gateway.network
        near = [m.Route(own.prefix, face.name) for face in network.interfaces for own in face.addresses]
        listed = list(network.routes)
        if not {one.prefix for one in near} & {one.prefix for one in listed if one.via is None}:
            listed += near
            if not any(one.prefix.prefixlen == 0 for one in listed):
                everything = ip_network("0.0.0.0/0")
                listed += [m.Route(everything, one.name) for one in network.interfaces if one.uplink]
        fitting = [one for one in listed if one.table == name and IPv4Address(dst) in one.prefix]
        if not fitting:
            return None
        best = max((one.prefix.prefixlen, -one.metric) for one in fitting)
        ways = list(
            dict.fromkeys(
                (one.kind, one.interface or "", None if one.via is None else int(one.via))
                for one in fitting
                if (one.prefix.prefixlen, -one.metric) == best
            )
        )
        if ways[0][0] == "throw":
            return None
        return ways[self.choose(len(ways))] if len(ways) > 1 else ways[0]

    def validate(self, skb: Skb) -> None:
        p = skb.packet
        if skb.iif == "lo":
            return
        if p.dst >> 24 == 127:
            raise End("drop", skb)
        if any(IPv4Address(p.src) in one for one in NEVER) or p.src in self.mine():
            raise End("drop", skb)
        mode = self.face(skb.iif or "").rp_filter
        if mode == 0:
            return
        kind, name, _ = self.lookup(p.src, p.dst, None, 0)
        if kind == "unicast" and (name == skb.iif or mode == 2):
            return
        if mode is None and self.choose(2):
            return
        raise End("drop", skb)

    # --- Ways through ---------------------------------------------------------------------------------------

    def is_bridge(self, name: str) -> bool:
        return any(face.bridge == name for face in self.gateway.network.interfaces)

    def enter(self, skb: Skb, iif: str, sent: str, crosses: bool = False) -> str:
        """How it leaves: inside, out, bridged."""
        skb.iif, skb.oif, skb.via, skb.mark, skb.state = iif, None, None, 0, m.State.INVALID
        was = skb.packet.dst
        self.hook(m.Hook.PREROUTING, skb, high=-200)
        self.track(skb, sent)
        self.hook(m.Hook.PREROUTING, skb, low=-200)
        if skb.packet.dst != was and self.is_bridge(iif):
            kind, oif, via = self.lookup(skb.packet.dst, skb.packet.src, iif, skb.mark)
            if kind == "unicast" and oif == iif and (crosses or self.sees_frames()):
                skb.oif, skb.via = oif, via
                self.validate(skb)
                return self.bridge(skb)
            return self.routed(skb, kind, oif, via)
        if skb.packet.dst == was and crosses:
            skb.oif = iif
            return self.bridge(skb)
        return self.routed(skb, *self.lookup(skb.packet.dst, skb.packet.src, iif, skb.mark))

    frames_seen: bool | None = None

    def sees_frames(self) -> bool:
        if self.frames_seen is None:
            known = self.gateway.network.bridge_nf[4]
            self.frames_seen = bool(self.choose(2)) if known is None else known
        return self.frames_seen

    def bridge(self, skb: Skb) -> str:
        self.hook(m.Hook.FORWARD, skb)
        self.hook(m.Hook.POSTROUTING, skb)
        return "bridged"

    def routed(self, skb: Skb, kind: str, oif: str, via: int | None) -> str:
        if kind == "local":
            self.validate(skb)
            self.hook(m.Hook.INPUT, skb)
            return "inside"
        forwards = self.gateway.network.forwards[4]
        if kind != "unicast" or forwards is False or (forwards is None and not self.choose(2)):
            raise End("no-route", skb)
        skb.oif, skb.via = oif, via
        self.validate(skb)
        self.hook(m.Hook.FORWARD, skb)
        self.hook(m.Hook.POSTROUTING, skb)
        return "out"

    def send(self, skb: Skb, sent: str) -> str:
        related = skb.state is m.State.RELATED
        skb.iif, skb.mark = None, 0
        if not related:
            skb.state = m.State.INVALID
        dst = skb.packet.dst
        kind, skb.oif, skb.via = self.lookup(dst, skb.packet.src, None, 0)
        if kind not in ("local", "unicast"):
            raise End("no-route", skb)
        self.hook(m.Hook.OUTPUT, skb, high=-200)
        if not related:
            self.track(skb, sent)
        self.hook(m.Hook.OUTPUT, skb, low=-200)
        if skb.packet.dst != dst or skb.mark:
            kind, skb.oif, skb.via = self.lookup(skb.packet.dst, skb.packet.src, None, skb.mark)
            if kind not in ("local", "unicast"):
                raise End("no-route", skb)
        self.hook(m.Hook.POSTROUTING, skb)
        if kind == "unicast":
            return "out"
        skb.iif, skb.oif = "lo", None
        self.hook(m.Hook.PREROUTING, skb)
        return self.routed(skb, *self.lookup(skb.packet.dst, skb.packet.src, "lo", skb.mark))


def _names(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))


# --- Everything that may happen -----------------------------------------------------------------------------


def every_outcome(run: Callable[[Choose], Outcome], limit: int = 3_000) -> set[Outcome] | None:
    """The outcomes of ``run`` over all sequences of choices; None: there are too many."""
    found: set[Outcome] = set()
    path: list[tuple[int, int]] = []  # (chosen, of how many)
    for _ in range(limit):
        at = 0

        def choose(many: int) -> int:
            nonlocal at
            if at == len(path):
                path.append((0, many))
            chosen, _ = path[at]
            at += 1
            return chosen

        found.add(run(choose))
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return found
        path[-1] = path[-1][0] + 1, path[-1][1]
    return None
