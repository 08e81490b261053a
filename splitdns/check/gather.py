"""What the sources say, put together: one gateway out of many texts.

The one place that knows which dialect is read by which module. Tables that iptables-nft manages stand in both
nft's and iptables' texts; they are taken from the latter (semantics 25).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from splitdns.check.around import listening_too
from splitdns.check.dialects import docker, docker_compose, docker_rules, iproute, ipset, iptables, nftables
from splitdns.check.dialects.docker_published import Published
from splitdns.check.dialects.ifconfig import read as ifconfig
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.dialects.printed import Printed
from splitdns.check.fetch import Text, fetch
from splitdns.check.model import Device, Gateway, Network, Ruleset
from splitdns.errors import ConfigError, InputError, Problems, Where
from splitdns.load.gateway import Dialect, GatewaySettings
from splitdns.load.settings import Settings

T = TypeVar("T")
Read = Callable[[Sequence[Printed], Network], Device]


def _late(module: str, function: str = "read") -> Callable[..., Any]:
    """A reader that is imported with the first text: there are many, and a gateway speaks a few dialects."""

    def read(*arguments: object) -> Any:
        return getattr(import_module(f"splitdns.check.dialects.{module}"), function)(*arguments)

    return read


def _each(read: Callable[[str, str], Device]) -> Read:
    """Of a dialect in which each text is a gateway's rules by itself."""

    def read_all(texts: Sequence[Printed], _around: Network) -> Device:
        return _together([read(one.text, one.file) for one in texts])

    return read_all


# Dialects that tell of a whole gateway. All texts of one are read together, beside the network that other
# texts tell: some name only interfaces, and not their addresses.
DEVICES: dict[Dialect, Read] = {
    Dialect.TABLE: _each(_late("table")),
    Dialect.PFSENSE: _late("pfsense.read"),
    Dialect.OPNSENSE: _late("opnsense.read"),
    Dialect.ROUTEROS: _late("routeros.read"),
    Dialect.OPENWRT: _late("openwrt.read"),
    Dialect.NSX: _late("nsx.read"),
    Dialect.VYOS: _late("vyos.read"),
    Dialect.EDGEOS: _late("vyos.read", "read_edgeos"),
    Dialect.UNIFI: _late("unifi.read"),
    Dialect.PF: _late("pf.read"),
}

# Dialects that tell only what stands before another's rules, or among them: each gives the gateway with it.
ADDITIONS: dict[Dialect, Callable[[Sequence[Printed], Gateway], Gateway]] = {
    Dialect.UPNP: _late("upnp.onto", "onto"),
    Dialect.KUBERNETES: _late("kubernetes.onto", "onto"),
}

_NF_TABLES = "(nf_tables)"  # in the first line of an iptables-save that speaks to nft
_TABLE_OR_CHAIN = re.compile(r"^([*:])(\S+)", re.MULTILINE)
_FAMILIES = {Dialect.IPTABLES: 4, Dialect.IP6TABLES: 6}


def read_gateway(settings: Settings, base: Path, *, commands: bool) -> Gateway:
    """The gateway that the configuration's sources tell; see ``fetch`` and ``gather``.

    Raises:
        ExceptionGroup[ConfigError]: sources that cannot be read, or every mistake in them.
    """
    assert settings.gateway is not None
    texts = fetch(settings, base, commands=commands)
    return gather(texts, settings.gateway, settings.where(("gateway", "sources")))


def gather(texts: Sequence[Text], settings: GatewaySettings, where: Where) -> Gateway:
    """The gateway's rules and network, and the containers that publish; no other host stands in any text.

    ``where`` the sources are named.

    Raises:
        ExceptionGroup[ConfigError]: every mistake in every text, or that none tells the gateway's addresses.
    """
    reader = _Reader(texts)
    network = reader.network()
    device = reader.device(network)
    network = _with_uplinks(_with(_without(network, device.renamed), device.network), settings)
    if not (network.addresses(4) or network.addresses(6)) and not reader.problems.errors:
        expected = "expected a source that tells the gateway's addresses, such as ip-address or ifconfig"
        reader.problems.error(ConfigError(where, f"{expected}, found none"))
    ruleset = reader.ruleset()
    ruleset = ruleset.with_(device.ruleset)
    hosts = device.hosts
    if published := reader.published(network):
        ruleset = docker_rules.onto(published, ruleset)
        known = {one.name for one in network.interfaces}
        bridges = (bridge for one in published for bridge in one.interfaces if bridge.name not in known)
        network = replace(network, interfaces=(*network.interfaces, *bridges))
        hosts += tuple(host for one in published for host in one.hosts)
    gateway = reader.added(Gateway(network, ruleset, hosts, device.listens))
    reader.problems.raise_errors("the gateway's sources are wrong")
    return gateway


def _together(devices: Sequence[Device]) -> Device:
    """One gateway of which several texts tell; what listens is known only if one tells it."""
    whole = Device(Ruleset())
    for one in devices:
        whole = Device(
            whole.ruleset.with_(one.ruleset),
            _with(whole.network, one.network),
            whole.hosts + one.hosts,
            listening_too(whole.listens, one.listens),
            whole.renamed | one.renamed,
        )
    return whole


def _without(network: Network, names: frozenset[str]) -> Network:
    """``network`` without interfaces, and the routes by them, that a device tells by names of its own."""
    return replace(
        network,
        interfaces=tuple(one for one in network.interfaces if one.name not in names),
        routes=tuple(one for one in network.routes if one.interface not in names),
    )


def _with(network: Network, more: Network) -> Network:
    """``network``, and the interfaces and routes of ``more`` that it does not have."""
    known = {one.name for one in network.interfaces}
    interfaces = (one for one in more.interfaces if one.name not in known)
    return replace(
        network,
        interfaces=(*network.interfaces, *interfaces),
        routes=(*network.routes, *more.routes),
        policy=(*network.policy, *more.policy),
        bridge_nf={
            family: more.bridge_nf.get(family) if seen is None else seen
            for family, seen in network.bridge_nf.items()
        },
        forwards={
            family: more.forwards.get(family, True) if seen else seen
            for family, seen in network.forwards.items()
        },
    )


def _with_uplinks(network: Network, settings: GatewaySettings) -> Network:
    """``network``, with the uplinks that the configuration names, if it does."""
    if settings.uplinks is None:
        return network
    uplinks = settings.uplinks
    return replace(
        network, interfaces=tuple(replace(one, uplink=one.name in uplinks) for one in network.interfaces)
    )


def _saved(text: str, family: str) -> Iterator[str]:
    """The chains that an iptables-save shows, as nft names them."""
    table = ""
    for mark, name in _TABLE_OR_CHAIN.findall(text):
        if mark == "*":
            table = name
        else:
            yield f"{family} {table} {name}"


class _Reader:
    """The texts by dialect; mistakes are collected over all of them."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self.problems = Problems()
        self._texts = list(texts)

    def _of(self, dialect: Dialect) -> list[Text]:
        return [text for text in self._texts if text.dialect is dialect]

    def _read(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except ConfigError as error:
            self.problems.error(error)
        except ExceptionGroup as group:
            for one in group.exceptions:
                if not isinstance(one, InputError):
                    raise
                self.problems.error(one)
        return otherwise

    def ruleset(self) -> Ruleset:
        sets = IpSets()
        for text in self._of(Dialect.IPSET):
            sets = self._read(lambda text=text: ipset.read(text.text, text.name), sets)  # type: ignore[misc]
        whole = Ruleset()
        saved: set[str] = set()
        for dialect, family in _FAMILIES.items():
            for text in self._of(dialect):
                whole = whole.with_(self._iptables(text, family, sets))
                if _NF_TABLES in text.text:
                    saved.update(_saved(text.text, "ip" if family == 4 else "ip6"))
        for text in self._of(Dialect.NFTABLES):
            whole = whole.with_(self._nftables(text, frozenset(saved)))
        return whole

    def _iptables(self, text: Text, family: int, sets: IpSets) -> Ruleset:
        return self._read(lambda: iptables.read(text.text, text.name, family=family, sets=sets), Ruleset())

    def _nftables(self, text: Text, saved: frozenset[str]) -> Ruleset:
        return self._read(lambda: nftables.read(text.text, text.name, saved=saved), Ruleset())

    def device(self, around: Network) -> Device:
        """What the dialects of whole gateways tell, together."""
        found = []
        for dialect, read in DEVICES.items():
            if texts := self._printed(dialect):
                found.append(self._read(partial(read, texts, around), Device(Ruleset())))
        return _together(found)

    def added(self, gateway: Gateway) -> Gateway:
        """``gateway`` with what the dialects tell that add to others."""
        for dialect, onto in ADDITIONS.items():
            if texts := self._printed(dialect):
                gateway = self._read(partial(onto, texts, gateway), gateway)
        return gateway

    def _printed(self, dialect: Dialect) -> list[Printed]:
        return [Printed(text.text, text.name) for text in self._of(dialect)]

    def published(self, network: Network) -> list[Published]:
        """What Docker publishes, as it says itself and as compose files say.

        A compose file names few addresses; those that it is given are in nobody else's network.
        """
        inspected = [
            self._read(lambda text=text: docker.read(text.text, text.name), Published())  # type: ignore[misc]
            for text in self._of(Dialect.DOCKER)
        ]
        taken = [own.prefix for one in network.interfaces for own in one.addresses]
        taken += [own.prefix for one in inspected for bridge in one.bridges for own in bridge.addresses]
        found = list(inspected)
        for text in self._of(Dialect.COMPOSE):
            read = partial(docker_compose.read, text.text, text.name, taken=tuple(taken))
            composed = self._read(read, Published())
            taken += [own.prefix for bridge in composed.bridges for own in bridge.addresses]
            found.append(composed)
        return found

    def network(self) -> Network:
        """What iproute2 says, or what a BSD's commands say."""
        bsd = self._printed(Dialect.IFCONFIG), self._printed(Dialect.NETSTAT)
        if any(bsd):
            return self._read(partial(ifconfig.read, *bsd), Network())
        return self._read(
            lambda: iproute.read(
                self._printed(Dialect.IP_ADDRESS),
                self._printed(Dialect.IP_ROUTE),
                self._printed(Dialect.IP_RULE),
                bridges=self._printed(Dialect.BRIDGE),
                switches=self._printed(Dialect.SYSCTL),
            ),
            Network(),
        )
