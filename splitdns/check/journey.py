"""One connection from its client to its server.

A client sends: past the gateway, or to it; the gateway's rules and routes pass it on; somebody has the
address. Every verdict is read off that walk and the way back (``answers``).
"""

from __future__ import annotations

from splitdns.check.answers import FORWARD, SYN, Answers
from splitdns.check.boundaries import internet
from splitdns.check.flows import Flow, start
from splitdns.check.neighbours import Neighbours, Server, To, Way, by_way
from splitdns.check.netfilter import Exit, Netfilter, Sent
from splitdns.check.network import Kind
from splitdns.check.results import Ending
from splitdns.check.sets import Numbers
from splitdns.check.sources import Link, Sources, link
from splitdns.check.verdict import EPHEMERAL, Verdict


class Journey:
    """The way there, for the connections of one question and one class of protocols."""

    def __init__(
        self, netfilter: Netfilter, neighbours: Neighbours, sources: Sources, protocols: Numbers
    ) -> None:
        self._netfilter = netfilter
        self._terrain = netfilter.terrain
        self._bridges = netfilter.bridges
        self._neighbours = neighbours
        self._sources = sources
        self._answers = Answers(netfilter, neighbours, protocols)

    @property
    def endings(self) -> list[Ending]:
        return self._answers.endings

    # --- The client -----------------------------------------------------------------------------------------

    def set_out(self, destination: Numbers, protocols: Numbers, ports: Numbers) -> None:
        """Walk everything that the clients send there."""
        one_way = self._answers.begin(ports)
        ways = []
        homes: list[tuple[str, int]] = []
        for which, clients in enumerate(self._sources.clients):
            mask = self._sources.masks[which]
            if clients.kind is Kind.GATEWAY:
                flow = start(self._sources, mask, (destination, protocols, EPHEMERAL, ports), ())
                self._from_gateway(flow._replace(one_way=one_way))
            else:
                ways.append((mask, self._neighbours.client_ways(clients)))
                homes.append((self._bridges.routed(clients.interface or ""), mask))
        for way, numbers, mask in by_way(ways, destination):
            home = tuple((name, its & mask) for name, its in homes if its & mask)
            flow = start(self._sources, mask, (numbers, protocols, EPHEMERAL, ports), home)
            self._sent(flow._replace(one_way=one_way), way)

    def _from_gateway(self, flow: Flow) -> None:
        flow = flow._replace(flags=SYN, passed=FORWARD).stopped("client")
        for left, part in self._netfilter.send(flow, Sent.FIRST, self._answers.first_ended):
            self._through(part, left)

    def _sent(self, flow: Flow, way: Way) -> None:
        flow = flow._replace(flags=SYN)
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
                self._answers.end(flow.stopped("client", "no route to the destination"), Verdict.NO_ROUTE)

    def _to_gateway(self, flow: Flow, came: Link) -> None:
        bridges = [(name, mask) for name, mask in came if self._bridges.sees_frames(flow, name) is not False]
        others = tuple(one for one in came if one not in bridges)
        for its in (others, *((one,) for one in bridges)):
            mask = 0
            for _, some in its:
                mask |= some
            part, _ = flow.split_who(mask)
            if part is not None:
                self._enter(part._replace(came=its))

    def _enter(self, flow: Flow) -> None:
        flow = flow._replace(passed=FORWARD)
        assert flow.came is not None
        ended = self._answers.first_ended
        for left, part in self._netfilter.enter(flow, flow.came, Sent.FIRST, ended, crosses=flow.crossed):
            self._through(part, left)

    def _by_the_internet(self, flow: Flow) -> None:
        """Past the tunnel: as some client of the internet, whose address is not the client's own."""
        elsewhere, source = flow.choose(internet(self._terrain))
        header = elsewhere.header._replace(source=source)
        if len(self._terrain.uplinks) > 1:
            elsewhere = elsewhere.unsure("of several uplinks one is taken")
        for name in sorted(self._terrain.uplinks):
            flow = elsewhere._replace(header=header, asked=header, home=link(name))
            self._to_gateway(flow.stopped("client", "by the internet, past the tunnel"), link(name))
        if not self._terrain.uplinks:
            says = "past the tunnel, but no uplink is known"
            self._answers.end(flow.stopped("client", says), Verdict.NO_ROUTE)

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
                    self._met_on_link(one, name, server)

    def _met_on_link(self, flow: Flow, name: str, server: Server | None) -> None:
        if server is None:
            self._answers.met(flow, server)
            return
        for part, crosses, is_seen in self._bridges.crossing(flow, name, server):
            if crosses:
                part = self._answers.widened(part)
            if is_seen:
                self._enter(part._replace(crossed=True, came=link(name)))
            else:
                self._answers.met(part, server)

    def _itself(self, flow: Flow) -> None:
        for host_flow, host in self._neighbours.owners(flow):
            arrived = host_flow._replace(
                arrived=host_flow.header, server=None if host is None else host.name
            ).stopped("server", "the client itself")
            for part, is_open in self._answers.listening(arrived, None if host is None else host.listens):
                self._answers.end(part, Verdict.OK_DIRECT if is_open else Verdict.REFUSED)

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
                self._answers.end(unsure, Verdict.NO_ROUTE)
                self._answers.end(unsure._replace(arrived=unsure.header), Verdict.OK_ROUTED)

    def _met_at(self, flow: Flow, interface: str, way: Way) -> None:
        for part, server in self._neighbours.servers(flow, interface, way.router):
            self._met_on_link(part, interface, server)

    # --- The gateway ----------------------------------------------------------------------------------------

    def _through(self, flow: Flow, left: Exit) -> None:
        """The first packet has come through the gateway, or to it."""
        if left is Exit.INSIDE:
            self._answers.met(flow, self._neighbours.gateway)
            return
        for name, mask in flow.outgoing or ():
            part, _ = flow.split_who(mask)
            if part is not None:
                for one, server in self._neighbours.servers(part, name, flow.via):
                    for frame in self._answers.frames(one, left, server):
                        self._answers.met(frame, server)
