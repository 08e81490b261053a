"""The leases of one DHCP server, followed: its files are watched, its control sockets asked at times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from splitdns.load.sources import LeasesSettings
from splitdns.sources.asking import ask_again
from splitdns.sources.leases import dnsmasq
from splitdns.sources.leases.hosts import Manner, named, supply_of
from splitdns.sources.leases.lease import Lease, read_file
from splitdns.sources.source import Failed, Said, Told
from splitdns.watch import Watcher

LOOK_S = 30.0  # between two looks at files whose changes are told, lest one got lost

Reading = Callable[[Path], Iterable[Lease]]


def _dnsmasq(path: Path) -> Iterator[Lease]:
    return dnsmasq.leases_in(read_file(path), str(path))


READERS: dict[str, Reading] = {"dnsmasq": _dnsmasq}


@dataclass(frozen=True, slots=True)
class Leases:
    """The hosts that ``server`` knows by ``files``."""

    server: str
    files: tuple[Path, ...]
    manner: Manner
    overlay: bool

    @classmethod
    def of(cls, settings: LeasesSettings, base: Path) -> Leases:
        manner = Manner(settings.zone, settings.horizon, settings.ttl)
        files = tuple(base / file for file in settings.files)
        return cls(settings.server, files, manner, settings.mode == "overlay")

    @property
    def name(self) -> str:
        return f"leases {self.files[0]}"

    def look(self, now_s: float) -> Said | None:
        return self._said(None, now_s)

    async def follow(self, former: Said | None, told: Told, failed: Failed) -> None:
        hint = asyncio.Event()
        loop = asyncio.get_running_loop()
        watcher = Watcher(partial(loop.call_soon_threadsafe, hint.set))
        watcher.look_at(self.files, time.time())
        try:
            await ask_again(self._ask, hint, LOOK_S, former, told, failed, time.time)
        finally:
            watcher.close()

    async def _ask(self, former: Said | None, now_s: float) -> Said:
        return await asyncio.to_thread(self._said, former, now_s)

    def _said(self, former: Said | None, now_s: float) -> Said:
        read = READERS[self.server]
        leases = [lease for file in self.files for lease in read(file)]
        hosts = named(leases, self.manner, former.memory if former is not None else {}, now_s)
        supply = supply_of(hosts, self.name, self.manner, self.overlay)
        return Said((supply,), hosts.until_s, hosts.holders)
