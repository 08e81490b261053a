"""Asks a Kea server at its control socket for all its leases: one command, one answer, and the end."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from splitdns.sources.leases import kea
from splitdns.sources.leases.lease import MAX_OCTETS, Lease
from splitdns.sources.source import SourceError

ANSWERS_S = 10.0  # that a server may take, which locks its leases meanwhile


async def ask(path: Path) -> list[Lease]:
    """The leases of the server whose control socket is at ``path``; which of the two it is, it says itself.

    Raises:
        OSError: nobody is there.
        SourceError: it does not say, or not in time.
    """
    for name in kea.COMMANDS:
        answer = await _command(path, name)
        if not (isinstance(answer, dict) and answer.get("result") == kea.UNKNOWN_COMMAND):
            return kea.leases_said(answer, str(path))
    raise SourceError(f"{path} knows no leases; has it the hook lease_cmds?")


async def _command(path: Path, name: str) -> Any:
    try:
        async with asyncio.timeout(ANSWERS_S):
            return await _exchange(path, name)
    except TimeoutError:
        raise SourceError(f"{path} has not answered within {ANSWERS_S:.0f} seconds") from None
    except ValueError:  # json.JSONDecodeError is one, and so is UnicodeDecodeError
        raise SourceError(f"expected an answer of Kea from {path}") from None


async def _exchange(path: Path, name: str) -> Any:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(kea.command(name))
        octets = b""
        while chunk := await reader.read(65_536):  # it hangs up when it has said all
            octets += chunk
            if len(octets) > MAX_OCTETS:
                raise SourceError(f"expected at most {MAX_OCTETS:,} octets from {path}")
        try:
            return json.loads(octets)
        except RecursionError:
            raise SourceError(f"expected an answer of Kea from {path}") from None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
