"""Random gateways: the networks that people build, with the mistakes that people make, and stranger ones.

A gateway is drawn from a seed alone. Around it are servers, on one link or on the ports of a bridge, and at
will a second network, a DMZ, a tunnel, another router, and the internet. Each service gets a forward in one
of the many ways in which forwards are written, sometimes to the wrong place, sometimes filtered away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface, ip_network
from random import Random

from tests.lab.plan import GATEWAY, TCP, UDP, Ask, Host, Interface, Nic, Plan
from tests.lab.ruling import ruling
from tests.lab.six import in_six

SIX = 0.2  # the share of gateways that are IPv6 ones

# The address plan. Documentation addresses stand for the public ones (RFC 5737).
WAN, WAN_EXTRA, WAN_MORE, ISP = "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.1"
ROUTED = "203.0.113.65"  # of a public network that the provider routes to the gateway
VISITOR = "198.51.100.10"
LAN, OFFICE, DMZ, VPN, BRANCH = (
    "192.168.1.0/24",
    "192.168.2.0/24",
    "10.0.0.0/24",
    "10.8.0.0/24",
    "172.16.5.0/24",
)
INNER_ROUTER = "192.168.1.253"
SECOND_ROUTER, SECOND_ISP, SECOND_WAN = "192.168.1.254", "203.0.113.129", "203.0.113.130"


def first(network: str, last: int = 1) -> str:
    """An address of a /24 by its last octet."""
    return f"{network.rpartition('.')[0]}.{last}"


@dataclass(frozen=True)
class Service:
    """Meant to be reached at the public address and port, and served by ``host`` at its own."""

    host: str
    inside: str
    public: str
    protocol: int
    port: int
    inside_port: int


@dataclass
class Site:
    """What has been drawn of the network so far."""

    random: Random
    interfaces: list[Interface] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    constructs: set[str] = field(default_factory=set)
    services: list[Service] = field(default_factory=list)
    lan: str = "lan0"  # the gateway's interface there
    family: int = 4  # in which it will be; addresses are drawn as IPv4's

    def likely(self, share: float) -> bool:
        return self.random.random() < share

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.interfaces]

    @property
    def owned(self) -> list[str]:
        """The gateway's public addresses."""
        return [str(ip_interface(address).ip) for address in self.interfaces[0].addresses]

    @property
    def inside(self) -> list[str]:
        return [one.name for one in self.interfaces if not one.uplink]


def draw(seed: str) -> Plan:
    """The gateway of ``seed``."""
    site = Site(Random(seed))
    if site.likely(SIX):
        site.family = 6
        site.constructs.add("IPv6")
    bridge_nf = site.likely(0.5)
    _wan(site)
    _lan(site)
    for chance, add in ((0.5, _office), (0.6, _dmz), (0.5, _vpn), (0.3, _branch), (0.3, _second_gateway)):
        if site.likely(chance):
            add(site)
    if any(one.ports for one in site.interfaces):
        site.constructs |= {"bridges", f"bridge-nf {'on' if bridge_nf else 'off'}"}
    _services(site)
    _odd_hosts(site)
    tables, rules, routes = ruling(site)
    rp_filter = site.random.choice((1, 2)) if site.likely(0.15) else 0
    if rp_filter:
        site.constructs.add("reverse path filters")
    plan = Plan(
        tuple(site.interfaces),
        tuple(site.hosts),
        tables,
        tuple(_asks(site)),
        (*site.routes, *routes),
        rules,
        {TCP: (22, 80, 443), UDP: (53,)},
        bridge_nf,
        rp_filter,
        constructs=tuple(sorted(site.constructs)),
    )
    return in_six(plan) if site.family == 6 else plan


# --- The network --------------------------------------------------------------------------------------------


def _wan(site: Site) -> None:
    addresses = [f"{WAN}/28"]
    for extra in (WAN_EXTRA, WAN_MORE):
        if site.likely(0.4):
            addresses.append(f"{extra}/28")
    if len(addresses) > 1:
        site.constructs.add("second addresses")
    site.interfaces.append(Interface("wan0", tuple(addresses), uplink=True))
    site.routes.append(f"default via {ISP}")
    nics = [Nic("wan0", (f"{ISP}/28", f"{VISITOR}/32"))]
    site.hosts.append(Host("visitor", tuple(nics), routes=(("203.0.113.64/28", WAN),)))


def _lan(site: Site) -> None:
    if site.likely(0.5):
        site.lan = "br0"
        ports = ("p1", "p2", "p3")
        site.interfaces.append(Interface("br0", (f"{first(LAN)}/24",), ports))
        at = {"web": "p1", "mail": site.random.choice(ports), "laptop": site.random.choice(ports)}
    else:
        site.interfaces.append(Interface("lan0", (f"{first(LAN)}/24",)))
        at = {"web": "lan0", "mail": "lan0", "laptop": "lan0"}
    _add(site, "web", at["web"], LAN, 20, {TCP: (80, 443, 8080), UDP: (53, 5353)})
    if site.likely(0.5):
        _add(site, "mail", at["mail"], LAN, 21, {TCP: (25, 80, 8443), UDP: (53,)})
    _add(site, "laptop", at["laptop"], LAN, 100, {})


def _office(site: Site) -> None:
    site.interfaces.append(Interface("lan1", (f"{first(OFFICE)}/24",)))
    _add(site, "desk", "lan1", OFFICE, 100, {})


def _dmz(site: Site) -> None:
    site.interfaces.append(Interface("dmz0", (f"{first(DMZ)}/24",)))
    _add(site, "app", "dmz0", DMZ, 20, {TCP: (80, 443, 8443), UDP: (53,)})


def _vpn(site: Site) -> None:
    site.interfaces.append(Interface("vpn0", (f"{first(VPN)}/24",)))
    _add(site, "phone", "vpn0", VPN, 2, {})


def _branch(site: Site) -> None:
    """A network behind a router on the LAN."""
    segment = "p2" if site.lan == "br0" else site.lan
    nics = (Nic(segment, (f"{INNER_ROUTER}/24",)), Nic("branch", (f"{first(BRANCH)}/24",)))
    site.hosts.append(Host("inner", nics, first(LAN), asking=False, forwards=True))
    _add(site, "far", "branch", BRANCH, 100, {})
    site.routes.append(f"{BRANCH} via {INNER_ROUTER}")


def _second_gateway(site: Site) -> None:
    """Another way to the internet, which knows nothing of the networks behind this one."""
    segment = "p2" if site.lan == "br0" else site.lan
    nics = (Nic(segment, (f"{SECOND_ROUTER}/24",)), Nic("uplink2", (f"{SECOND_WAN}/29",)))
    site.hosts.append(Host("router", nics, SECOND_ISP, asking=False, forwards=True, masquerades="eth1"))
    visitor = site.hosts[0]
    site.hosts[0] = replace(visitor, nics=(*visitor.nics, Nic("uplink2", (f"{SECOND_ISP}/29",))))


def _add(
    site: Site, name: str, segment: str, network: str, last: int, listens: dict[int, tuple[int, ...]]
) -> None:
    nics = (Nic(segment, (f"{first(network, last)}/24",)),)
    site.hosts.append(Host(name, nics, first(network), listens=listens))


def _odd_hosts(site: Site) -> None:
    """Servers with another default router, or none; with the public address as a second one."""
    hosts = {host.name: host for host in site.hosts}
    web = hosts["web"]
    if "router" in hosts and site.likely(0.5):
        web = replace(web, default=SECOND_ROUTER)
        site.constructs.add("asymmetric gateways")
        if site.likely(0.04):
            hosts["laptop"] = replace(hosts["laptop"], default=SECOND_ROUTER)
    elif site.likely(0.12):
        web = replace(web, default=None)
    if site.likely(0.35):
        public = site.random.choice((WAN, WAN_EXTRA, WAN_MORE))
        web = replace(web, nics=(replace(web.nics[0], addresses=(*web.nics[0].addresses, f"{public}/32")),))
        site.constructs |= {"second addresses", "host routes"}
        owned = public in site.owned
        route = (f"{public}/32", first(LAN, 20) if owned or site.likely(0.5) else "")
        hosts["laptop"] = replace(hosts["laptop"], routes=(route,))
        if "mail" in hosts and site.likely(0.5):
            hosts["mail"] = replace(hosts["mail"], routes=(route,))
    if "app" in hosts and site.likely(0.4):
        app = hosts["app"]
        nic = replace(app.nics[0], addresses=(*app.nics[0].addresses, f"{ROUTED}/32"))
        hosts["app"] = replace(app, nics=(nic,))
        site.routes.append(f"{ROUTED}/32 " + site.random.choice(("dev dmz0", f"via {first(DMZ, 20)}")))
        site.constructs |= {"second addresses", "host routes"}
    hosts["web"] = web
    site.hosts = [hosts[host.name] for host in site.hosts]


# --- What is asked for --------------------------------------------------------------------------------------


def _services(site: Site) -> None:
    inside = {"web": first(LAN, 20), "mail": first(LAN, 21), "app": first(DMZ, 20)}
    for host in site.hosts:
        if not host.listens:
            continue
        for protocol, ports in host.listens.items():
            for port in ports:
                if site.likely(0.55):
                    public = site.random.choice((*site.owned, *site.owned, WAN_EXTRA))
                    shown = site.random.choice((port, port, port, port + 8000))
                    service = Service(host.name, inside[host.name], public, protocol, shown, port)
                    site.services.append(service)


def _asks(site: Site) -> list[Ask]:
    """Each service at its public and at its inside address, and some that nobody meant."""
    asks: dict[tuple[str, int, int], Ask] = {}

    def ask(destination: str, protocol: int, port: int, meant: str) -> None:
        one = Ask(destination, protocol, port, meant, tuple(_askers(site, destination)))
        asks.setdefault((destination, protocol, port), one)

    services = site.random.sample(site.services, min(len(site.services), 6))
    for service in services:
        ask(service.public, service.protocol, service.port, service.host)
        if site.likely(0.6):
            ask(service.inside, service.protocol, service.inside_port, service.host)
    ask(WAN, TCP, site.random.choice((22, 80, 443)), "")
    ask(site.random.choice(site.owned), site.random.choice((TCP, UDP)), 53, "")
    ask(first(LAN), *site.random.choice(((TCP, 80), (UDP, 53), (TCP, 25))), "gateway")
    if any(f"{ROUTED}/32" in nic.addresses for host in site.hosts for nic in host.nics):
        ask(ROUTED, TCP, site.random.choice((80, 443, 22)), "app")
    return list(asks.values())


def _askers(site: Site, destination: str) -> Iterator[str]:
    """Who has a way to ask: the internet none to private addresses, and a router's clients not past it."""
    yield GATEWAY
    for host in site.hosts:
        past = host.name == "far" and ip_address(destination) in ip_network(LAN)
        outside = host.name == "visitor" and destination not in {*site.owned, ROUTED}
        # What another gateway does with packets, the check cannot know, and says so; a few times are enough.
        elsewhere = host.default == SECOND_ROUTER and ip_address(destination) not in ip_network(LAN)
        if host.asking and not past and not outside and not (elsewhere and site.likely(0.8)):
            yield host.name
