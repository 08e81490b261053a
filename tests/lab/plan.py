"""A network around a gateway as a value: drawn, written down, made smaller, built.

A plan has no address of a namespace and no socket; the same plan always builds the same network. It can be
written as YAML, which is how a network that once proved somebody wrong is kept (``cases/``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_interface
from typing import Any

import yaml

TCP, UDP = 6, 17

GATEWAY = "gateway"


@dataclass(frozen=True)
class Interface:
    """Of the gateway. With ``ports``, it is a bridge over these."""

    name: str
    addresses: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    uplink: bool = False


@dataclass(frozen=True)
class Nic:
    """A host's interface: the segment it is plugged into, and its addresses with prefix lengths.

    A segment is a link that bears the name of the gateway's interface or bridge port on it, if it has one.
    """

    segment: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Host:
    """``default``: its default router (None: it has none). ``routes``: (prefix, router, or "" for on-link).

    ``listens``: ports by protocol. ``asking``: whether it is a vantage point. ``masquerades``: a router that
    hides what it forwards by that interface behind its own address.
    """

    name: str
    nics: tuple[Nic, ...]
    default: str | None = None
    routes: tuple[tuple[str, str], ...] = ()
    listens: dict[int, tuple[int, ...]] = field(default_factory=dict)
    asking: bool = True
    forwards: bool = False
    masquerades: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Without prefix lengths."""
        return tuple(str(ip_interface(one).ip) for nic in self.nics for one in nic.addresses)


@dataclass(frozen=True)
class Chain:
    """``head`` is what stands before its rules: of nft the hook, of iptables the policy."""

    name: str
    head: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """``dialect``: nftables, iptables or ipset. ``sets``: whole definitions, in that dialect."""

    dialect: str
    name: str
    chains: tuple[Chain, ...] = ()
    sets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        match self.dialect:
            case "nftables":
                return "\n".join(self._nftables())
            case "iptables":
                return "\n".join(self._iptables())
            case _:
                return "\n".join(self.sets) + "\n"

    def _nftables(self) -> Iterator[str]:
        yield f"table {self.name} {{"
        yield from self.sets
        for chain in self.chains:
            yield f"chain {chain.name} {{"
            yield from (line for line in (chain.head, *chain.rules) if line)
            yield "}"
        yield "}\n"

    def _iptables(self) -> Iterator[str]:
        yield f"*{self.name}"
        yield from (f":{chain.name} {chain.head} [0:0]" for chain in self.chains)
        yield from (f"-A {chain.name} {rule}" for chain in self.chains for rule in chain.rules)
        yield "COMMIT\n"


@dataclass(frozen=True)
class Ask:
    """Connections to make, one from each of ``sources``. ``meant``: whom they are for."""

    destination: str
    protocol: int
    port: int
    meant: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """``routes`` and ``rules`` of the gateway are ip(8)'s own words; ``sysctls`` are set after all else.

    ``constructs``: what it was drawn to contain, to count.
    """

    interfaces: tuple[Interface, ...]
    hosts: tuple[Host, ...]
    tables: tuple[Table, ...]
    asks: tuple[Ask, ...]
    routes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    listens: dict[int, tuple[int, ...]] = field(default_factory=dict)
    bridge_nf: bool = False
    rp_filter: int = 0
    family: int = 4
    constructs: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The gateway's own, without prefix lengths."""
        return tuple(str(ip_interface(one).ip) for own in self.interfaces for one in own.addresses)

    def host(self, name: str) -> Host:
        return next(one for one in self.hosts if one.name == name)


def written(plan: Plan) -> str:
    """As YAML, without what stands by itself."""
    return yaml.safe_dump(_plain(plan), sort_keys=False, width=110, allow_unicode=True)


def read(text: str) -> Plan:
    return _of(Plan, yaml.safe_load(text))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            one.name: _plain(getattr(value, one.name))
            for one in dataclasses.fields(value)
            if getattr(value, one.name) != _default(one)
        }
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _default(one: dataclasses.Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default


_PARTS: dict[str, type] = {
    "interfaces": Interface,
    "hosts": Host,
    "tables": Table,
    "asks": Ask,
    "nics": Nic,
    "chains": Chain,
}


def _of(kind: type, value: dict[str, Any]) -> Any:
    return kind(**{key: _part(key, one) for key, one in value.items()})


def _part(key: str, value: Any) -> Any:
    if key in _PARTS:
        return tuple(_of(_PARTS[key], one) for one in value)
    if isinstance(value, list):
        return tuple(_part("", one) for one in value)
    if isinstance(value, dict):
        return {name: _part("", one) for name, one in value.items()}
    return value
