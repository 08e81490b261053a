"""What systemd wants to hear from a service of ``Type=notify`` or ``notify-reload`` (sd_notify(3)).

A datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names. Without that variable nothing
is sent, and nothing that goes wrong here is worth stopping a server for.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

ASK_AGAIN_S = 1.0  # when it is not well: one slow moment must not cost half of the watchdog's patience


class Service:
    """This process towards systemd."""

    def __init__(self, environ: Mapping[str, str], monotonic: Callable[[], float] = time.monotonic) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # abstract namespace
        self._monotonic = monotonic
        own = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit_us = environ.get("WATCHDOG_USEC", "") if own else ""
        # How often to say that we are alive: twice within the limit (sd_watchdog_enabled(3)).
        self.watchdog_interval_s = int(limit_us) / 2e6 if limit_us.isdigit() and int(limit_us) else None

    def ready(self, status: str) -> None:
        """Started, or a reload is over."""
        self._send("READY=1", "STATUS=" + status)

    def reloading(self) -> None:
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1e6)}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    async def feed_watchdog(
        self, is_well: Callable[[], Awaitable[bool]], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Say that we are alive each time that ``is_well``, for ever; return at once where nobody watches."""
        while (interval_s := self.watchdog_interval_s) is not None:
            well = await is_well()
            if well:
                self.alive()
            await sleep(interval_s if well else min(interval_s, ASK_AGAIN_S))

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)
