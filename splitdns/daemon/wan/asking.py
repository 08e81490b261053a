"""One question to a source, whichever it is.

What is at hand is looked at. Everybody else is asked by a child, which reads what strangers send and then is
gone: a bug there costs one answer, and no client library stays in the memory of the process that keeps all
others going.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from splitdns.daemon.memory import memory_file
from splitdns.daemon.process import ended, ending, fork, kill
from splitdns.daemon.wan.answer import Address, WanError
from splitdns.daemon.wan.local import look
from splitdns.load.wansources import OfCommand, OfHttp, OfPcp, OfUpnp, Source

LIMIT_S = 30.0  # for a child; each kind limits its own time, so that beyond it hangs


async def ask(
    source: Source, family: int, base: Path, nonce: bytes, in_child: Callable[[], None] = lambda: None
) -> Address:
    """What ``source`` says; a child calls ``in_child`` before all else.

    Raises:
        WanError: it has no address; the text says why.
        OSError: it cannot be asked.
    """
    found = look(source, family, base)
    if found is not None:
        return found
    memory = memory_file()

    def be_child() -> None:
        in_child()
        said = asyncio.run(_said(source, family, base, nonce))
        with open(memory, "w", closefd=False) as file:
            json.dump(said, file)

    try:
        status = await _ended(fork(be_child))
        if status:
            raise WanError(f"the process that asks ended with {ending(status)}")
        with open(os.dup(memory), "rb") as file:  # noqa: ASYNC230 (memory)
            file.seek(0)
            said = json.load(file)
    finally:
        os.close(memory)
    if "failed" in said:
        raise WanError(said["failed"])
    return ip_address(said["address"])


async def _ended(process: int) -> int:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await ended(process)
    except (TimeoutError, asyncio.CancelledError, OSError) as error:
        kill(process)
        os.waitpid(process, 0)  # noqa: ASYNC222 (at once)
        if isinstance(error, TimeoutError):
            raise WanError(f"nothing within {LIMIT_S:.0f} s") from None
        raise


async def _said(source: Source, family: int, base: Path, nonce: bytes) -> dict[str, str]:
    """The address, or why there is none; in the child, which alone imports what it needs."""
    try:
        match source:
            case OfCommand(words=words):
                from splitdns.daemon.wan import command

                address = await command.ask(words, family, base)
            case OfHttp():
                from splitdns.daemon.wan import web

                address = await web.ask(source, family, base)
            case OfUpnp():
                from splitdns.daemon.wan import upnp

                address = await upnp.ask(source)
            case OfPcp():
                from splitdns.daemon.wan import portmap

                address = await portmap.ask(source, nonce)
            case _:
                raise WanError(f"{source} is not asked")  # it was looked at
    except TimeoutError:
        return {"failed": "nothing within the time"}
    except (WanError, OSError) as error:
        return {"failed": getattr(error, "strerror", None) or str(error)}
    return {"address": str(address)}
