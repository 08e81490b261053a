"""One question to a source, whichever it is; what a kind needs is imported where it is first asked."""

from __future__ import annotations

from pathlib import Path

from splitdns.daemon.wan.answer import Address
from splitdns.daemon.wan.local import look
from splitdns.load.wansources import OfCommand, OfHttp, OfPcp, OfUpnp, Source


async def ask(source: Source, family: int, base: Path, nonce: bytes) -> Address:
    """What ``source`` says; each kind limits its own time.

    Raises:
        WanError: it has no address; the text says why.
        OSError: there is no way to it.
        TimeoutError: it takes too long.
    """
    match source:
        case OfCommand(words=words):
            from splitdns.daemon.wan import command

            return await command.ask(words, family, base)
        case OfHttp():
            from splitdns.daemon.wan import web

            return await web.ask(source, family, base)
        case OfUpnp():
            from splitdns.daemon.wan import upnp

            return await upnp.ask(source)
        case OfPcp():
            from splitdns.daemon.wan import portmap

            return await portmap.ask(source, nonce)
    found = look(source, family, base)
    assert found is not None
    return found
