"""One document over HTTP, whole and small: the door to the HTTP client of ``forward/https``.

Without a proxy and without redirects: what is asked is what is written.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2

from splitdns.daemon.wan.answer import WanError

_ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104 (where requests leave from)
_HEADERS = {"accept": "text/plain, */*;q=0.1", "accept-encoding": "identity", "user-agent": "splitdns"}


class Fetcher:
    """Fetches documents over connections of its own; the caller limits the time."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def get(self, url: str, max_octets: int) -> bytes:
        """The document at ``url``.

        Raises:
            WanError: there is none, or it is longer.
        """
        return await self._fetched("GET", url, b"", {}, max_octets)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], max_octets: int) -> bytes:
        """What ``url`` answers to ``body``; raises like ``get``."""
        return await self._fetched("POST", url, body, headers, max_octets)

    async def _fetched(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], max_octets: int
    ) -> bytes:
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as response:
                if response.status_code != httpx2.codes.OK:
                    raise WanError(f"HTTP status {response.status_code}")
                octets = b""
                async for part in response.aiter_raw():
                    octets += part
                    if len(octets) > max_octets:
                        raise WanError(f"more than {max_octets} octets")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:  # or no name
            raise WanError(str(error) or type(error).__name__) from None
        return octets


@asynccontextmanager
async def fetcher(family: int, verify: ssl.SSLContext | None = None) -> AsyncIterator[Fetcher]:
    """A fetcher that asks over one family; ``verify`` None: for plain HTTP only."""
    transport = httpx2.AsyncHTTPTransport(
        verify=verify or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), local_address=_ANY[family]
    )
    async with httpx2.AsyncClient(
        transport=transport, trust_env=False, headers=_HEADERS, timeout=None
    ) as client:
        yield Fetcher(client)
