"""A program that prints the address: no shell, no rights beyond the server's, little time, little output."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from splitdns.daemon.wan.answer import MAX_OCTETS, Address, WanError, address_in

PATIENCE_S = 10.0  # for all of it; beyond: it is killed with all that it started
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

_PR_SET_PDEATHSIG, _PR_CAP_AMBIENT, _CLEAR_ALL = 1, 47, 4  # prctl(2)
_libc = ctypes.CDLL(None)


async def ask(words: Sequence[str], family: int, base: Path, patience_s: float = PATIENCE_S) -> Address:
    """The address that the program prints, run in the directory ``base``.

    Raises:
        WanError: it fails, or prints none.
        OSError: it cannot be started.
        TimeoutError: it takes too long.
    """
    async with asyncio.timeout(patience_s), _started(words, base) as (process, reader):
        printed = b""
        while len(printed) < MAX_OCTETS and (more := await reader.read(MAX_OCTETS)):
            printed += more
        if len(printed) >= MAX_OCTETS:
            raise WanError(f"{words[0]} prints more than {MAX_OCTETS} octets")
        status = await process.wait()
    if status:
        raise WanError(f"{words[0]} ended with status {status}")
    return address_in(printed.decode("utf-8", "replace"), family)


@asynccontextmanager
async def _started(
    words: Sequence[str], base: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """The program, and what it prints; killed with its children at the end.

    The pipe is ours: asyncio waits for one of its own to run dry, and of who prints much not all is read.
    """
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    file = os.fdopen(ours, "rb")
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=asyncio.subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd=base,
                start_new_session=True,
                preexec_fn=_be_program,
            )
        finally:
            os.close(theirs)
        try:
            yield process, reader
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    finally:
        pipe.close()


def _be_program() -> None:
    """Without the right to low ports, which it would inherit (capabilities(7)); dead with who asked."""
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
