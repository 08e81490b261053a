"""What the exposure check makes of a built network: its model from the exports, and its verdicts.

The gateway is read from what it says of itself. Only what no gateway knows comes from the plan: the hosts
around it with their routes and servers, and which of its links leads to the internet.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.fetch import Text
from splitdns.check.gather import gather
from splitdns.check.model import Clients, Gateway, Host, HostRoute, InterfaceAddress, Kind
from splitdns.check.sets import Address, Numbers, address_of, numbers_of
from splitdns.check.verdict import Endpoint, Question, Result, Verdict
from splitdns.check.walk import Walker
from splitdns.errors import Where
from splitdns.load.gateway import Dialect, GatewaySettings
from tests.lab import plan as planned
from tests.lab.ending import Ending
from tests.lab.observe import Observation
from tests.lab.plan import GATEWAY, Plan

_UNDECLARED = {"laptop", "far", "visitor"}  # clients of which the check knows no more than their network
_INTERNET = "visitor"


@dataclass(frozen=True)
class Modelled:
    """The check's view of a network."""

    plan: Plan
    gateway: Gateway
    walker: Walker

    def result(self, seen: Observation) -> Result:
        """What the walk says of the packets that ``seen`` was made of."""
        question = Question(
            (self._clients(seen),),
            self.plan.family,
            _one(seen.probe.destination),
            Numbers.one(seen.probe.protocol),
            Numbers.one(seen.probe.port),
        )
        results = self.walker.walk(question)
        mine = [one for one in results if seen.source_port in one.packets.source_ports]
        assert len(mine) == 1, f"{seen.probe}: {len(mine)} of {len(results)} results are about its packets"
        return mine[0]

    def _clients(self, seen: Observation) -> Clients:
        name, family = seen.probe.client, self.plan.family
        if name == GATEWAY:
            return Clients(name, Kind.GATEWAY, family, _one(seen.source), None)
        host = self.plan.host(name)
        numbers = _one(seen.source)
        segment = host.nics[0].segment
        interface, port = _place(self.plan, segment)
        if name == _INTERNET:
            return Clients(name, Kind.INTERNET, family, numbers, interface)
        if interface is None:  # behind a router, which is on the first link inside
            behind = next(one for one in self.plan.hosts if one.forwards and _serves(one, segment))
            interface, port = _place(self.plan, behind.nics[0].segment)
            return Clients(name, Kind.ROUTED, family, numbers, interface, port=port)
        network = numbers_of(*(ip_interface(one).network for one in host.nics[0].addresses))
        return Clients(
            name,
            Kind.NETWORK if name in _UNDECLARED else Kind.HOST,
            family,
            numbers,
            interface,
            network,
            _router(self.plan, host),
            _routes(host),
            port=port,
            host=None if name in _UNDECLARED else name,
        )


def modelled(plan: Plan, exports: dict[str, str]) -> Modelled:
    """The model of ``plan``'s network, whose gateway has said ``exports`` of itself."""
    texts = [Text(Dialect(dialect), dialect, text) for dialect, text in exports.items()]
    uplinks = [one.name for one in plan.interfaces if one.uplink]
    return around(plan, gather(texts, GatewaySettings.model_validate({"uplinks": uplinks}), Where("lab")))


def around(plan: Plan, gathered: Gateway) -> Modelled:
    """The model of ``plan``'s network around a gateway that says of itself what was ``gathered``."""
    hosts = tuple(_host(plan, one) for one in plan.hosts if one.name not in _UNDECLARED)
    gateway = Gateway(gathered.network, gathered.ruleset, hosts, _listens(plan.listens))
    return Modelled(plan, gateway, Walker(gateway))


def walked(result: Result, plan: Plan) -> Ending:
    """The walk's answer in the observer's words; of MAYBE nothing more is known."""
    verdict = result.verdict
    if verdict is Verdict.MAYBE:
        return Ending(verdict)
    end = result.outcomes[0].endpoint
    if end is None or not (verdict.works or verdict is Verdict.ROUTER_SELF):
        return Ending(verdict)
    source = end.seen_source.single
    return Ending(
        verdict,
        _name(end, plan),
        end.ports.single,
        None if source is None else str(address_of(result.packets.family, source)),
    )


def _name(end: Endpoint, plan: Plan) -> str | None:
    """Who it is; the name of somebody of whom the check knows no more than his address is in the plan."""
    if end.host == "" or end.addresses.single is None:
        return GATEWAY if end.host == "" else end.host
    address = str(address_of(plan.family, end.addresses.first))
    return end.host or next((host.name for host in plan.hosts if address in host.addresses), None)


def _one(address: str) -> Numbers:
    return Numbers.one(int(ip_address(address)))


def _place(plan: Plan, segment: str) -> tuple[str | None, str | None]:
    """The gateway's interface on a segment, and the bridge port, if it is one."""
    for own in plan.interfaces:
        if segment in own.ports:
            return own.name, segment
        if segment == own.name:
            return own.name, None
    return None, None


def _serves(host: planned.Host, segment: str) -> bool:
    return any(nic.segment == segment for nic in host.nics)


def _host(plan: Plan, host: planned.Host) -> Host:
    addresses = [ip_interface(one) for nic in host.nics for one in nic.addresses]
    return Host(
        host.name,
        tuple(InterfaceAddress(one.ip, one.network) for one in addresses),
        {} if host.default in plan.addresses else {plan.family: _router(plan, host)},
        _routes(host),
        _listens(host.listens),
        _place(plan, host.nics[0].segment)[1],
    )


def _router(plan: Plan, host: planned.Host) -> Address | None:
    if host.default is None or host.default in plan.addresses:
        return None
    return ip_address(host.default)


def _routes(host: planned.Host) -> tuple[HostRoute, ...]:
    return tuple(
        HostRoute(ip_network(prefix), ip_address(via) if via else None) for prefix, via in host.routes
    )


def _listens(ports: dict[int, tuple[int, ...]]) -> dict[int, Numbers]:
    return {
        protocol: Numbers.of(*((port, port) for port in ports.get(protocol, ())))
        for protocol in (planned.TCP, planned.UDP)
    }
