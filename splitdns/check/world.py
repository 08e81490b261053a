"""What the world is told: public resolvers, asked for our names, against what our zones answer outside.

Asked only with ``--probe``, only of resolvers that ``wan.resolvers`` names, and only for names with services.
They say what other people's caches and registrars have, which no file here knows: an old address, most of the
time, after the provider has given another one.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from splitdns.check.finding import Code, Finding
from splitdns.check.judge import Judgement
from splitdns.check.probe import AT_ONCE, PATIENCE_S, Fact, over_udp
from splitdns.check.promises import Service
from splitdns.check.sets import Address
from splitdns.errors import UpstreamError, Where
from splitdns.forward.chain import reduce
from splitdns.forward.response import Response
from splitdns.names import from_text
from splitdns.records import Class, Rcode, Type
from splitdns.value import value
from splitdns.view import Upstream

_TYPES = {4: Type.A, 6: Type.AAAA}
_QUERY = bytes.fromhex("01000001000000000000")  # a header but for the id: RD, one question


@value(frozen=True, slots=True)
class Published:
    """What ``resolver`` says of a name, in one family: addresses, or ``failed`` and why.

    ``expected`` is what our outside views say.
    """

    name: str
    resolver: Upstream
    family: int
    expected: frozenset[Address]
    told: frozenset[Address] = frozenset()
    failed: str = ""
    where: Where | None = None


async def ask(judgement: Judgement, patience_s: float = PATIENCE_S) -> list[Published]:
    """Each name that has services outside, from each public resolver; nothing where none is configured."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(wanted: Published) -> Published:
        async with free:
            return await _asked(wanted, patience_s)

    return list(await asyncio.gather(*map(one, _wanted(judgement))))


def _wanted(judgement: Judgement) -> Iterator[Published]:
    outside = [view.name for view in judgement.loaded.snapshot.views if view.outside]
    services = {one.name: one for one in judgement.services if not one.name.startswith("*")}
    for service in services.values():
        told = _told(service, outside)
        for resolver in judgement.loaded.settings.wan.resolvers if told else ():
            for family in _TYPES:
                expected = frozenset(address for address in told if address.version == family)
                yield Published(service.name, resolver, family, expected, where=service.exposed.where)


def _told(service: Service, views: Iterable[str]) -> frozenset[Address]:
    return frozenset(address for view in views for address in service.answers.get(view, ()))


async def _asked(wanted: Published, patience_s: float) -> Published:
    name, rdtype = from_text(wanted.name), _TYPES[wanted.family]
    query = os.urandom(2) + _QUERY + name + bytes((0, rdtype, 0, Class.IN))
    resolver = wanted.resolver
    fact, said = await over_udp(ip_address(resolver.host), resolver.port, patience_s, query)
    told: frozenset[Address] = frozenset()
    failed = "" if fact is Fact.WORKS else fact.value
    if not failed:
        try:
            if said[:2] != query[:2]:
                raise UpstreamError("not to our question")
            reply = reduce(Response(said), name, rdtype)
        except (UpstreamError, struct.error, IndexError) as error:
            failed = f"an answer that is none: {error}"
        else:
            rcode = reply.rcode
            failed = "" if rcode in (Rcode.NOERROR, Rcode.NXDOMAIN) else Rcode(rcode).name
            rdatas = (one for rrset in reply.answer if rrset.rdtype == rdtype for one in rrset.rdatas)
            told = frozenset(map(ip_address, rdatas))
    return Published(wanted.name, resolver, wanted.family, wanted.expected, told, failed, wanted.where)


def differences(published: Iterable[Published]) -> Iterator[Finding]:
    """Names of which the world is told something else, and those of which nobody knows what it is told."""
    for one in published:
        if one.failed:
            message = f"what {one.resolver} tells the world over IPv{one.family} is not known: {one.failed}"
            yield Finding(Code.MODEL_UNKNOWN, message, one.name, where=one.where)
        elif one.told != one.expected:
            told, expected = _shown(one.told), _shown(one.expected)
            message = f"{one.resolver} tells the world {told}, and the zone says {expected}"
            remedy = "correct it where the name is published, or wait for the TTL of the old answer"
            yield Finding(Code.DNS_WAN_STALE, message, one.name, where=one.where, remedy=remedy)


def _shown(addresses: Iterable[Address]) -> str:
    return ", ".join(map(str, sorted(addresses, key=int))) or "no address"
