"""The leases of one DHCP server, followed: its files are watched, its control sockets asked at times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from splitdns.load.sources import LeasesSettings
from splitdns.load.supplies import Supply
from splitdns.sources.asking import ask_again
from splitdns.sources.leases import dnsmasq, isc, kea, socket
from splitdns.sources.leases.hosts import Manner, named, supply_of
from splitdns.sources.leases.lease import Lease, read_file
from splitdns.sources.source import Failed, Said, Told
from splitdns.value import value
from splitdns.watch import Watcher

LOOK_S = 30.0  # between two looks at files whose changes are told, lest one got lost
POLL_S = 10.0  # between two questions at a control socket, which tells no changes

Reading = Callable[[Path], Iterable[Lease]]


def _dnsmasq(path: Path) -> Iterator[Lease]:
    return dnsmasq.leases_in(read_file(path), str(path))


def _isc(path: Path) -> Iterator[Lease]:
    return isc.leases_in(read_file(path), str(path))


READERS: dict[str, Reading] = {"dnsmasq": _dnsmasq, "isc": _isc, "kea": kea.read}


@value(frozen=True, slots=True)
class Leases:
    """The hosts that ``server`` knows by ``files`` or by ``sockets``."""

    server: str
    files: tuple[Path, ...]
    sockets: tuple[Path, ...]
    manner: Manner
    overlay: bool

    @classmethod
    def of(cls, settings: LeasesSettings, base: Path) -> Leases:
        """The source of these settings, whose paths are relative to ``base``."""
        manner = Manner(settings.zone, settings.horizon, settings.ttl)
        files, sockets = (tuple(base / one for one in of) for of in (settings.files, settings.sockets))
        return cls(settings.server, files, sockets, manner, settings.mode == "overlay")

    @property
    def name(self) -> str:
        return f"leases {(*self.files, *self.sockets)[0]}"

    @property
    def unheard(self) -> tuple[Supply, ...]:
        awaited = frozenset({self.manner.horizon})
        return (Supply(self.name, self.manner.apex, (), self.overlay, awaited=awaited),)

    def look(self, now_s: float) -> Said | None:
        return None if self.sockets else self._said(self._read(), None, now_s)

    async def follow(self, former: Said | None, told: Told, failed: Failed) -> None:
        hint = asyncio.Event()
        again = partial(ask_again, self._ask, hint)
        if self.sockets:
            await again(POLL_S, former, told, failed, time.time)
            return
        watcher = Watcher(partial(asyncio.get_running_loop().call_soon_threadsafe, hint.set))
        watcher.look_at(self._watched(), time.time())
        try:
            await again(LOOK_S, former, told, failed, time.time)
        finally:
            watcher.close()

    def _watched(self) -> Iterator[Path]:
        for file in self.files:
            yield from kea.files_of(file) if self.server == "kea" else (file,)

    async def _ask(self, former: Said | None, now_s: float) -> Said:
        if self.sockets:
            leases = [lease for path in self.sockets for lease in await socket.ask(path)]
        else:
            leases = await asyncio.to_thread(self._read)
        return self._said(leases, former, now_s)

    def _read(self) -> list[Lease]:
        return [lease for file in self.files for lease in READERS[self.server](file)]

    def _said(self, leases: Iterable[Lease], former: Said | None, now_s: float) -> Said:
        hosts = named(leases, self.manner, former.memory if former is not None else {}, now_s)
        supply = supply_of(hosts, self.name, self.manner, self.overlay)
        return Said((supply,), hosts.until_s, hosts.holders)
