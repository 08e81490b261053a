"""What takes the supervisor too long is done by a child of low priority, which leaves one value and is gone.

The child has in memory all that the supervisor has, generations included, so nothing has to be sent there.
What goes wrong in it ends the child, and is told as a text.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable
from typing import TypeVar

from splitdns.daemon.build import NICE
from splitdns.daemon.memory import memory_file
from splitdns.daemon.process import ended, ending, fork, kill
from splitdns.errors import SplitdnsError

T = TypeVar("T")


class ErrandError(SplitdnsError):
    """The child did not come back with a value; the text says why."""


async def errand(work: Callable[[], T], in_child: Callable[[], None], within_s: float) -> T:
    """What ``work`` returns in a child, which calls ``in_child`` first; the value has to be picklable.

    Raises:
        ErrandError: it took more than ``within_s``, and was killed; the child died; there was none to be had.
    """
    try:
        memory = memory_file()
    except OSError as error:
        raise ErrandError(str(error)) from error

    def be_child() -> None:
        in_child()
        os.nice(NICE)
        value = work()
        with open(memory, "wb", closefd=False) as file:
            pickle.dump(value, file)

    try:
        process = fork(be_child)
        try:
            async with asyncio.timeout(within_s):
                status = await ended(process)
        except (TimeoutError, asyncio.CancelledError) as error:
            kill(process)
            os.waitpid(process, 0)  # noqa: ASYNC222 (at once)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise ErrandError(f"it took more than {within_s:.0f} s") from error
        if status:
            raise ErrandError(f"the process for it ended with {ending(status)}")
        with open(os.dup(memory), "rb") as file:  # noqa: ASYNC230 (memory)
            file.seek(0)
            value: T = pickle.load(file)  # noqa: S301 (the same program wrote it)
        return value
    except OSError as error:
        raise ErrandError(str(error)) from error
    finally:
        os.close(memory)
