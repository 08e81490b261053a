"""Leases to names: which of the names that clients call themselves they get.

A client says whatever it likes, so a name is a plain label beneath the zone, never one that programs believe
in without asking anybody, and it belongs to one client: who has it keeps it for as long as the lease lasts,
as RFC 4703 has it for dynamic updates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from splitdns.errors import Caution, Where
from splitdns.load.configvalues import shown
from splitdns.load.supplies import Supplied, Supply
from splitdns.names import Qname, to_text, wire_from_text
from splitdns.records import Type
from splitdns.sources.leases.lease import Lease
from splitdns.value import value

MAX_REFUSED = 100  # that are told one by one; beyond: only counted, by the metric of names

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # RFC 1123 2.1
# Names that programs look for by themselves in the domain of a network, and then do as they are told there.
RESERVED = frozenset(
    {
        "wpad",  # proxies
        "isatap",  # tunnels
        "autoconfig",  # mail accounts, with passwords
        "autodiscover",
        "mta-sts",  # RFC 8461
        "openpgpkey",  # Web Key Directory
        "localhost",  # RFC 6761 6.3
        "localdomain",
        "broadcasthost",
        "dns",
        "ns",
        "resolver",
    }
)
_SERVER = re.compile(r"(ns|dns)[0-9]+")

Holders = Mapping[tuple[str, int], str]
"""Which client has a name, by name (in lower case) and family."""


@dataclass(slots=True)
class Hosts:
    """The names that clients have now, why others have none, who has them, and when the next lease ends."""

    records: list[Supplied] = field(default_factory=list)
    refused: list[Caution] = field(default_factory=list)
    holders: dict[tuple[str, int], str] = field(default_factory=dict)
    until_s: float | None = None


@value(frozen=True, slots=True)
class Manner:
    """Where names go: zone, horizon, TTL."""

    apex: Qname
    horizon: str
    ttl_s: int


def named(leases: Iterable[Lease], manner: Manner, former: Holders, now_s: float) -> Hosts:
    """The names of the clients that have ``leases`` at ``now_s``; ``former`` says who had them before."""
    hosts = Hosts()
    claims: dict[str, list[Lease]] = {}
    for lease in leases:
        if lease.ends_s is not None:
            if lease.ends_s <= now_s:
                continue
            hosts.until_s = min(lease.ends_s, hosts.until_s or lease.ends_s)
        if not lease.hostname:
            continue
        try:
            label = label_of(lease.hostname, manner.apex)
        except ValueError as error:
            _refuse(hosts, lease, str(error))
            continue
        claims.setdefault(label.lower(), []).append(lease)
    for name, of_name in claims.items():
        _give(hosts, name, of_name, manner, former)
    return hosts


def label_of(hostname: str, apex: Qname) -> str:
    """What of ``hostname`` is a name of its own beneath ``apex``, its case kept.

    Raises:
        ValueError: why it is none.
    """
    zone = to_text(apex)
    label = hostname.removesuffix(".")
    if label.lower().endswith(f".{zone[:-1]}"):
        label = label[: -len(zone)]
    if "." in label:
        raise ValueError(f"expected a name in {zone}, found {shown(hostname)}")
    if not _LABEL.fullmatch(label):
        raise ValueError(f"expected a name of letters, digits and hyphens, found {shown(hostname)}")
    if label.lower() in RESERVED or _SERVER.fullmatch(label.lower()):
        raise ValueError(f"expected another name than {shown(label)}, which programs believe in")
    return label


def _give(hosts: Hosts, name: str, claims: Sequence[Lease], manner: Manner, former: Holders) -> None:
    """Give ``name`` to one client, with its addresses of both families."""
    holder: Lease | None = None
    for family in (4, 6):
        of_family = [lease for lease in claims if lease.address.version == family]
        if not of_family:
            continue
        before = former.get((name, family))
        first = next((lease for lease in of_family if lease.client == before), of_family[0])
        # A DUID that is not made of a MAC address may be the same machine's, or not: nobody can tell.
        is_other = holder is not None and holder.is_mac and first.is_mac and holder.client != first.client
        if is_other:
            assert holder is not None
            first = next((lease for lease in of_family if lease.client == holder.client), holder)
        for lease in of_family:
            if lease.client == first.client:
                hosts.holders[name, family] = lease.client
                hosts.records.append(_record(lease, manner))
            else:
                _refuse(hosts, lease, f"{shown(name)} is the name of {first.client}")
        holder = holder or first


def _record(lease: Lease, manner: Manner) -> Supplied:
    owner = wire_from_text(label_of(lease.hostname, manner.apex), manner.apex)
    rdtype = Type.A if lease.address.version == 4 else Type.AAAA
    return Supplied(owner, rdtype, lease.address.packed, manner.ttl_s, manner.horizon, lease.where)


def _refuse(hosts: Hosts, lease: Lease, reason: str) -> None:
    if len(hosts.refused) < MAX_REFUSED:
        message = f"{lease.address}, of {lease.client}, gets no name: {reason}"
        where = Where(lease.where.file)  # the line is another after each renewal
        hosts.refused.append(Caution(where, message))


def supply_of(hosts: Hosts, source: str, manner: Manner, overlay: bool) -> Supply:
    """What a source of these hosts hands over."""
    records = sorted(hosts.records, key=lambda one: (one.owner.lower(), one.rdtype, one.rdata))
    return Supply(source, manner.apex, tuple(records), overlay, refused=tuple(hosts.refused))


