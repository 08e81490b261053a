"""Each dialect in the lab: its model, loaded into Linux, does to real connections what the check says."""

from __future__ import annotations

from itertools import product

import pytest

from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.gateway import GatewaySettings
from tests.check.everywhere.dialects import DIALECTS
from tests.check.everywhere.networks import NETWORKS, Network
from tests.check.everywhere.test_everywhere import texts
from tests.lab import built
from tests.lab.agree import played
from tests.lab.plan import GATEWAY, TCP, UDP, Ask, Host, Interface, Nic, Plan

PUBLIC = "203.0.113.7"
PORTS = ((TCP, (22, 53, 443, 993, 8080, 8443)), (UDP, (53, 27005, 40100)))
LISTENS = {TCP: (443, 993, 1993, 8080), UDP: (27005, 40100)}
# Of each dialect, in every run; the others are for a long one.
SOME = (2, 6, 8)
PAIRS = [
    pytest.param(
        network,
        dialect,
        id=f"{network.number}-{dialect}",
        marks=[] if network.number in SOME else [pytest.mark.long],
    )
    for dialect, written in DIALECTS.items()
    for network in NETWORKS
    if network.number not in written.cannot
]


def plan(network: Network, dialect: str) -> Plan:
    """The network with somebody to ask on every side, and servers where forwards lead."""
    names = DIALECTS[dialect].names

    def interface(name: str, *addresses: str) -> Interface:
        return Interface(names.get(name, name), addresses, uplink=name == "wan0")

    def host(name: str, at: str, address: str, **more: object) -> Host:
        router = f"{address.rpartition('.')[0]}.1"
        return Host(name, (Nic(names.get(at, at), (f"{address}/24",)),), router, **more)  # type: ignore[arg-type]

    outside = Nic(names.get("wan0", "wan0"), ("203.0.113.1/24", "198.51.100.10/32"))
    interfaces = [interface("wan0", f"{PUBLIC}/24"), interface("lan0", "192.168.1.1/24")]
    hosts = [
        Host("visitor", (outside,), routes=(("192.168.0.0/16", PUBLIC), ("10.8.0.0/24", PUBLIC))),
        host("laptop", "lan0", "192.168.1.100"),
        host("web", "lan0", "192.168.1.20", listens=LISTENS),
        host("mail", "lan0", "192.168.1.21", listens=LISTENS),
        host("ns", "lan0", "192.168.1.53", listens={TCP: (53,), UDP: (53,)}),
    ]
    if network.shape == "dmz":
        interfaces += [interface("dmz0", "192.168.20.1/24"), interface("vpn0", "10.8.0.1/24")]
        hosts += [host("app", "dmz0", "192.168.20.20", listens=LISTENS), host("phone", "vpn0", "10.8.0.2")]
    asking = (GATEWAY, *(one.name for one in hosts))
    asks = [Ask(PUBLIC, protocol, port, sources=asking) for protocol, ports in PORTS for port in ports]
    inside = [one.addresses[0] for one in hosts if one.listens]
    asks += [Ask(address, TCP, port, sources=asking[1:]) for address, port in product(inside, (443, 8080))]
    return Plan(
        tuple(interfaces),
        tuple(hosts),
        (),
        tuple(asks),
        ("default via 203.0.113.1",),
        listens={TCP: (22, 53), UDP: (53,)},
    )


@pytest.mark.root
@pytest.mark.needs("nft")
@pytest.mark.parametrize(("network", "dialect"), PAIRS)
def test_real_connections_end_as_the_check_says(network: Network, dialect: str) -> None:
    if reason := built.unavailable():
        pytest.skip(reason)
    device = gather(texts(network, DIALECTS[dialect]), GatewaySettings(), Where("splitdns.yaml"))

    found = played(plan(network, dialect), device)

    for one in found:
        assert one.agrees or one.is_maybe, str(one)
    assert sum(one.is_maybe for one in found) < 0.05 * len(found), "too much is not known"
