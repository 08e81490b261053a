"""One connection from its client to an end, and back.

A client sends; the gateway, or nobody, passes it on; somebody has the address and answers the source that he
sees, on the way that his own routes name; and the client takes the answer only if it is the mirror of what it
sent. Every verdict is read off that walk. Nothing in it knows of port forwards or hairpins.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.boundaries import internet
from splitdns.check.conditions import PORTED
from splitdns.check.flows import CONSTANT, Flow, Header, split_equal, start
from splitdns.check.neighbours import GATEWAY, Neighbours, Server, To, Way, by_way
from splitdns.check.netfilter import End, Netfilter, Sent
from splitdns.check.network import Kind
from splitdns.check.results import Ending
from splitdns.check.rules import ICMP, ICMP6, TCP, State
from splitdns.check.sets import Numbers
from splitdns.check.sources import Link, Sources, link, same
from splitdns.check.verdict import EPHEMERAL, Verdict

_SYN, _SYN_ACK, _ACK, _RST_ACK = 2, 18, 16, 20
# The types of ICMP messages that ask for an answer, and the answer's (nf_conntrack_proto_icmp.c, …icmpv6.c).
ANSWERED = {4: {8: 0, 13: 14, 15: 16, 17: 18}, 6: {128: 129, 139: 140}}
UNREACHABLE = {4: (ICMP, 3), 6: (ICMP6, 1)}
_FORWARD, _BACK = 1, 2  # which of the two ways led through the gateway


class Journey:
    """The connections of one question and one class of protocols."""

    def __init__(
        self, netfilter: Netfilter, neighbours: Neighbours, sources: Sources, protocols: Numbers
    ) -> None:
        self.endings: list[Ending] = []
        self._netfilter = netfilter
        self._terrain = netfilter.terrain
        self._neighbours = neighbours
        self._sources = sources
        self._family = netfilter.terrain.family
        self._is_tcp = protocols == Numbers.one(TCP)
        self._is_icmp = protocols == Numbers.one(UNREACHABLE[self._family][0])
        self._reply_type = 0  # of ICMP

    # --- The client -----------------------------------------------------------------------------------------

    def set_out(self, destination: Numbers, protocols: Numbers, ports: Numbers) -> None:
        """Walk everything that the clients send there."""
        one_way = False
        if self._is_icmp:
            answered = ANSWERED[self._family].get(-1 if ports.single is None else ports.single)
            one_way, self._reply_type = answered is None, answered or 0
        ways = []
        homes: list[tuple[str, int]] = []
        for which, clients in enumerate(self._sources.clients):
            mask = self._sources.masks[which]
            if clients.kind is Kind.GATEWAY:
                flow = start(self._sources, mask, (destination, protocols, EPHEMERAL, ports), ())
                self._from_gateway(flow._replace(one_way=one_way))
            else:
                ways.append((mask, self._neighbours.client_ways(clients)))
                homes.append((clients.interface or "", mask))
        for way, numbers, mask in by_way(ways, destination):
            home = tuple((name, its & mask) for name, its in homes if its & mask)
            flow = start(self._sources, mask, (numbers, protocols, EPHEMERAL, ports), home)
            self._sent(flow._replace(one_way=one_way), way)

    def _from_gateway(self, flow: Flow) -> None:
        flow = flow._replace(flags=_SYN, passed=_FORWARD).stopped("client")
        for inside, part in self._netfilter.send(flow, Sent.FIRST, self._first_ended):
            self._through(part, inside)

    def _sent(self, flow: Flow, way: Way) -> None:
        flow = flow._replace(flags=_SYN)
        match way.to:
            case To.GATEWAY:
                came = flow.home if way.interface is None else link(way.interface)
                self._to_gateway(flow.stopped("client", "to the gateway"), came)
            case To.ELSEWHERE:
                self._by_the_internet(flow)
            case To.LINK:
                self._on_link(flow if way.interface is None else flow._replace(home=link(way.interface)))
            case To.ITSELF:
                self._itself(flow)
            case To.ROUTER:
                self._to_router(flow, way)
            case To.NOBODY:
                self._end(flow.stopped("client", "no route to the destination"), Verdict.NO_ROUTE)

    def _to_gateway(self, flow: Flow, came: Link) -> None:
        flow = flow._replace(passed=_FORWARD, came=came)
        for inside, part in self._netfilter.enter(flow, came, Sent.FIRST, self._first_ended):
            self._through(part, inside)

    def _by_the_internet(self, flow: Flow) -> None:
        """Past the tunnel: as some client of the internet, whose address is not the client's own."""
        elsewhere, source = flow.choose(internet(self._terrain))
        header = elsewhere.header._replace(source=source)
        for name in sorted(self._terrain.uplinks):
            flow = elsewhere._replace(header=header, asked=header, home=link(name))
            if len(self._terrain.uplinks) > 1:
                flow = flow.unsure("of several uplinks one is taken")
            self._to_gateway(flow.stopped("client", "by the internet, past the tunnel"), link(name))
        if not self._terrain.uplinks:
            self._end(flow.stopped("client", "past the tunnel, but no uplink is known"), Verdict.NO_ROUTE)

    def _on_link(self, flow: Flow) -> None:
        own, rest = flow.split(flow.header.destination, self._terrain.own)
        if own is not None:
            self._to_gateway(own.stopped("client", "to the gateway"), own.home)
        if rest is None:
            return
        for name, mask in rest.home:
            part, _ = rest.split_who(mask)
            if part is not None:
                part = part.stopped("client", "on the link")
                for one, server in self._neighbours.servers(part, name, None):
                    self._met(one, server)

    def _itself(self, flow: Flow) -> None:
        for host_flow, host in self._neighbours.owners(flow):
            arrived = host_flow._replace(
                arrived=host_flow.header, server=None if host is None else host.name
            ).stopped("server", "the client itself")
            for part, is_open in self._listening(arrived, None if host is None else host.listens):
                self._end(part, Verdict.OK_DIRECT if is_open else Verdict.REFUSED)

    def _to_router(self, flow: Flow, way: Way) -> None:
        """To another router: where that is a host with the address, he has it; of others nothing is known."""
        router = self._neighbours.router(way)
        for part, host in self._neighbours.owners(flow):
            if router is not None and host is router:
                for name, mask in part.home:
                    one, _ = part.split_who(mask)
                    if one is not None:
                        self._met_at(one.stopped("client", f"to {router.name}"), name, way)
            else:
                unsure = part.unsure("what another router does with the packets is not known")
                unsure = unsure.stopped("client", "to another router")
                self._end(unsure, Verdict.NO_ROUTE)
                self._end(unsure._replace(arrived=unsure.header), Verdict.OK_ROUTED)

    def _met_at(self, flow: Flow, interface: str, way: Way) -> None:
        for part, server in self._neighbours.servers(flow, interface, way.router):
            self._met(part, server)

    # --- The server -----------------------------------------------------------------------------------------

    def _through(self, flow: Flow, inside: bool) -> None:
        """The first packet has come through the gateway, or to it."""
        if inside:
            self._met(flow, self._neighbours.gateway)
            return
        for name, mask in flow.outgoing or ():
            part, _ = flow.split_who(mask)
            if part is not None:
                for one, server in self._neighbours.servers(part, name, flow.via):
                    self._met(one, server)

    def _met(self, flow: Flow, server: Server | None) -> None:
        if server is None:
            self._end(flow.stopped("server", "nobody on that link has the address"), Verdict.NO_ROUTE)
            return
        header = flow.header
        flow = flow._replace(arrived=header, server=server.name).stopped("server")
        if flow.one_way:
            self._done(flow)
            return
        if server.name == GATEWAY:
            for part, is_open in self._listening(flow, server.listens):
                self._answer_of_gateway(part, is_open)
            return
        for part, way in server.ways.split(flow, header.source):
            if way.to is To.ITSELF:
                self._end(part.stopped("server", "the source is its own address"), Verdict.SELF_LOOP)
                continue
            for one, is_open in self._listening(part, server.listens):
                self._answer(one, server, way, is_open)

    def _listening(self, flow: Flow, listens: dict[int, Numbers] | None) -> Iterator[tuple[Flow, bool]]:
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
        answer = answer._replace(passed=answer.passed | _BACK, state=state)
        for inside, part in self._netfilter.send(answer, sent, self._back_ended):
            self._back(part, inside)

    def _answer(self, flow: Flow, server: Server, way: Way, is_open: bool) -> None:
        answer, sent = self._answering(flow, is_open)
        match way.to:
            case To.GATEWAY:
                self._back_by_gateway(answer, way.interface or server.interface, sent)
            case To.LINK:
                own, rest = answer.split(answer.header.destination, self._terrain.own)
                interface = way.interface or server.interface
                if own is not None:
                    self._back_by_gateway(own, interface, sent)
                if rest is not None:
                    self._back_on_link(rest, interface)
            case To.ROUTER:
                self._back_by_router(answer)
            case _:
                self._end(answer.stopped("reply", "the server has no route back"), Verdict.NO_ROUTE)

    def _back_by_gateway(self, flow: Flow, interface: str, sent: Sent) -> None:
        came = link(interface)
        flow = flow._replace(passed=flow.passed | _BACK, came_back=came).stopped("reply", "to the gateway")
        for inside, part in self._netfilter.enter(flow, came, sent, self._back_ended):
            self._back(part, inside)

    def _back_on_link(self, flow: Flow, interface: str) -> None:
        flow = flow.stopped("reply", "on the link, past the gateway")
        if flow.header.destination != flow.asked.source:
            self._end(flow.stopped("reply", "nobody on the link has that address"), Verdict.NO_ROUTE)
            return
        here, elsewhere = flow.split_who(same(flow.home, link(interface)))
        if elsewhere is not None:
            says = "the client is not on the server's link"
            self._end(elsewhere.stopped("reply", says), Verdict.NO_ROUTE)
        if here is not None:
            self._delivered(here)

    def _back_by_router(self, flow: Flow) -> None:
        flow = flow.stopped("reply", "to another router, past the gateway")
        if _is_translated(flow):
            self._end(flow, Verdict.ASYM_REPLY)
            return
        unsure = flow.unsure("what another router does with the reply is not known")
        self._end(unsure, Verdict.NO_ROUTE)
        self._delivered(unsure)

    def _back(self, flow: Flow, inside: bool) -> None:
        """The reply has come through the gateway, or ends there."""
        if inside is (flow.home == ()):
            if inside:
                self._delivered(flow)
                return
            if (here := self._at_home(flow)) is not None:
                self._delivered(here)
        elif inside:
            self._end(flow.stopped("reply", "the reply ends at the gateway"), Verdict.ASYM_REPLY)
        else:
            self._end(flow.stopped("reply", "the reply leaves the gateway"), Verdict.NO_ROUTE)

    def _at_home(self, flow: Flow) -> Flow | None:
        """What leaves the gateway by the link of its client; the rest ends."""
        home = flow.home
        if any(name in self._terrain.uplinks for name, _ in home):
            home = self._widened(home)
        here, elsewhere = flow.split_who(same(home, flow.outgoing or ()))
        if elsewhere is not None:
            says = "the client is not on the link by which the reply leaves"
            self._end(elsewhere.stopped("reply", says), Verdict.NO_ROUTE)
        return here

    def _widened(self, home: Link) -> Link:
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
            self._end(one.stopped("client again", says), Verdict.ASYM_REPLY)
        for one in right:
            self._accepted(one)

    def _accepted(self, flow: Flow) -> None:
        flow = flow.stopped("client again")
        if flow.refused:
            self._end(flow, Verdict.REFUSED)
        elif not self._is_tcp:
            self._done(flow)
        else:
            self._go_on(flow)

    def _go_on(self, flow: Flow) -> None:
        """The rest of TCP's handshake, and data, where the gateway sees them in another state."""
        answered_in = flow.state
        parts = [flow]
        if flow.passed & _FORWARD:
            later = flow._replace(header=flow.asked, is_reply=False, flags=_ACK)
            if flow.home:
                through = self._netfilter.enter(later, flow.came or flow.home, Sent.LATER, self._later_ended)
            else:
                through = self._netfilter.send(later, Sent.LATER, self._later_ended)
            parts = [part for _, part in through]
        if flow.passed & _BACK and flow.connection is None and answered_in is State.INVALID:
            parts = [one for part in parts for one in self._more(part)]
        for part in parts:
            self._done(part)

    def _more(self, flow: Flow) -> Iterator[Flow]:
        """The server's data, of which the gateway saw no connection until now: it may be translated anew."""
        assert flow.arrived is not None
        data = flow._replace(header=self._mirror(flow.arrived), flags=_ACK)
        if flow.came_back is None:
            through = self._netfilter.send(data, Sent.MORE, self._later_ended)
        else:
            through = self._netfilter.enter(data, flow.came_back, Sent.MORE, self._later_ended)
        for _, part in through:
            if part.header == self._mirror(part.asked):
                yield part
            else:
                says = "the server's data is translated"
                self._end(part.stopped("client again", says), Verdict.ASYM_REPLY)

    # --- Ends -----------------------------------------------------------------------------------------------

    def _done(self, flow: Flow) -> None:
        assert flow.arrived is not None
        if flow.server == GATEWAY:
            verdict = Verdict.ROUTER_SELF
        elif not flow.passed & _FORWARD:
            verdict = Verdict.OK_DIRECT
        elif not _is_translated(flow):
            verdict = Verdict.OK_ROUTED
        else:
            verdict = Verdict.OK_DNAT if flow.arrived.source == flow.asked.source else Verdict.OK_HAIRPIN
        self._end(flow, verdict)

    def _end(self, flow: Flow, verdict: Verdict | None) -> None:
        self.endings.append(Ending(flow, verdict))

    def _first_ended(self, flow: Flow, end: End) -> None:
        if end in (End.REJECTED, End.RESET):
            self._told(flow, end is End.RESET and self._is_tcp)
        else:
            self._ended(flow, end)

    def _back_ended(self, flow: Flow, end: End) -> None:
        self._ended(flow, End.DROPPED if end in (End.REJECTED, End.RESET) else end)

    def _later_ended(self, flow: Flow, end: End) -> None:
        if end is End.RESET and not flow.is_reply:
            self._end(flow, Verdict.REFUSED)
        else:
            self._back_ended(flow, end)

    def _ended(self, flow: Flow, end: End) -> None:
        match end:
            case End.NO_ROUTE:
                self._end(flow, Verdict.NO_ROUTE)
            case End.GIVEN_UP:
                self._end(flow, None)
            case End.OPAQUE:
                self._end(flow, Verdict.DROPPED)
                self._end(flow._replace(arrived=flow.header, server=GATEWAY), Verdict.ROUTER_SELF)
            case _:
                self._end(flow, Verdict.DROPPED)

    def _told(self, flow: Flow, reset: bool) -> None:
        """A rule refused the first packet: what tells the client of it has to come through, too."""
        if not flow.home:
            self._end(flow, Verdict.REFUSED)
            return
        state = State.INVALID if flow.tracked is None else State.RELATED
        for part, source in self._terrain.redirect_targets(flow):
            if reset or source is None:
                header = self._mirror(part.header)
            else:
                header = self._error(part.header)._replace(source=(CONSTANT, source.first))
            told = part._replace(header=header, state=state, is_reply=True, flags=_RST_ACK)
            for inside, one in self._netfilter.send(told, Sent.ERROR, self._back_ended):
                if inside:
                    self._end(one, Verdict.DROPPED)
                elif (here := self._at_home(one)) is not None:
                    self._end(here.stopped("client again", "refused"), Verdict.REFUSED)


def _is_translated(flow: Flow) -> bool:
    """Whether the server got another destination than the client sent to."""
    got, sent = flow.arrived, flow.asked
    assert got is not None
    return (got.destination, got.destination_port) != (sent.destination, sent.destination_port)
