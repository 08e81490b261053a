"""One document, from a server on the loopback; what services say is ``test_web``'s."""

from __future__ import annotations

import asyncio

import pytest

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.fetch import fetcher
from tests.unit.daemon.wan.test_web import page, serving


async def fetched(answer: bytes, max_octets: int, *, post: bool = False) -> bytes:
    async with serving(answer) as url, fetcher(4) as fetch:
        if post:
            return await fetch.post(url, b"question", {"content-type": "text/plain"}, max_octets)
        return await fetch.get(url, max_octets)


@pytest.mark.parametrize("post", [False, True])
def test_a_document_is_fetched_up_to_its_limit(post: bool) -> None:
    assert asyncio.run(fetched(page("12345"), 5, post=post)) == b"12345"
    with pytest.raises(WanError, match="more than 4 octets"):
        asyncio.run(fetched(page("12345"), 4, post=post))


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert asyncio.run(fetched(page("12345"), 5)) == b"12345"


def test_a_server_that_is_not_there_is_said_so() -> None:
    async def fetch() -> bytes:
        async with fetcher(4) as one:
            return await one.get("http://127.0.0.1:9/", 5)

    with pytest.raises(WanError, match=r"attempts failed|refused"):
        asyncio.run(fetch())


@pytest.mark.parametrize("url", [f"http://{'a' * 64}.example/", "http://a..example/", "http://127.0.0.1:x/"])
def test_a_url_that_is_none_is_a_failure_like_others(url: str) -> None:
    async def fetch() -> bytes:
        async with fetcher(4) as one:
            return await one.get(url, 5)

    with pytest.raises(WanError):
        asyncio.run(fetch())
