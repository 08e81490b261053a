"""What the sources say, put together: one gateway out of many texts.

The one place that knows which dialect is read by which module. Tables that iptables-nft manages stand in both
nft's and iptables' texts; they are taken from the latter (semantics 25).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from splitdns.check.dialects import (
    docker,
    docker_compose,
    docker_rules,
    iproute,
    ipset,
    iptables,
    nftables,
    table,
)
from splitdns.check.dialects.docker_published import Published
from splitdns.check.dialects.iproute import Printed
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.dialects.table import Table
from splitdns.check.fetch import Text, fetch
from splitdns.check.model import Gateway, Host, Network, Ruleset
from splitdns.errors import ConfigError, InputError, Problems, Where
from splitdns.load.gateway import Dialect, GatewaySettings
from splitdns.load.settings import Settings

T = TypeVar("T")

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
    tables = reader.tables()
    network = reader.network(settings, [one.network for one in tables])
    if not (network.addresses(4) or network.addresses(6)) and not reader.problems.errors:
        expected = "expected a source that tells the gateway's addresses, such as ip-address"
        reader.problems.error(ConfigError(where, f"{expected}, found none"))
    ruleset = reader.ruleset()
    for one in tables:
        ruleset = ruleset.with_(one.ruleset)
    hosts: tuple[Host, ...] = ()
    if published := reader.published(network):
        ruleset = docker_rules.onto(published, ruleset)
        known = {one.name for one in network.interfaces}
        bridges = (bridge for one in published for bridge in one.interfaces if bridge.name not in known)
        network = replace(network, interfaces=(*network.interfaces, *bridges))
        hosts = tuple(host for one in published for host in one.hosts)
    reader.problems.raise_errors("the gateway's sources are wrong")
    return Gateway(network, ruleset, hosts)


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

    def tables(self) -> list[Table]:
        """What is written by hand."""
        read = (
            self._read(lambda text=text: table.read(text.text, text.name), None)  # type: ignore[misc]
            for text in self._of(Dialect.TABLE)
        )
        return [one for one in read if one is not None]

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

    def network(self, settings: GatewaySettings, tables: Iterable[Network]) -> Network:
        """What iproute2 says, and ``tables``; ``settings`` may name the uplinks."""
        printed = {
            dialect: [Printed(text.text, text.name) for text in self._of(dialect)]
            for dialect in (
                Dialect.IP_ADDRESS,
                Dialect.IP_ROUTE,
                Dialect.IP_RULE,
                Dialect.BRIDGE,
                Dialect.SYSCTL,
            )
        }
        network = self._read(
            lambda: iproute.read(
                printed[Dialect.IP_ADDRESS],
                printed[Dialect.IP_ROUTE],
                printed[Dialect.IP_RULE],
                bridges=printed[Dialect.BRIDGE],
                switches=printed[Dialect.SYSCTL],
            ),
            Network(),
        )
        for one in tables:
            known = {own.name for own in network.interfaces}
            more = (own for own in one.interfaces if own.name not in known)
            network = replace(
                network, interfaces=(*network.interfaces, *more), routes=(*network.routes, *one.routes)
            )
        if settings.uplinks is None:
            return network
        uplinks = settings.uplinks
        interfaces = tuple(replace(one, uplink=one.name in uplinks) for one in network.interfaces)
        return replace(network, interfaces=interfaces)
