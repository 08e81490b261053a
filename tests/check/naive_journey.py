"""One connection at a time from its client to an end, beside ``naive``: hosts, their routes, and TCP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from splitdns.check import model as m
from tests.check.naive import ACK, PORTED, RST, SYN_ACK, Choose, Ct, End, Outcome, Packet, Simulator, Skb


class Lost(Exception):  # noqa: N818
    """It ended, and how."""


@dataclass(frozen=True)
class Server:
    name: str | None
    interface: str
    port: str | None = None
    host: m.Host | None = None
    near: bool = True


def connect(gateway: m.Gateway, clients: m.Clients, packet: Packet, choose: Choose) -> Outcome:
    """What becomes of one connection."""
    journey = Journey(gateway, clients, packet, Simulator(gateway, choose))
    try:
        journey.run()
    except Lost as lost:
        verdict = str(lost)
        if verdict in ("dropped", "no-route") or journey.arrived is None:
            return verdict, None, 0, 0, 0
        got = journey.arrived
        return verdict, journey.server_name, got.dst, got.dport, got.src
    raise AssertionError


class Journey:
    def __init__(self, gateway: m.Gateway, clients: m.Clients, packet: Packet, simulator: Simulator) -> None:
        self.gateway, self.clients, self.packet, self.simulator = gateway, clients, packet, simulator
        self.choose = simulator.choose
        self.ct: Ct | None = None
        self.arrived: Packet | None = None
        self.server_name: str | None = None
        self.home = self.bridge_of(clients.interface or "")
        self.through_gateway = False  # the first packet
        self.crossed = False
        self.is_apart: bool | None = None
        self.came = self.home

    def bridge_of(self, name: str) -> str:
        face = self.gateway.network.interface(name)
        return name if face is None or face.bridge is None else face.bridge

    def run(self) -> None:
        p = self.packet
        if self.clients.kind is m.Kind.GATEWAY:
            skb, left = self.pass_gateway(p, "first", send=True)
            self.after_gateway(skb, left)
            return
        to, name, router = self.client_way(p.dst)
        if to == "nobody":
            raise Lost("no-route")
        if to == "itself":
            host = self.owner(p.dst)
            assert host is not None
            self.arrived, self.server_name = p, host.name
            raise Lost("ok-direct" if self.listens(host.listens, p) else "refused")
        if to == "router":
            assert router is not None
            host = self.owner(router)
            if host is None or self.owner(p.dst) is not host:
                if self.choose(2):
                    raise Lost("no-route")
                self.arrived = p
                raise Lost("ok-routed")
            self.on_link(p, self.server(p.dst, self.home, router))
        elif to == "link":
            self.home = self.came = name or self.home
            if p.dst in self.simulator.mine():
                self.by_gateway(p)
            else:
                self.on_link(p, self.server(p.dst, self.home, None))
        else:
            self.came = name or self.home
            self.by_gateway(p)

    # --- Who is there ---------------------------------------------------------------------------------------

    def owner(self, address: int) -> m.Host | None:
        for host in self.gateway.hosts:
            if any(int(own.address) == address for own in host.addresses):
                return host
        return None

    def link_of(self, address: int) -> str | None:
        found = [
            (own.prefix.prefixlen, face.name)
            for face in self.gateway.network.interfaces
            for own in face.addresses
            if IPv4Address(address) in own.prefix
        ]
        return max(found, key=lambda one: one[0])[1] if found else None

    def server(self, address: int, interface: str, via: int | None) -> Server:
        host = self.owner(address)
        if host is None:
            return Server(None, interface, near=via is None)
        near = [own for own in host.addresses if own.prefix.prefixlen < 32]
        links = {self.link_of(int(own.address)) for own in near or host.addresses} - {None}
        if via is None and links and interface not in links:
            raise Lost("no-route")
        return Server(host.name, interface, host.port, host)

    def client_way(self, dst: int) -> tuple[str, str | None, int | None]:
        if self.clients.kind is m.Kind.HOST:
            host = next(one for one in self.gateway.hosts if one.name == self.clients.host)
            return self.host_way(host, dst, self.clients.interface or "")
        found: list[tuple[int, tuple[str, str | None, int | None]]] = []
        for route in self.clients.routes:
            if IPv4Address(dst) in route.prefix:
                found.append((route.prefix.num_addresses, self.hop(route.via)))
        network = self.clients.network
        if network is not None and dst in network:
            found.append((network.size, ("link", None, None)))
        if found:
            return min(found, key=lambda one: one[0])[1]
        default = self.clients.default_via
        return ("gateway", None, None) if default is None else self.hop(default)

    def hop(self, via: object) -> tuple[str, str | None, int | None]:
        if via is None:
            return "link", None, None
        for face in self.gateway.network.interfaces:
            if any(own.address == via for own in face.addresses):
                return "gateway", face.name, None
        return "router", None, int(via)  # type: ignore[call-overload]

    def host_way(self, host: m.Host, dst: int, interface: str) -> tuple[str, str | None, int | None]:
        if any(int(own.address) == dst for own in host.addresses):
            return "itself", None, None
        found: list[tuple[int, int, tuple[str, str | None, int | None]]] = []
        for route in host.routes:
            if IPv4Address(dst) in route.prefix:
                found.append((route.prefix.prefixlen, 2 if route.via else 1, self.hop(route.via)))
        for own in host.addresses:
            if IPv4Address(dst) in own.prefix:
                name = self.link_of(int(own.address))
                face = self.gateway.network.interface(name or interface)
                apart = face is not None and face.point_to_point
                found.append((own.prefix.prefixlen, 0, ("gateway" if apart else "link", name, None)))
        if found:
            return max(found, key=lambda one: one[:2])[2]
        if 4 not in host.default_via:
            return "gateway", None, None
        default = host.default_via[4]
        return ("nobody", None, None) if default is None else self.hop(default)

    def server_way(self, server: Server, dst: int) -> tuple[str, str | None, int | None]:
        if server.host is not None:
            return self.host_way(server.host, dst, server.interface)
        face = self.gateway.network.interface(server.interface)
        is_shared = server.near and face is not None and not face.point_to_point
        if is_shared and face and any(IPv4Address(dst) in own.prefix for own in face.addresses):
            return "link", None, None
        return "gateway", None, None

    def listens(self, listens: dict[int, object] | None, p: Packet) -> bool:
        if listens is None or p.proto == 1:
            return True
        return p.proto in listens and (p.proto not in PORTED or p.dport in listens[p.proto])  # type: ignore[operator]

    # --- There ----------------------------------------------------------------------------------------------

    def pass_gateway(
        self,
        p: Packet,
        sent: str,
        came: str = "",
        *,
        crosses: bool = False,
        send: bool = False,
        related: bool = False,
    ) -> tuple[Skb, str]:
        reply = sent in ("answer", "error", "more")
        skb = Skb(p, ct=self.ct, reply=reply and self.ct is not None)
        if related:
            skb.state = m.State.RELATED
        try:
            left = self.simulator.send(skb, sent) if send else self.simulator.enter(skb, came, sent, crosses)
        except End as end:
            self.ended(end, sent)
            raise AssertionError from end
        self.ct = skb.ct
        return skb, left

    def ended(self, end: End, sent: str) -> None:
        if end.why == "no-route":
            raise Lost("no-route")
        if end.why in ("reject", "reset") and sent == "first":
            self.told(end)
        if end.why == "reset" and sent == "later":
            raise Lost("refused")
        raise Lost("dropped")

    def told(self, end: End) -> None:
        """A rule refused the first packet; what says so has to come through."""
        skb = end.skb
        assert skb is not None
        if self.clients.kind is m.Kind.GATEWAY:
            raise Lost("refused")
        p = skb.packet
        if self.redirected(skb):
            self.frame(self.server(p.dst, skb.oif or "", None))
        if end.why == "reset" and p.proto == 6 and self.seen_as_frame(skb):
            self.arrived = None
            raise Lost("refused" if p == self.packet else "asym-reply")
        own = self.simulator.face(skb.iif or "").addresses if skb.iif not in (None, "lo") else ()
        if (end.why == "reset" and p.proto == 6) or not own:
            back = p.answer(RST)
        else:
            back = replace(p.error(), src=int(own[0].address))
        tell = Skb(back, reply=True, ct=skb.ct)
        if skb.seen_ct is not None:
            tell.state = m.State.RELATED
        else:
            tell.ct = None
        try:
            left = self.simulator.send(tell, "error")
        except End as lost:
            raise Lost("no-route" if lost.why == "no-route" else "dropped") from None
        if left == "inside":
            raise Lost("dropped")
        raise Lost("refused" if self.is_home(tell.oif) else "no-route")

    def is_home(self, oif: str | None) -> bool:
        """Whether the client is behind it; those of the internet are behind every uplink."""
        uplinks = {face.name for face in self.gateway.network.interfaces if face.uplink}
        return oif == self.home or (oif in uplinks and self.home in uplinks)

    def redirected(self, skb: Skb) -> bool:
        """Whether a rule sends it, as a frame, to somebody on the bridge by which it came."""
        return skb.iif is not None and skb.iif == skb.oif and self.seen_as_frame(skb) and (
            skb.packet.dst != self.packet.dst
        )

    def seen_as_frame(self, skb: Skb) -> bool:
        if skb.iif is None or not self.simulator.is_bridge(skb.iif):
            return False
        seen = self.simulator.frames_seen
        return bool(self.gateway.network.bridge_nf[4] if seen is None else seen)

    def by_gateway(self, p: Packet) -> None:
        self.through_gateway = True
        skb, left = self.pass_gateway(p, "first", self.came)
        self.after_gateway(skb, left)

    def after_gateway(self, skb: Skb, left: str) -> None:
        self.through_gateway = True
        if left == "inside":
            self.meet_gateway(skb)
            return
        server = self.server(skb.packet.dst, skb.oif or "", skb.via)
        if left == "bridged":
            self.frame(server)
        self.meet(skb.packet, server)

    def apart(self, server: Server) -> tuple[bool, bool]:
        """Whether client and server are behind different ports, and whether a port may turn frames round."""
        if self.clients.host is not None and self.clients.host == server.name:
            known: bool | None = False
        elif self.clients.port is not None and server.port is not None:
            known = self.clients.port != server.port
        else:
            known = None
        if known is not None:
            self.is_apart = known
            face = self.gateway.network.interface(self.clients.port or server.port or "")
            return known, face is not None and face.hairpin
        if self.is_apart is None:
            self.is_apart = bool(self.choose(2))
        return self.is_apart, False

    def frame(self, server: Server) -> None:
        is_apart, may_turn = self.apart(server)
        if not is_apart and not may_turn:
            raise Lost("dropped")

    def on_link(self, p: Packet, server: Server) -> None:
        if self.crosses(self.home, server):
            self.crossed = True
            self.through_gateway = True
            skb, left = self.pass_gateway(p, "first", self.home, crosses=True)
            self.after_gateway(skb, left)
        else:
            self.meet(p, server)

    def crosses(self, interface: str, server: Server) -> bool:
        """Whether frames cross a bridge whose frames the rules see."""
        if not self.simulator.is_bridge(interface) or self.gateway.network.bridge_nf[4] is False:
            return False
        is_apart, _ = self.apart(server)
        return is_apart and self.simulator.sees_frames()

    # --- And back -------------------------------------------------------------------------------------------

    def meet_gateway(self, skb: Skb) -> None:
        p = skb.packet
        self.arrived, self.server_name = p, ""
        if p.proto == 1 and p.dport != 8:
            raise Lost("router-self")
        is_open = self.listens(self.gateway.listens, p)  # type: ignore[arg-type]
        if is_open or p.proto == 6:
            answer, sent = p.answer(SYN_ACK if is_open else RST), "answer"
        else:
            answer, sent = p.error(), "error"
        related = sent == "error" and skb.seen_ct is not None
        back, left = self.pass_gateway(answer, sent, send=True, related=related)
        self.returned(back, left, is_open, None)

    def meet(self, p: Packet, server: Server) -> None:
        self.arrived, self.server_name = p, server.name
        if p.proto == 1 and p.dport != 8:
            self.done()
        to, name, router = self.server_way(server, p.src)
        if to == "itself":
            raise Lost("self-loop")
        is_open = server.host is None or self.listens(server.host.listens, p)  # type: ignore[arg-type]
        if is_open or p.proto == 6:
            answer, sent = p.answer(SYN_ACK if is_open else RST), "answer"
        else:
            answer, sent = p.error(), "error"
        interface = name or server.interface
        if to == "nobody":
            raise Lost("no-route")
        if to == "router":
            if (p.dst, p.dport) != (self.packet.dst, self.packet.dport):
                self.by_router(server, router, is_open=is_open)
            if self.choose(2):
                raise Lost("no-route")
            self.delivered(Skb(answer), is_open, interface, None)
        elif to == "gateway" or answer.dst in self.simulator.mine():
            back, left = self.pass_gateway(answer, sent, interface)
            if left == "bridged":
                self.frame(server)
            self.returned(back, left, is_open, (interface, False))
        else:
            if self.packet.src != answer.dst or self.home != interface:
                raise Lost("no-route")
            if self.crosses(interface, server):
                back, left = self.pass_gateway(answer, sent, interface, crosses=True)
                if left == "bridged":
                    self.frame(server)
                self.returned(back, left, is_open, (interface, True))
            self.delivered(Skb(answer), is_open, interface, None)

    def by_router(self, server: Server, router: int | None, *, is_open: bool) -> None:
        """A translated reply to another router: a bridge on its way may put it right."""
        host = None if router is None else self.owner(router)
        may_cross = self.simulator.is_bridge(server.interface) and not (
            host is not None and host.port is not None and host.port == server.port
        )
        seen = self.simulator.frames_seen
        seen = self.gateway.network.bridge_nf[4] if seen is None else seen
        if not may_cross or seen is False:
            raise Lost("asym-reply")
        how = self.choose(3)
        if how < 2:
            raise Lost(("asym-reply", "no-route")[how])
        assert self.ct is not None
        self.ct.replied = True
        if not is_open:
            raise Lost("refused")
        if self.packet.proto == 6:
            self.go_on(m.State.NEW, None)
        self.done()

    def returned(self, skb: Skb, left: str, is_open: bool, came: tuple[str, bool] | None) -> None:
        """``came``: by which interface the reply entered the gateway, and whether as a frame that crosses."""
        is_gateway = self.clients.kind is m.Kind.GATEWAY
        if left == "inside":
            if not is_gateway:
                raise Lost("asym-reply")
        elif is_gateway or not self.is_home(skb.oif):
            raise Lost("no-route")
        self.delivered(skb, is_open, "", came or ("", False))

    def delivered(self, skb: Skb, is_open: bool, _: str, came: tuple[str, bool] | None) -> None:
        asked, got = self.packet, self.arrived
        assert got is not None
        reply = skb.packet
        if not is_open and reply.proto != asked.proto and asked.proto != 6:
            if skb.state is m.State.RELATED:
                good = (reply.src, reply.dst) == (asked.dst, asked.src)
            else:
                good = replace(got, flags=0) == replace(asked, flags=0)
        else:
            good = replace(reply, flags=0) == asked.answer(0)
        if not good:
            raise Lost("asym-reply")
        if not is_open:
            raise Lost("refused")
        if asked.proto == 6:
            self.go_on(skb.state, came)
        self.done()

    def go_on(self, answered_in: m.State, came: tuple[str, bool] | None) -> None:
        later = replace(self.packet, flags=ACK)
        had = self.ct
        if self.through_gateway:
            is_gateway = self.clients.kind is m.Kind.GATEWAY
            skb, _ = self.pass_gateway(later, "later", self.came, crosses=self.crossed, send=is_gateway)
            if replace(skb.packet, flags=0) != replace(self.arrived or later, flags=0):
                raise Lost("asym-reply")
        if came is not None and had is None and answered_in is m.State.INVALID:
            assert self.arrived is not None
            more = self.arrived.answer(ACK)
            skb, _ = self.pass_gateway(more, "more", came[0], crosses=came[1], send=came[0] == "")
            if replace(skb.packet, flags=0) != self.packet.answer(0):
                raise Lost("asym-reply")

    def done(self) -> None:
        got, asked = self.arrived, self.packet
        assert got is not None
        if self.server_name == "":
            raise Lost("router-self")
        if (got.dst, got.dport) != (asked.dst, asked.dport):
            raise Lost("ok-dnat" if got.src == asked.src else "ok-hairpin")
        raise Lost("ok-direct" if self.crossed or not self.through_gateway else "ok-routed")


