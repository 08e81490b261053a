"""Children of the supervisor: forked, never executed anew, so that they start with all that it has in memory.

A child has its own signals and dies with its parent. It leaves by ``os._exit`` and never returns into its
parent's code, whose event loop it must not touch.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger("splitdns.daemon")

CRASHED = 70  # EX_SOFTWARE of sysexits.h

_PR_SET_PDEATHSIG = 1  # prctl(2)
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def fork(run: Callable[[], object]) -> int:
    """Call ``run`` in a child, which then ends, and return the child's process id.

    A terminal's Ctrl-C and a service manager's SIGTERM reach children too: they ignore them, for it is the
    supervisor that decides what follows.
    """
    parent = os.getpid()
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # none may meet our handlers in the child
    try:
        with warnings.catch_warnings():
            # The watcher's thread holds no lock that a child wants: it works in Rust, and calls with the GIL.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child:
            return child
        status = CRASHED
        try:
            signal.set_wakeup_fd(-1)  # it leads into the parent's event loop
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
            _die_with(parent)
            run()
            status = 0
        except BaseException:
            log.exception("process.crashed")
        finally:
            os._exit(status)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when ``parent`` is gone, also where it hangs."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before we said so
        os._exit(CRASHED)


async def ended(process: int) -> int:
    """The wait status of a child, once it has ended."""
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(process)
    gone: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not gone.done():
            gone.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await gone
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return os.waitpid(process, 0)[1]  # noqa: ASYNC222 (it has ended)


def kill(process: int) -> None:
    """Kill a child that has not been waited for; its process id is nobody else's until then."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def ending(status: int) -> str:
    """What a wait status says, for a person: ``status 1``, ``SIGKILL``."""
    code = os.waitstatus_to_exitcode(status)
    return f"status {code}" if code >= 0 else signal.Signals(-code).name
