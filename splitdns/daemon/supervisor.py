"""The supervisor: has generations built, opens the sockets, keeps the workers, and answers no query itself.

Start, reload and stop are here; everything is put together here, and nowhere else.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns import __version__, logs, metrics
from splitdns.daemon.build import Build, BuildError
from splitdns.daemon.process import ended, kill
from splitdns.daemon.wan.keeper import Keeper
from splitdns.load.load import Loaded, Progress
from splitdns.load.settings import Settings
from splitdns.metrics import Counts
from splitdns.names import to_text
from splitdns.sources.keeper import Keeper as Sources
from splitdns.systemd import Service

if TYPE_CHECKING:
    from splitdns.daemon.channel import Flush, Knobs
    from splitdns.daemon.control import Control
    from splitdns.daemon.inspection import Inspector
    from splitdns.daemon.worker import Sockets
    from splitdns.watch import Watcher
    from splitdns.web.app import Application

log = logging.getLogger("splitdns.daemon")

ALONE_S = 1.0  # that the workers have the processor to themselves when they start
WATCHING_S = 1.0  # that the start waits for the watch on the files to stand


def run(config: Path | None, *, strict: bool = False, progress: Progress | None = None) -> int:
    """Serve until told to stop; the exit status. ``progress`` is called in another process.

    Raises:
        ExceptionGroup[InputError]: at the start, what is wrong with the configuration, with the addresses to
            listen on or, where ``strict``, with zones.
        BuildError: at the start, there was nothing to serve for another reason.
    """
    logs.configure()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # who sends it while we load gets the newest files anyway
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # and nothing is cached yet
    since_s = time.time()
    keeper, sources = Keeper(config), Sources()
    build = Build(
        config,
        None,
        number=1,
        strict=strict,
        progress=progress,
        known=keeper.known,
        supplying=sources.supplying,
    )
    # While the child loads, this process imports what workers need.
    from splitdns.daemon.ports import open_sockets

    try:
        package = build.package(os.waitpid(build.process, 0)[1])
        for _ in package.portions():
            pass
        loaded = package.loaded(None)
    finally:
        build.close()
    settings = loaded.settings
    logs.configure(settings.log.level, settings.log.format)
    _allow_descriptors()
    workers = settings.workers or len(os.sched_getaffinity(0))
    sockets = open_sockets(settings, workers)
    return Supervisor(config, loaded, sockets, keeper, sources, strict=strict, since_s=since_s).run()


def _allow_descriptors() -> None:
    """Each TCP client and each question on its way to an upstream holds one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Supervisor:
    """One server: its workers, its generations and its admin endpoint."""

    def __init__(
        self,
        config: Path | None,
        loaded: Loaded,
        sockets: list[Sockets],
        keeper: Keeper,
        sources: Sources,
        *,
        strict: bool,
        since_s: float,
    ) -> None:
        from splitdns.daemon.crew import Crew
        from splitdns.daemon.keeping import Keeping
        from splitdns.wire.cookies import MASTER_OCTETS

        self._config = config
        self._strict = strict
        self._loaded = loaded
        self._since_s = since_s
        self._keeper = keeper
        self._sources = sources
        self._counts = Counts()
        self._service = Service(os.environ)
        self._addresses = [_shown(sock) for sock in sockets[0].udp]
        self._admin = _admin_socket(loaded.settings)
        self._admin_settings = loaded.settings.admin  # a reload does not change them
        self._control: Control | None = None
        self._cookie_master = os.urandom(MASTER_OCTETS)
        knobs = _knobs(loaded.settings, len(sockets), self._cookie_master)
        self._crew = Crew(sockets, loaded.snapshot, knobs, self._counts, self._close_in_child)
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._flush_wanted = asyncio.Event()
        self._watching = asyncio.Event()
        self._swapped = asyncio.Event()
        self._inspector: Inspector | None = None
        self._keeping = Keeping(config, self._close_in_builder)
        self._keeping.take(loaded, None, since_s)

    def run(self) -> int:
        """Serve until told to stop; the exit status."""
        from splitdns.daemon import report

        gc.freeze()  # what workers have in common stays shared, for no collector writes to it
        gc.enable()
        self._crew.fork()
        report.first(self._loaded, self._counts, time.time())
        asyncio.run(self._run())
        log.info("stopped")
        return 0

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._changed.set)
        loop.add_signal_handler(signal.SIGUSR1, self._flush_wanted.set)
        async with asyncio.TaskGroup() as group:
            self._crew.keep(group)
            with suppress(TimeoutError):  # where no worker can start, all else does
                async with asyncio.timeout(ALONE_S):
                    await self._crew.wait_until_serving()
            await self._beside_workers(group)

    async def _beside_workers(self, group: asyncio.TaskGroup) -> None:
        """Do all that is done beside answering, until told to stop."""
        from splitdns.serve.admin import serve
        from splitdns.watch import Watcher

        loop = asyncio.get_running_loop()
        watcher = Watcher(
            partial(loop.call_soon_threadsafe, self._changed.set),
            partial(loop.call_soon_threadsafe, self._watching.set),
        )
        end_admin = asyncio.Event()
        self._control = _control_socket(self._loaded.settings, self._config)
        try:
            self._keeper.start(group, self._loaded, self._counts, self._changed.set, self._close_in_builder)
            base = self._config.parent if self._config is not None else Path()
            self._sources.start(group, self._loaded, base, self._counts, self._changed.set)
            while_serving = [
                group.create_task(self._tell_serving()),
                group.create_task(self._stay_alive()),
                group.create_task(self._crew.mind()),
                group.create_task(self._reload_on_change(watcher)),
                group.create_task(self._flush_on_signal()),
                group.create_task(self._inspect()),
                group.create_task(self._keep_compiled()),
            ]
            if self._control is not None:
                group.create_task(self._control.serve(self._flush, self._stop))
            if self._admin is not None:
                group.create_task(serve(self, self._admin, end_admin, self._pages))
            await self._stop.wait()
            log.info("stopping")
            self._service.stopping()
            for task in while_serving:
                task.cancel()
            self._keeper.close()
            self._sources.close()
            await self._crew.stop()
            end_admin.set()
        finally:
            watcher.close()

    # Start and stop

    async def _tell_serving(self) -> None:
        """Say so once every worker answers, and what changes from now on is one reload for each change."""
        await self._crew.wait_until_serving()
        with suppress(TimeoutError):  # where nothing can be watched, names are answered all the same
            async with asyncio.timeout(WATCHING_S):
                await self._watching.wait()
        fields = {
            "config": str(self._config.absolute()) if self._config else "the embedded default",
            "listen": " ".join(self._addresses),
            "admin": _shown(self._admin) if self._admin is not None else "none",
            "workers": self._crew.size,
            "zones": len(self._loaded.serials),
            "seconds": round(time.time() - self._since_s, 3),
        }
        log.info("serving", extra=fields)
        self._service.ready(self._status())

    def _told_to_stop(self) -> None:
        if self._stop.is_set():  # the second time: at once
            self._crew.kill()
        self._stop.set()

    async def _stay_alive(self) -> None:
        """Feed systemd's watchdog while a worker answers; the crew replaces the others."""

        async def is_answering() -> bool:
            await self._crew.counts()
            return self._crew.answering > 0

        await self._service.feed_watchdog(is_answering, asyncio.sleep)

    def _status(self) -> str:
        broken = f", {len(self._loaded.faults)} broken" if self._loaded.faults else ""
        return f"generation {self._loaded.snapshot.generation}: {len(self._loaded.serials)} zones{broken}"

    def _close_in_child(self) -> None:
        if self._admin is not None:
            self._admin.close()
        if self._control is not None:
            self._control.close()

    # Reload

    async def _reload_on_change(self, watcher: Watcher) -> None:
        watcher.look_at(self._loaded.watch, self._since_s)
        await self._crew.wait_until_serving()
        while True:
            await self._changed.wait()
            self._changed.clear()  # what changes from here on is for one more reload
            self._service.reloading()
            await self._reload()
            watcher.look_at(self._loaded.watch, self._since_s)
            self._service.ready(self._status())

    async def _reload(self, settings: Settings | None = None) -> None:
        """Have the next generation built, and lead the workers to it; if it cannot be, nothing changes.

        But public addresses and names of sources do, also while a configuration on disk is wrong: then by the
        former ``settings``.
        """
        from splitdns.daemon import report

        started_s, former = time.time(), self._loaded
        try:
            build = Build(
                self._config,
                former,
                number=former.snapshot.generation + 1,
                strict=self._strict,
                in_child=self._close_in_builder,
                known=self._keeper.known,
                supplying=self._sources.supplying,
                settings=settings,
            )
        except OSError as error:  # no descriptor or process left; the next change tries again
            report.refused([error], former, self._counts)
            return
        try:
            package = build.package(await self._ended(build.process))
            for _ in package.portions():
                await asyncio.sleep(0)
            loaded = package.loaded(former)
            knobs = _knobs(loaded.settings, self._crew.size, self._cookie_master)
            await self._crew.swap(loaded.snapshot, knobs, build.memory)
        except ExceptionGroup as group:
            report.refused(group.exceptions, former, self._counts)
            if settings is None and not (self._keeper.is_current and self._sources.is_current):
                await self._reload(former.settings)
            return
        except (BuildError, OSError) as error:
            report.refused([error], former, self._counts)
            return
        finally:
            build.close()
        self._keeping.take(loaded, former, started_s)
        self._loaded, self._since_s = loaded, started_s
        self._keeper.follow(loaded)
        self._sources.follow(loaded)
        logs.configure(loaded.settings.log.level, loaded.settings.log.format)
        now_s = time.time()
        report.swapped(loaded, former, self._counts, now_s, now_s - started_s)
        self._swapped.set()

    async def _ended(self, process: int) -> int:
        try:
            return await ended(process)
        except (asyncio.CancelledError, OSError):
            kill(process)
            os.waitpid(process, 0)  # noqa: ASYNC222 (at once)
            raise

    def _close_in_builder(self) -> None:
        """A child that builds must not keep the ports from a server that follows us."""
        self._crew.close_in_child()
        self._close_in_child()

    async def _keep_compiled(self) -> None:
        """Have zones kept for the next start, once nobody waits for this one."""
        await self._crew.wait_until_serving()
        await self._keeping.keep()

    async def _inspect(self) -> None:
        """Check the gateway against the generation that answers: each new one, and at times."""
        from splitdns.daemon.inspection import Inspector

        await self._crew.wait_until_serving()
        self._inspector = Inspector(self._config, self._counts, self._close_in_builder)
        await self._inspector.inspect_again(lambda: self._loaded, self._swapped)

    # Flush

    async def _flush_on_signal(self) -> None:
        from splitdns.daemon.channel import Flush

        while True:
            await self._flush_wanted.wait()
            self._flush_wanted.clear()
            await self._flush(Flush())

    async def _flush(self, flush: Flush) -> int:
        """Have all workers forget what upstreams said; how many replies.

        Raises:
            ValueError: there is no such view.
        """
        views = self._loaded.settings.views
        if flush.view is not None and flush.view not in views:
            raise ValueError(f"expected one of the views {', '.join(views)}, found {flush.view!r}")
        replies = await self._crew.flush(flush)
        self._counts.add(metrics.CACHE_FLUSHES)
        fields = {"qname": to_text(flush.name)} if flush.name is not None else {}
        fields |= {"subtree": "yes"} if flush.subtree else {}
        fields |= {"view": flush.view} if flush.view is not None else {}
        log.info("cache.flushed", extra={**fields, "replies": replies})
        return replies

    # What the admin endpoint asks

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The counts of all workers and of this process, and their content type; within a second or so."""
        from splitdns.serve.exposition import render

        return render(await self.counts(), accept)

    async def counts(self) -> Counts:
        """Those of all workers and of this process."""
        counts = await self._crew.counts()
        counts.merge(self._counts)
        counts.set(metrics.BUILD_INFO, 1, __version__, "", metrics.python_version())
        return counts

    def unhealthy(self) -> str | None:
        """Why this server is of no use; None: it is well."""
        return None if self._crew.serving else "no worker is alive"

    def unready(self) -> str | None:
        """Why it should get no queries; None: it should."""
        if self._stop.is_set():
            return "stopping"
        return None if self._crew.serving == self._crew.size else "not all workers are serving"

    def _pages(self) -> Application:
        """The web page; nothing of it is imported before somebody asks for it."""
        from splitdns.daemon.desk import Desk, Means, door_of
        from splitdns.web.app import application

        assert self._admin is not None
        base = self._config.parent if self._config is not None else Path()
        means = Means(
            base,
            lambda: self._loaded,
            lambda: self._inspector,
            self.counts,
            self.unready,
            self._flush,
            self._swapped.set,
            self._close_in_builder,
        )
        return application(Desk(means, self._crew), door_of(self._admin_settings, base, self._admin))


def _knobs(settings: Settings, workers: int, cookie_master: bytes) -> Knobs:
    """Each worker's share of the limits (semantics 21), and its manner of logging."""
    from splitdns.answer.limits import Rates
    from splitdns.daemon.channel import Knobs
    from splitdns.daemon.outlets import collector, rotation
    from splitdns.forward.cache import CacheLimits
    from splitdns.load.machine import this_machine
    from splitdns.serve.stream import Limits

    limits = Limits(
        connections=-(-settings.tcp.connections // workers),
        connections_per_client=-(-settings.tcp.connections_per_client // workers),
        idle_s=settings.tcp.idle_timeout,
        message_s=settings.tcp.message_timeout,
    )
    rates = Rates(
        settings.limits.responses_per_second / workers,
        settings.limits.queries_per_second / workers,
        settings.limits.window,
        settings.limits.slip,
        settings.limits.ipv4_prefix,
        settings.limits.ipv6_prefix,
        settings.limits.exempt,
    )
    cache = CacheLimits(
        settings.cache.size_mib * 1024 * 1024,
        settings.cache.min_ttl,
        settings.cache.max_ttl,
        settings.cache.max_negative_ttl,
        settings.cache.max_stale,
        settings.cache.prefetch,
    )
    return Knobs(
        limits,
        rates,
        cookie_master,
        this_machine().gateways,
        settings.querylog,
        settings.log.level,
        settings.log.format,
        cache,
        rotation(settings),
        collector(settings, socket.gethostname()),
    )


def _control_socket(settings: Settings, config: Path | None) -> Control | None:
    """Where commands come in; without it, names are still answered.

    Nobody has to hear of it where nobody asked for it: an ordinary user cannot make the usual path. Where
    another server has it, commands would go there.
    """
    from splitdns.daemon.control import Control, path_of

    if settings.control is None:
        return None
    path = path_of(settings.control, config)
    try:
        return Control(path, config)
    except OSError as error:
        usual = logging.WARNING if error.errno == errno.EADDRINUSE else logging.INFO
        level = logging.ERROR if settings.is_written("control") else usual
        log.log(level, "control.failed", extra={"path": str(path), "reason": error.strerror or str(error)})
        return None


def _admin_socket(settings: Settings) -> socket.socket | None:
    """The admin endpoint's socket; without it, names are still answered."""
    from splitdns.daemon.ports import open_admin

    address = settings.admin.listen
    if address is None:
        return None
    try:
        return open_admin(address)
    except OSError as error:
        log.error("admin.failed", extra={"listen": str(address), "reason": str(error)})  # noqa: TRY400
        return None


def _shown(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
