"""The containers of one engine, as a source of names."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from splitdns.errors import Caution, Problems
from splitdns.load.containers import DockerSettings
from splitdns.load.declared import Exposed
from splitdns.load.supplies import Supplied, Supply
from splitdns.names import Qname
from splitdns.records import SHORT_TTL_S, Type
from splitdns.sources.docker.claims import claims_in
from splitdns.sources.docker.client import EngineError, connected
from splitdns.sources.docker.container import Address
from splitdns.sources.docker.following import Running, follow, look
from splitdns.sources.docker.labels import WAN4, WAN6, Claim, Terms
from splitdns.sources.source import Failed, Said, SourceError, Told

MAX_REFUSED = 100  # mistakes that are told one by one; beyond: nobody reads so many
LOOK_S = 2.0  # that a start, or a command, waits for an engine on this machine

_LOOPBACK = re.compile(r"127\.[0-9.]+|::1|localhost")
OUTSIDE = "outside"  # the horizon of those who are told what is exposed


@dataclass(frozen=True, slots=True)
class Docker:
    """The containers at ``engine``, which have names by ``terms`` and are met inside by ``horizon``."""

    engine: str
    terms: Terms
    horizon: str
    overlay: bool

    @classmethod
    def of(cls, settings: DockerSettings, families: frozenset[int]) -> Docker:
        """``families``: those of which the configuration has a source of public addresses."""
        proxy = settings.proxy
        terms = Terms(
            settings.zone,
            tuple(settings.domains) or (settings.zone,),
            tuple(settings.inside),
            tuple(proxy.inside),
            tuple(proxy.expose),
            frozenset({4: WAN4, 6: WAN6}[family] for family in families),
        )
        return cls(settings.engine, terms, settings.horizon, settings.mode == "overlay")

    @property
    def name(self) -> str:
        return f"docker {self.engine.removeprefix('unix://')}"

    @property
    def unheard(self) -> tuple[Supply, ...]:
        horizons = frozenset({self.horizon, OUTSIDE})
        return (Supply(self.name, self.terms.zone, (), self.overlay, trusted=True, awaited=horizons),)

    def look(self, now_s: float) -> Said | None:
        """An engine on this machine is at hand; others are asked later."""
        if not _is_here(self.engine):
            return None
        with ThreadPoolExecutor(1) as thread:  # for this one may have a loop that runs
            return self.said(thread.submit(asyncio.run, self._looked()).result())

    async def _looked(self) -> Running:
        try:
            async with asyncio.timeout(LOOK_S), connected(self.engine) as engine:
                return await look(engine)
        except EngineError as error:
            raise SourceError(str(error)) from None
        except TimeoutError:
            raise SourceError(f"nothing within {LOOK_S:.0f} s") from None

    async def follow(self, former: Said | None, told: Told, failed: Failed) -> None:
        last: tuple[Running, Said] | None = None

        def seen(running: Running) -> None:
            nonlocal last
            if last is None or last[0] != running:
                last = running, self.said(running)
            told(last[1])

        await follow(self.engine, seen, failed)

    def said(self, running: Running) -> Said:
        """What the containers declare together."""
        problems = Problems()
        records: list[Supplied] = []
        exposed: dict[Qname, tuple[Exposed, ...]] = {}
        for claim in claims_in(running, self.terms, problems):
            records += self._records(claim)
            if claim.expose and not claim.pattern:
                exposed[claim.owner] = tuple(Exposed(*ports, claim.where) for ports in claim.expose)
        refused = tuple(Caution(one.where, one.message) for one in problems.errors[:MAX_REFUSED])
        supply = Supply(
            self.name, self.terms.zone, tuple(records), self.overlay, True, exposed, refused
        )
        return Said((supply,))

    def _records(self, claim: Claim) -> list[Supplied]:
        ttl_s = SHORT_TTL_S if claim.ttl_s is None else claim.ttl_s
        plain = Supplied(claim.owner, 0, b"", ttl_s, self.horizon, claim.where, pattern=claim.pattern)
        found = [_of(address, plain) for address in claim.inside]
        for value in claim.outside:
            outside = replace(plain, horizon=OUTSIDE)
            if isinstance(value, str):
                found.append(replace(outside, rdtype=Type.A if value == WAN4 else Type.AAAA, wan=True))
            else:
                found.append(_of(value, outside))
        return found


def _is_here(engine: str) -> bool:
    """Whether nothing leaves this machine when it is asked."""
    parts = urlsplit(engine)
    return parts.scheme == "unix" or _LOOPBACK.fullmatch(parts.hostname or "") is not None


def _of(address: Address, plain: Supplied) -> Supplied:
    rdtype = Type.A if isinstance(address, IPv4Address) else Type.AAAA
    return replace(plain, rdtype=rdtype, rdata=address.packed)
