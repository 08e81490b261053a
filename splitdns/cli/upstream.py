"""Really asking upstreams from a command that is no server: one question at a time, nothing kept."""

from __future__ import annotations

import asyncio

from splitdns.answer.decide import Forward, Reply
from splitdns.cli.console import report
from splitdns.errors import UpstreamError


def ask(forward: Forward) -> Reply | None:
    """What the upstreams say; None, and the reason on standard error, where none gave a usable answer."""
    try:
        return asyncio.run(_ask(forward))
    except UpstreamError as error:
        report([error])
        return None


async def _ask(forward: Forward) -> Reply:
    from splitdns.forward.forwarder import Forwarder
    from splitdns.metrics import Counts

    forwarder = Forwarder(Counts())
    try:
        return await forwarder.ask(forward)
    finally:
        await forwarder.close(grace_s=0)
