"""Web services that say from where they were asked, and how many of them must agree.

Each is asked over the family that is wanted, as it is that connection's source that it tells. One alone could
move all names anywhere, so services that disagree are worth nothing until enough of them agree.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from splitdns.daemon.wan.answer import MAX_OCTETS, Address, WanError, address_in
from splitdns.daemon.wan.fetch import Fetcher, fetcher
from splitdns.forward.tls import context
from splitdns.load.wansources import OfHttp

PATIENCE_S = 8.0  # for one service, from its name to its last octet


async def ask(source: OfHttp, family: int, base: Path, patience_s: float = PATIENCE_S) -> Address:
    """The address that ``source.quorum`` services tell.

    Raises:
        WanError: they do not.
        OSError: the file of authorities cannot be read.
    """
    verify = await context(None if source.ca is None else str(base / source.ca), "http/1.1")
    async with fetcher(family, verify) as fetch:
        said = await asyncio.gather(*(_said(fetch, url, family, patience_s) for url in source.urls))
    found = Counter(one for one in said if not isinstance(one, str))
    agreed = [address for address, times in found.items() if times >= source.quorum]
    if len(agreed) == 1:
        return agreed[0]
    told = "; ".join(f"{url}: {one}" for url, one in zip(source.urls, said, strict=True))
    raise WanError(f"{source.quorum} of {len(source.urls)} do not agree: {told}")


async def _said(fetch: Fetcher, url: str, family: int, patience_s: float) -> Address | str:
    """The address, or why there is none."""
    try:
        async with asyncio.timeout(patience_s):
            octets = await fetch.get(url, MAX_OCTETS)
        return address_in(octets.decode("utf-8", "replace"), family)
    except TimeoutError:
        return f"nothing within {patience_s:.0f} s"
    except WanError as error:
        return str(error)
