"""What is wrong with the answers themselves, and with the way of the queries.

A client whose query arrives with another's address meets another's view: then every answer is wrong, and no
rule that is right for the answer helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from splitdns.addresses import is_inside
from splitdns.check.finding import Code, Finding, Severity
from splitdns.check.findings.evidence import origins, witness
from splitdns.check.findings.rules import names_destination
from splitdns.check.judge import Judgement
from splitdns.check.model import Kind
from splitdns.check.promises import Service, names_without_service
from splitdns.check.sets import Address
from splitdns.check.traffic import Asked
from splitdns.load.wansources import Static
from splitdns.names import to_text
from splitdns.records import ADDRESS_TYPES
from splitdns.view import View

MAX_NAMES = 50  # of one kind of finding; beyond: how many more


def find(judgement: Judgement) -> Iterator[Finding]:
    """Lost views, open resolvers, and names whose answers cannot be right."""
    yield from _queries(judgement)
    for service in judgement.services:
        yield from _split_families(judgement, service)
        yield from _stale(judgement, service)
    yield from _unknown(judgement)
    yield from _at_most(_private(judgement), "names give inside addresses to outside views")
    yield from _at_most(_without_service(judgement), "names lead to the gateway and expose nothing")


def _queries(judgement: Judgement) -> Iterator[Finding]:
    """One finding for each group of clients and view, be it over UDP or TCP."""
    told: set[tuple[Code, str, str]] = set()
    for asked in judgement.asked:
        view = judgement.loaded.snapshot.view(asked.met) if asked.met is not None else None
        finding = _query(judgement, asked, view) if view is not None else None
        if finding is not None and view is not None:
            key = (finding.code, asked.seen.clients.name, view.name)
            if key not in told:
                told.add(key)
                yield finding


def _query(judgement: Judgement, asked: Asked, view: View) -> Finding | None:
    clients = asked.seen.clients
    allowed = judgement.loaded.settings.views[view.name].open_resolver
    if clients.kind is Kind.INTERNET and view.recursion and not allowed:
        message = f"the internet may ask {asked.address}, and meets {view.name}, which recurses"
        remedy = "drop port 53 from the uplink, or keep the clients' own addresses"
        return _asked(Code.EXP_OPEN_RESOLVER, message, asked, view, remedy)
    if asked.met != asked.seen.view:
        own = asked.seen.view or "no view"
        message = (
            f"queries of {clients.name} arrive with another address, and meet {view.name} instead of {own}"
        )
        remedy = "do not masquerade what goes to this server"
        return _asked(Code.DNS_VIEW_LOST, message, asked, view, remedy)
    return None


def _asked(code: Code, message: str, asked: Asked, view: View, remedy: str) -> Finding:
    is_leak = asked.seen.clients.kind is Kind.INTERNET and not view.outside
    mild = Severity.ERROR if code is Code.DNS_VIEW_LOST and not is_leak else None
    return Finding(
        code,
        message,
        clients=(asked.seen.clients.name,),
        witness=witness(asked.result),
        rules=origins(asked.result.outcomes),
        remedy=remedy,
        verdict=asked.result.verdict,
        severity_override=mild,
    )


def _split_families(judgement: Judgement, service: Service) -> Iterator[Finding]:
    """Views that are told the host itself in one family, and a way around by the internet in the other."""
    for view in judgement.loaded.snapshot.views:
        told = service.answers[view.name]
        by_family = {family: [one for one in told if one.version == family] for family in (4, 6)}
        meant = {
            family: [one for one in addresses if one in service.targets]
            for family, addresses in by_family.items()
        }
        for inside, around in ((4, 6), (6, 4)):
            if meant[inside] and by_family[around] and not meant[around] and not view.outside:
                message = (
                    f"{view.name} is told {meant[inside][0]}, and over IPv{around} {by_family[around][0]}, "
                    "which is not the same host: clients choose by themselves"
                )
                remedy = f"give IPv{around} a variant for the inside, or none"
                yield Finding(
                    Code.DNS_V6_SPLIT_LEAK,
                    message,
                    str(service),
                    where=service.exposed.where,
                    remedy=remedy,
                )


def _stale(judgement: Judgement, service: Service) -> Iterator[Finding]:
    """Public addresses of services that cannot be the gateway's.

    An address that is not the gateway's own may still be led to it by the provider; not so where it is in the
    network of an uplink, whose neighbours look for its owner there, or where no rule knows it.
    """
    network = judgement.gateway.network
    uplinks = [own for one in network.interfaces if one.uplink for own in one.addresses]
    for address in service.addresses:
        if is_inside(address.packed) or address in service.targets:
            continue
        own = [one for one in uplinks if one.address.version == address.version]
        if not own or any(one.address == address or is_inside(one.address.packed) for one in own):
            continue
        near = any(address in one.prefix for one in own)
        if near or not names_destination(judgement.gateway.ruleset, address):
            has = ", ".join(str(one.address) for one in own if not one.address.is_link_local)
            message = f"the zone says {address}, and the gateway has {has}"
            remedy = _followed(judgement, address)
            where = service.exposed.where
            yield Finding(Code.DNS_WAN_STALE, message, str(service), where=where, remedy=remedy)


def _followed(judgement: Judgement, address: Address) -> str:
    """What keeps ``address`` from being the gateway's."""
    loaded = judgement.loaded
    value = loaded.wan.get(address.version)
    if value is None or value.address != address:
        return f"say `$wan{address.version}` in the zone, and the address once, in `wan:`"
    source = loaded.settings.wan.sources[address.version]
    if isinstance(source, Static):
        return "set `wan:` to the address that the gateway has now, or let it follow a source"
    return f"see why {source} is behind, or what the gateway says of itself is"


def _unknown(judgement: Judgement) -> Iterator[Finding]:
    """Public addresses that are not known, so that nobody outside is told one (semantics 12)."""
    loaded = judgement.loaded
    if not any(part.wan for of_apex in loaded.parts.values() for part in of_apex):
        return
    for family, value in loaded.wan.items():
        if value.address is None:
            message = f"nobody outside is told an address for $wan{family}: {value.reason}"
            where = loaded.settings.where(("wan", f"ipv{family}"))
            code = Code.DNS_WAN_STALE if value.is_refused else Code.MODEL_UNKNOWN
            remedy = "ask the provider for a public address" if value.is_refused else ""
            yield Finding(code, message, f"$wan{family}", where=where, remedy=remedy)


def _private(judgement: Judgement) -> Iterator[Finding]:
    """Records of outside views that the leak guard has to take out."""
    for view in judgement.loaded.snapshot.views:
        if not view.outside:
            continue
        for zone in view.zones.values():
            for node in zone.nodes() if zone.source else ():
                for rrset in node.rrsets:
                    if rrset.rdtype in ADDRESS_TYPES and not rrset.public:
                        for address in map(ip_address, filter(is_inside, rrset.rdatas)):
                            yield _leaking(to_text(node.owner), view, address)


def _leaking(name: str, view: View, address: Address) -> Finding:
    message = f"the zone gives {address} to {view.name}, an outside view; the leak guard keeps it back"
    return Finding(Code.DNS_PRIVATE_PUBLIC, message, name, remedy="give it to inside views only")


def _without_service(judgement: Judgement) -> Iterator[Finding]:
    """Names that outside views are told to be at the gateway, with nothing to reach there."""
    network = judgement.gateway.network
    own = {*network.addresses(4), *network.addresses(6)}
    for named in names_without_service(judgement.loaded):
        for view in judgement.loaded.snapshot.views:
            public = [one for one in named.answers[view.name] if one in own and not is_inside(one.packed)]
            if view.outside and public:
                message = f"{view.name} is told {public[0]}, the gateway, and the name exposes no port"
                remedy = "declare its ports with `expose`, or give it to inside views only"
                yield Finding(Code.DNS_NAME_NO_SERVICE, message, named.name, remedy=remedy)
                break


def _at_most(findings: Iterator[Finding], what: str) -> Iterator[Finding]:
    more, last = 0, None
    for count, finding in enumerate(findings):
        if count < MAX_NAMES:
            yield finding
        else:
            more, last = more + 1, finding
    if last is not None:
        yield Finding(last.code, f"{more} more {what}", remedy=last.remedy)
