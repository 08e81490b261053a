"""Against web servers on the loopback; nothing else is asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from splitdns.daemon.wan.answer import MAX_OCTETS, WanError
from splitdns.daemon.wan.web import ask
from splitdns.load.wansources import OfHttp

GOOD, OTHER = "203.0.113.7", "203.0.113.9"


def page(body: str, status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    return (head + body).encode()


@asynccontextmanager
async def serving(
    answer: bytes | None, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """A server that always says the same; None: nothing at all. Its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # it was not HTTP
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer or b"")
            await writer.drain()
            if answer is None:
                await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, host, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        name = "localhost" if context else f"[{host}]" if ":" in host else host
        yield f"http{'s' if context else ''}://{name}:{port}/"


async def told(
    answers: list[bytes | None],
    quorum: int,
    patience_s: float = 5.0,
    family: int = 4,
    host: str = "127.0.0.1",
) -> str:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(one, host=host)) for one in answers]
        return str(await ask(OfHttp(tuple(urls), quorum), family, Path(), patience_s))


def test_one_service_s_word_is_taken_where_one_is_enough() -> None:
    assert asyncio.run(told([page(GOOD)], 1)) == GOOD


def test_most_of_several_decide() -> None:
    assert asyncio.run(told([page(GOOD), page(OTHER), page(f"<b>{GOOD}</b>")], 2)) == GOOD


@pytest.mark.parametrize(
    ("answers", "quorum", "complaint"),
    [
        ([page(GOOD), page(OTHER)], 2, "2 of 2 do not agree: .*203.0.113.7; .*203.0.113.9"),
        ([page(GOOD), page(OTHER)], 1, "1 of 2 do not agree"),
        ([page(GOOD, "500 Oops")], 1, "HTTP status 500"),
        ([page("", "302 Found", "Location: http://203.0.113.9/\r\n")], 1, "HTTP status 302"),
        ([page(" " * MAX_OCTETS + GOOD)], 1, "more than 4096 octets"),
        ([page("login please")], 1, "expected an IPv4 address"),
        ([b"no HTTP at all\r\n\r\n"], 1, "1 of 1 do not agree"),
    ],
)
def test_what_is_no_agreement_is_said(answers: list[bytes | None], quorum: int, complaint: str) -> None:
    with pytest.raises(WanError, match=complaint):
        asyncio.run(told(answers, quorum))


def test_who_says_nothing_is_waited_for_so_long_only() -> None:
    with pytest.raises(WanError, match="nothing within"):
        asyncio.run(told([None], 1, 0.2))


def test_a_service_is_asked_over_the_family_that_is_wanted() -> None:
    assert asyncio.run(told([page("2001:db8::7")], 1, family=6, host="::1")) == "2001:db8::7"
    with pytest.raises(WanError):
        asyncio.run(told([page("2001:db8::7")], 1, family=6))  # it has no IPv6


def test_a_certificate_must_be_right(tmp_path: Path) -> None:
    ours, strange = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def asked(authority: trustme.CA) -> str:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        async with serving(page(GOOD), context) as url:
            return str(await ask(OfHttp((url,), 1, ca="ca.pem"), 4, tmp_path))

    assert asyncio.run(asked(ours)) == GOOD
    with pytest.raises(WanError, match=r"(?i)certificate"):
        asyncio.run(asked(strange))
