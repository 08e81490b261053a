"""Whom upstreams over TLS are believed by: the system's authorities, or those in a file (RFC 8310 8.1).

To read the system's takes a tenth of a second, so it is done once for all upstreams, and aside: questions to
others go on meanwhile.
"""

from __future__ import annotations

import asyncio
import functools
import ssl


async def context(ca: str | None, protocol: str) -> ssl.SSLContext:
    """What verifies the certificates of upstreams; ``ca`` None: the system's; ``protocol`` for ALPN.

    Raises:
        OSError: there are no certificates in ``ca``.
    """
    return await asyncio.to_thread(_read, ca, protocol)


@functools.lru_cache(maxsize=64)  # more files than anybody has; beyond, they are read anew
def _read(ca: str | None, protocol: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols([protocol])
    return made
