"""Asks again and again: after a hint, after a while, and when something ends by itself.

Never twice within a second, so that a flood of changes is a question now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from splitdns.sources.source import Failed, Said, SourceError, Told

FIRST_RETRY_S = 1.0  # after a failure; doubled with each more, up to the usual interval
GAP_S = 1.0  # between two questions, whatever is hinted

Clock = Callable[[], float]
Asking = Callable[[Said | None, float], Awaitable[Said]]
Resting = Callable[[asyncio.Event, float], Awaitable[None]]


async def rest(hint: asyncio.Event, pause_s: float) -> None:
    """Until there is a ``hint`` that something is different, or so long; but at least ``GAP_S``."""
    await asyncio.sleep(GAP_S)
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, pause_s - GAP_S)):
            await hint.wait()


async def ask_again(
    ask: Asking,
    hint: asyncio.Event,
    every_s: float,
    former: Said | None,
    told: Told,
    failed: Failed,
    clock: Clock,
    resting: Resting = rest,
) -> None:
    """``ask`` what is known now, given what was said last and the time, and tell it; forever.

    It may raise ``SourceError`` and ``OSError``: then it is asked again soon.
    """
    retry_s = FIRST_RETRY_S
    while True:
        hint.clear()
        now_s = clock()
        try:
            said = await ask(former, now_s)
        except (SourceError, OSError) as error:
            failed(reason_of(error))
            pause_s, retry_s = min(retry_s, every_s), min(2 * retry_s, every_s)
        else:
            told(said)
            former, pause_s, retry_s = said, every_s, FIRST_RETRY_S
            if said.until_s is not None:
                pause_s = min(pause_s, max(0.0, said.until_s - now_s))
        await resting(hint, pause_s)


def reason_of(error: SourceError | OSError) -> str:
    """For a person."""
    return str((isinstance(error, OSError) and error.strerror) or error)
