"""What the server answers, and whether the client takes it.

The server answers the source that it sees, on the way that its own routes name. The client accepts only the
mirror of what it sent: the hairpin that fails, fails there, and nothing here knows of hairpins.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.conditions import PORTED
from splitdns.check.flows import CONSTANT, Flow, Header, split_equal
from splitdns.check.neighbours import GATEWAY, Neighbours, Server, To, Way
from splitdns.check.netfilter import End, Exit, Netfilter, Sent
from splitdns.check.results import Ending
from splitdns.check.rules import ICMP, ICMP6, TCP, State
from splitdns.check.sets import Numbers
from splitdns.check.sources import Link, link, same
from splitdns.check.verdict import Verdict

SYN, _SYN_ACK, _ACK, _RST_ACK = 2, 18, 16, 20
# The types of ICMP messages that ask for an answer, and the answer's (nf_conntrack_proto_icmp.c, …icmpv6.c).
ANSWERED = {4: {8: 0, 13: 14, 15: 16, 17: 18}, 6: {128: 129, 139: 140}}
UNREACHABLE = {4: (ICMP, 3), 6: (ICMP6, 1)}
FORWARD, BACK = 1, 2  # which of the two ways led through the gateway


class Answers:
    """The way back, and what becomes of it: of one question, and one class of protocols."""

    def __init__(self, netfilter: Netfilter, neighbours: Neighbours, protocols: Numbers) -> None:
        self.endings: list[Ending] = []
        self._netfilter = netfilter
        self._terrain = netfilter.terrain
        self._bridges = netfilter.bridges
        self._neighbours = neighbours
        self._family = netfilter.terrain.family
        self._is_tcp = protocols == Numbers.one(TCP)
        self._is_icmp = protocols == Numbers.one(UNREACHABLE[self._family][0])
        self._reply_type = 0  # of ICMP

    def begin(self, ports: Numbers) -> bool:
        """Take the types of ICMP messages, where it is ICMP; whether nothing answers them."""
        if not self._is_icmp:
            return False
        answered = ANSWERED[self._family].get(-1 if ports.single is None else ports.single)
        self._reply_type = answered or 0
        return answered is None

    # --- The server -----------------------------------------------------------------------------------------

    def frames(self, flow: Flow, left: Exit, server: Server | None) -> Iterator[Flow]:
        """Those parts of what is sent on as frames that there is a port for."""
        if left is not Exit.BRIDGED or server is None:
            yield flow
            return
        for part, is_apart, may_turn in self._bridges.apart(flow, server):
            if is_apart or may_turn:
                yield part
            else:
                says = "a bridge sends no frame back by the port by which it came"
                self.end(part.stopped("bridge", says), Verdict.DROPPED)

    def widened(self, flow: Flow) -> Flow:
        """Frames that cross a bridge may be dropped by chains of its own."""
        unsure = self._bridges.widened(flow)
        if unsure is None:
            return flow
        self.end(unsure.stopped("bridge", "chains of the bridge may drop it"), Verdict.DROPPED)
        return unsure

    def met(self, flow: Flow, server: Server | None) -> None:
        """The first packet has come to ``server``; None: to nobody who would answer."""
        if server is None:
            self.end(flow.stopped("server", "nobody on that link has the address"), Verdict.NO_ROUTE)
            return
        header = flow.header
        flow = flow._replace(arrived=header, server=server.name).stopped("server")
        if flow.one_way:
            self._done(flow)
            return
        if server.name == GATEWAY:
            for part, is_open in self.listening(flow, server.listens):
                self._answer_of_gateway(part, is_open)
            return
        for part, way in server.ways.split(flow, header.source):
            if way.to is To.ITSELF:
                self.end(part.stopped("server", "the source is its own address"), Verdict.SELF_LOOP)
                continue
            for one, is_open in self.listening(part, server.listens):
                self._answer(one, server, way, is_open)

    def listening(self, flow: Flow, listens: dict[int, Numbers] | None) -> Iterator[tuple[Flow, bool]]:
        """``flow`` in parts: whether something listens there. An echo is always answered."""
        if listens is None or self._is_icmp:
            yield flow, True
            return
        rest: Flow | None = flow
        for protocol, ports in listens.items():
            if rest is None:
                return
            part, rest = rest.split(rest.header.protocol, Numbers.one(protocol))
            if part is not None and protocol in PORTED:
                is_open, closed = part.split(part.header.destination_port, ports)
                both = ((is_open, True), (closed, False))
                yield from ((one, state) for one, state in both if one is not None)
            elif part is not None:
                yield part, True
        if rest is not None:
            yield rest, False

    # --- The answer -----------------------------------------------------------------------------------------

    def _answering(self, flow: Flow, is_open: bool) -> tuple[Flow, Sent]:
        """The server's answer: what it has to say, or that nobody listens there."""
        assert flow.arrived is not None
        got = flow.arrived
        flow = flow._replace(refused=not is_open, is_reply=flow.connection is not None)
        if is_open or self._is_tcp:
            flags = _SYN_ACK if is_open else _RST_ACK
            return flow._replace(header=self._mirror(got), flags=flags), Sent.ANSWER
        return flow._replace(header=self._error(got)), Sent.ERROR

    def _mirror(self, header: Header) -> Header:
        back = Header(
            header.destination, header.source, header.protocol, header.destination_port, header.source_port
        )
        if self._is_icmp:
            return back._replace(source_port=(CONSTANT, 0), destination_port=(CONSTANT, self._reply_type))
        return back

    def _error(self, header: Header) -> Header:
        protocol, kind = UNREACHABLE[self._family]
        what = (CONSTANT, protocol), (CONSTANT, 0), (CONSTANT, kind)
        return Header(header.destination, header.source, *what)

    def _answer_of_gateway(self, flow: Flow, is_open: bool) -> None:
        answer, sent = self._answering(flow, is_open)
        state = State.INVALID
        if sent is Sent.ERROR and flow.tracked is not None:
            state = State.RELATED
        answer = answer._replace(passed=answer.passed | BACK, state=state)
        for left, part in self._netfilter.send(answer, sent, self._back_ended):
            self._back(part, left)

    def _answer(self, flow: Flow, server: Server, way: Way, is_open: bool) -> None:
        answer, sent = self._answering(flow, is_open)
        match way.to:
            case To.GATEWAY:
                self._back_by_gateway(answer, way.interface or server.interface, server, sent)
            case To.LINK:
                own, rest = answer.split(answer.header.destination, self._terrain.own)
                interface = way.interface or server.interface
                if own is not None:
                    self._back_by_gateway(own, interface, server, sent)
                if rest is not None:
                    self._back_on_link(rest, interface, server, sent)
            case To.ROUTER:
                self._back_by_router(answer, way, server)
            case _:
                self.end(answer.stopped("reply", "the server has no route back"), Verdict.NO_ROUTE)

    def _back_by_gateway(self, flow: Flow, interface: str, server: Server, sent: Sent) -> None:
        self._enter_back(flow.stopped("reply", "to the gateway"), interface, server, sent)

    def _enter_back(self, flow: Flow, interface: str, server: Server, sent: Sent) -> None:
        came = link(interface)
        flow = flow._replace(passed=flow.passed | BACK, came_back=came)
        through = self._netfilter.enter(flow, came, sent, self._back_ended, crosses=flow.crossed_back)
        for left, part in through:
            for frame in self.frames(part, left, server):
                self._back(frame, left)

    def _back_on_link(self, flow: Flow, interface: str, server: Server, sent: Sent) -> None:
        flow = flow.stopped("reply", "on the link, past the gateway")
        if flow.header.destination != flow.asked.source:
            self.end(flow.stopped("reply", "nobody on the link has that address"), Verdict.NO_ROUTE)
            return
        here, elsewhere = flow.split_who(same(flow.home, link(interface)))
        if elsewhere is not None:
            says = "the client is not on the server's link"
            self.end(elsewhere.stopped("reply", says), Verdict.NO_ROUTE)
        if here is None:
            return
        for part, crosses, is_seen in self._bridges.crossing(here, interface, server):
            if crosses:
                part = self.widened(part)
            if is_seen:
                self._enter_back(part._replace(crossed_back=True), interface, server, sent)
            else:
                self._delivered(part)

    def _back_by_router(self, flow: Flow, way: Way, server: Server) -> None:
        flow = flow.stopped("reply", "to another router, past the gateway")
        unsure = flow.unsure("what another router does with the reply is not known")
        if not _is_translated(flow):
            self.end(unsure, Verdict.NO_ROUTE)
            self._delivered(unsure)
        elif self._may_cross(flow, way, server):  # and be put right on the bridge
            self.end(unsure, Verdict.NO_ROUTE)
            self.end(unsure, Verdict.ASYM_REPLY)
            assert unsure.connection is not None
            self._accepted(unsure._replace(connection=unsure.connection._replace(replied=True)))
        else:
            self.end(flow, Verdict.ASYM_REPLY)

    def _may_cross(self, flow: Flow, way: Way, server: Server) -> bool:
        """Whether rules may see the frames from ``server`` to the other router of ``way``."""
        router = self._neighbours.router(way)
        port = None if router is None else router.port
        if port is not None and port == server.port:
            return False
        return self._bridges.sees_frames(flow, server.interface) is not False

    def _back(self, flow: Flow, left: Exit) -> None:
        """The reply has come through the gateway, or ends there."""
        inside = left is Exit.INSIDE
        if inside is (flow.home == ()):
            if inside:
                self._delivered(flow)
                return
            if (here := self._at_home(flow)) is not None:
                self._delivered(here)
        elif inside:
            self.end(flow.stopped("reply", "the reply ends at the gateway"), Verdict.ASYM_REPLY)
        else:
            self.end(flow.stopped("reply", "the reply leaves the gateway"), Verdict.NO_ROUTE)

    def _at_home(self, flow: Flow) -> Flow | None:
        """What leaves the gateway by the link of its client; the rest ends."""
        home = flow.home
        if any(name in self._terrain.uplinks for name, _ in home):
            home = self._behind_uplinks(home)
        here, elsewhere = flow.split_who(same(home, flow.outgoing or ()))
        if elsewhere is not None:
            says = "the client is not on the link by which the reply leaves"
            self.end(elsewhere.stopped("reply", says), Verdict.NO_ROUTE)
        return here

    def _behind_uplinks(self, home: Link) -> Link:
        """Clients of the internet are behind every uplink."""
        uplinks = self._terrain.uplinks
        return tuple(
            (name, mask) for its, mask in home for name in (sorted(uplinks) if its in uplinks else (its,))
        )

    def _delivered(self, flow: Flow) -> None:
        """At the client, which takes only the mirror of what it sent."""
        assert flow.arrived is not None
        wanted = self._mirror(flow.asked)
        got = flow.header
        if flow.refused and not self._is_tcp:  # the packet quoted in an ICMP error has to be the client's
            if flow.state is State.RELATED:  # conntrack has put right its addresses and what it quotes
                wanted = self._error(flow.asked)
            else:
                got, wanted = flow.arrived, flow.asked
        right, wrong = [flow], []
        for at in range(len(wanted)):
            equal: list[Flow] = []
            for one in right:
                both, other = split_equal(one, got[at], wanted[at])
                equal += both
                wrong += other
            right = equal
        for one in wrong:
            says = "the reply is not from where the client wrote to"
            self.end(one.stopped("client again", says), Verdict.ASYM_REPLY)
        for one in right:
            self._accepted(one)

    def _accepted(self, flow: Flow) -> None:
        flow = flow.stopped("client again")
        if flow.refused:
            self.end(flow, Verdict.REFUSED)
        elif not self._is_tcp:
            self._done(flow)
        else:
            self._go_on(flow)

    def _go_on(self, flow: Flow) -> None:
        """The rest of TCP's handshake, and data, where the gateway sees them in another state."""
        had_no_connection = flow.connection is None and flow.state is State.INVALID
        parts = [flow]
        if flow.passed & FORWARD:
            later = flow._replace(header=flow.asked, is_reply=False, flags=_ACK)
            if flow.home:
                came = flow.came or flow.home
                through = self._netfilter.enter(
                    later, came, Sent.LATER, self._later_ended, crosses=flow.crossed
                )
            else:
                through = self._netfilter.send(later, Sent.LATER, self._later_ended)
            parts = list(self._unchanged(through, flow.arrived, "the client's data is translated"))
        if flow.passed & BACK and had_no_connection:
            parts = [one for part in parts for one in self._more(part)]
        for part in parts:
            self._done(part)

    def _more(self, flow: Flow) -> Iterator[Flow]:
        """The server's data, whose answer belonged to no connection: it may be translated anew."""
        assert flow.arrived is not None
        is_reply = flow.connection is not None
        data = flow._replace(header=self._mirror(flow.arrived), is_reply=is_reply, flags=_ACK)
        if flow.came_back is None:
            through = self._netfilter.send(data, Sent.MORE, self._back_ended)
        else:
            through = self._netfilter.enter(
                data, flow.came_back, Sent.MORE, self._back_ended, crosses=flow.crossed_back
            )
        yield from self._unchanged(through, self._mirror(flow.asked), "the server's data is translated")

    def _unchanged(
        self, through: Iterator[tuple[Exit, Flow]], wanted: Header | None, otherwise: str
    ) -> Iterator[Flow]:
        """Those parts that come out as ``wanted``, as part of the same connection."""
        for _, part in through:
            if part.header == wanted:
                yield part
            else:
                self.end(part.stopped("client again", otherwise), Verdict.ASYM_REPLY)

    # --- Ends -----------------------------------------------------------------------------------------------

    def _done(self, flow: Flow) -> None:
        assert flow.arrived is not None
        if flow.server == GATEWAY:
            verdict = Verdict.ROUTER_SELF
        elif not _is_translated(flow):
            is_direct = flow.crossed or not flow.passed & FORWARD
            verdict = Verdict.OK_DIRECT if is_direct else Verdict.OK_ROUTED
        else:
            verdict = Verdict.OK_DNAT if flow.arrived.source == flow.asked.source else Verdict.OK_HAIRPIN
        self.end(flow, verdict)

    def end(self, flow: Flow, verdict: Verdict | None) -> None:
        self.endings.append(Ending(flow, verdict))

    def first_ended(self, flow: Flow, end: End) -> None:
        if end in (End.REJECTED, End.RESET):
            self._told(flow, end is End.RESET and self._is_tcp)
        else:
            self._ended(flow, end)

    def _back_ended(self, flow: Flow, end: End) -> None:
        self._ended(flow, End.DROPPED if end in (End.REJECTED, End.RESET) else end)

    def _later_ended(self, flow: Flow, end: End) -> None:
        if end is End.RESET:
            self.end(flow, Verdict.REFUSED)
        else:
            self._back_ended(flow, end)

    def _ended(self, flow: Flow, end: End) -> None:
        match end:
            case End.NO_ROUTE:
                self.end(flow, Verdict.NO_ROUTE)
            case End.GIVEN_UP:
                self.end(flow, None)
            case End.OPAQUE:
                self.end(flow, Verdict.DROPPED)
                self.end(flow._replace(arrived=flow.header, server=GATEWAY), Verdict.ROUTER_SELF)
            case _:
                self.end(flow, Verdict.DROPPED)

    def _told(self, flow: Flow, reset: bool) -> None:
        """A rule refused the first packet: what tells the client of it has to come through, too."""
        if not flow.home:
            self.end(flow, Verdict.REFUSED)
            return
        for part in self._sent_out(flow):
            if not reset or not self._told_as_frame(part):
                self._tell(part, reset)

    def _sent_out(self, flow: Flow) -> Iterator[Flow]:
        """Those parts for which there is a port: a bridge asks for one before it asks the rules."""
        if not flow.redirected:
            yield flow
            return
        for name, mask in flow.outgoing or ():
            part, _ = flow.split_who(mask)
            if part is not None:
                for one, server in self._neighbours.servers(part, name, None):
                    yield from self.frames(one, Exit.BRIDGED, server)

    def _told_as_frame(self, flow: Flow) -> bool:
        """A reset to a frame goes back as a frame, and nothing of it is translated (nf_send_reset)."""
        names = [name for name, _ in flow.incoming or ()]
        if len(names) != 1 or self._bridges.sees_frames(flow, names[0]) is not True:
            return False
        verdict = Verdict.REFUSED if flow.header == flow.asked else Verdict.ASYM_REPLY
        self.end(flow.stopped("client again", "a reset as a frame, untranslated"), verdict)
        return True

    def _tell(self, flow: Flow, reset: bool) -> None:
        state = State.INVALID if flow.tracked is None else State.RELATED
        for part, source in self._terrain.redirect_targets(flow):
            if reset or source is None:
                header = self._mirror(part.header)
            else:
                header = self._error(part.header)._replace(source=(CONSTANT, source.first))
            told = part._replace(header=header, state=state, is_reply=True, flags=_RST_ACK)
            for left, one in self._netfilter.send(told, Sent.ERROR, self._back_ended):
                if left is Exit.INSIDE:
                    self.end(one, Verdict.DROPPED)
                elif (here := self._at_home(one)) is not None:
                    self.end(here.stopped("client again", "refused"), Verdict.REFUSED)


def _is_translated(flow: Flow) -> bool:
    """Whether the server got another destination than the client sent to."""
    got, sent = flow.arrived, flow.asked
    assert got is not None
    return (got.destination, got.destination_port) != (sent.destination, sent.destination_port)
