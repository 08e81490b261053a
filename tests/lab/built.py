"""A plan as a real network: namespaces, servers, rules in the kernel, and what the gateway says of itself.

The gateway is asked with the commands that a person would run, after the rules are in the kernel; nothing
that the exposure check reads comes from the plan where the kernel can tell it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Host, Network
from tests.lab.observe import Observatory
from tests.lab.plan import GATEWAY, Plan, Table

# What would make one connection depend on another that came before: redirects teach hosts other routes, and
# errors are rationed.
_SYSCTLS = {
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/default/accept_redirects": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
    "net/ipv6/conf/all/accept_redirects": "0",
    "net/ipv6/conf/default/accept_redirects": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    # Nobody answers who asks for a neighbour with the neighbour's own address, and the next packets wait too.
    "net/ipv4/conf/all/arp_announce": "2",
    "net/ipv4/conf/default/arp_announce": "2",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
}

# The commands that print what the check reads, by dialect, as in its documentation.
EXPORTS = {
    "nftables": ("nft", "-j", "-a", "list", "ruleset"),
    "iptables": ("iptables-save",),
    "ip6tables": ("ip6tables-save",),
    "ipset": ("ipset", "save"),
    "ip-address": ("ip", "-j", "-d", "address"),
    "ip-route": ("sh", "-c", "ip -j -4 route show table all; ip -j -6 route show table all"),
    "ip-rule": ("sh", "-c", "ip -j -4 rule; ip -j -6 rule"),
    "bridge": ("bridge", "-j", "-d", "link"),
    "sysctl": ("sysctl", "-a"),
}

_LOADERS = {"nftables": ("nft", "-f", "-"), "ipset": ("ipset", "restore")}


_BRIDGE_NF = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def unavailable() -> str | None:
    """Why no gateway can be built here, for a person; None where one can."""
    if not _BRIDGE_NF.exists() and shutil.which("modprobe"):
        subprocess.run(["modprobe", "br_netfilter"], capture_output=True)
    return None if _BRIDGE_NF.exists() else "needs the kernel module br_netfilter (modprobe br_netfilter)"


@dataclass(frozen=True)
class Built:
    plan: Plan
    hosts: Mapping[str, Host]
    observatory: Observatory

    @property
    def gateway(self) -> Host:
        return self.hosts[GATEWAY]

    @property
    def owns(self) -> dict[str, frozenset[str]]:
        """The addresses of every host."""
        owned = {host.name: frozenset(host.addresses) for host in self.plan.hosts}
        return owned | {GATEWAY: frozenset(self.plan.addresses)}

    @property
    def bridges(self) -> frozenset[str]:
        """The gateway's."""
        return frozenset(own.name for own in self.plan.interfaces if own.ports)

    def load(self, tables: tuple[Table, ...]) -> None:
        """Load rules into the gateway's kernel.

        Raises:
            AssertionError: they are not accepted; the text says which.
        """
        for table in tables:
            loader = _LOADERS.get(table.dialect) or (
                "iptables-restore" if self.plan.family == 4 else "ip6tables-restore",
                "--noflush",
            )
            self.gateway.run(*loader, text_in=table.text)

    def exports(self, dialects: Collection[str] = ()) -> dict[str, str]:
        """What the gateway says of itself, by dialect; of iptables only where the plan uses it.

        ``dialects``: these instead.
        """
        used = {table.dialect for table in self.plan.tables}
        unused = {"iptables", "ip6tables", "ipset"} - used
        if "iptables" in used and self.plan.family == 6:
            unused ^= {"iptables", "ip6tables"}
        wanted = dialects or EXPORTS.keys() - unused
        return {dialect: self.gateway.run(*EXPORTS[dialect]).stdout for dialect in wanted}


@contextmanager
def built(plan: Plan) -> Iterator[Built]:
    with Network() as network:
        names = [GATEWAY, *(host.name for host in plan.hosts)]
        hosts = dict(zip(names, network.hosts(*names), strict=True))
        for host in hosts.values():
            host.sysctl(_SYSCTLS)
        for host in plan.hosts:
            if host.forwards:
                _forward(hosts[host.name])
        _connect(network, plan, hosts)
        _configure(plan, hosts)
        listens = {host.name: host.listens for host in plan.hosts} | {GATEWAY: plan.listens}
        ports = tuple(port for own in plan.interfaces for port in own.ports)
        with Observatory(hosts, listens, GATEWAY, plan.family, ports) as observatory:
            made = Built(plan, hosts, observatory)
            made.load(plan.tables)
            yield made


def _connect(network: Network, plan: Plan, hosts: Mapping[str, Host]) -> None:
    """Every segment with two ends is a cable, with more a switch."""
    ends: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for own in plan.interfaces:
        for name in own.ports or (own.name,):
            ends[name].append((GATEWAY, name))
    for host in plan.hosts:
        for index, nic in enumerate(host.nics):
            ends[nic.segment].append((host.name, f"eth{index}"))
    for segment, members in ends.items():
        if len(members) == 2:
            (one, interface), (other, other_interface) = members
            network.link((hosts[one], interface, ()), (hosts[other], other_interface, ()))
        else:
            switch = network.bridge(f"switch-{segment}")
            for name, interface in members:
                switch.plug(hosts[name], interface)


def _configure(plan: Plan, hosts: Mapping[str, Host]) -> None:
    gateway = hosts[GATEWAY]
    for own in plan.interfaces:
        if own.ports:
            gateway.switch(own.name, own.ports, *own.addresses)
        else:
            gateway.address(own.name, *own.addresses)
    _forward(gateway)
    for host in plan.hosts:
        for index, nic in enumerate(host.nics):
            hosts[host.name].address(f"eth{index}", *nic.addresses)
        routes = [f"{prefix} via {via}" if via else f"{prefix} dev eth0" for prefix, via in host.routes]
        if host.default is not None:
            routes.append(f"default via {host.default}")
        if routes:
            hosts[host.name].ip(*(f"route add {route}" for route in routes))
        if host.masquerades:
            hosts[host.name].run("nft", "-f", "-", text_in=_masquerade(host.masquerades))
    if plan.routes:
        gateway.ip(*(f"route add {route}" for route in plan.routes))
    for rule in plan.rules:
        gateway.run("ip", f"-{plan.family}", "rule", "add", *rule.split())
    gateway.sysctl(
        {
            "net/bridge/bridge-nf-call-iptables": str(int(plan.bridge_nf)),
            "net/bridge/bridge-nf-call-ip6tables": str(int(plan.bridge_nf)),
            "net/ipv4/conf/all/rp_filter": str(plan.rp_filter),
        }
    )


def _forward(host: Host) -> None:
    host.sysctl({"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})


def _masquerade(interface: str) -> str:
    return (
        "table inet nat {\nchain post {\ntype nat hook postrouting priority srcnat;\n"
        f'oifname "{interface}" masquerade;\n}}\n}}\n'
    )
