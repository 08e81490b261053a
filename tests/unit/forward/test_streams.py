"""Connections that stay open: shared, in whatever order answers come, and closed by whom it pleases."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import dns.message
import pytest
import trustme

from splitdns.errors import UpstreamError
from splitdns.forward.network import KernelNetwork
from splitdns.forward.query import Manner, Query, Question, make_query
from splitdns.forward.streams import (
    CONNECT_S,
    IDLE_S,
    MAX_CONNECTIONS,
    MAX_PIPELINED,
    ConnectionEndedError,
    Streams,
)
from splitdns.names import from_text
from splitdns.view import Carrier, Upstream
from tests.clock import run
from tests.upstreams import answer

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NAME = "resolver.example"


def query(name: str = "www.example.org.", seed: int | None = None) -> Query:
    return make_query(Question(from_text(name), 1), random.Random(seed), Manner(spelled=False))


async def read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


def write(writer: asyncio.StreamWriter, asked: bytes, *records: str) -> None:
    wire = answer(dns.message.from_wire(asked), *records)
    writer.write(len(wire).to_bytes(2, "big") + wire)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers everything, in order."""
    while True:
        write(writer, await read(reader))


class Server:
    """Where connections end; ``served`` counts them, ``open`` those that are still there."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.served = self.open = 0

    async def on_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served += 1
        self.open += 1
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.open -= 1
            writer.close()


@contextlib.asynccontextmanager
async def streams(
    serve: Serve, context: ssl.SSLContext | None = None, **more: str
) -> AsyncIterator[tuple[Streams, Upstream, Server]]:
    end = Server(serve)
    server = await asyncio.start_server(end.on_stream, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    asking = Streams(KernelNetwork(), random.SystemRandom())
    try:
        yield asking, Upstream("127.0.0.1", port, Carrier.TLS if context else Carrier.TCP, **more), end
    finally:
        await asking.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)


def test_questions_share_a_connection_one_after_the_other_and_at_once__rfc7766_6_2_1() -> None:
    async def main() -> None:
        async with streams(echo) as (asking, upstream, server):
            for _ in range(3):
                await asking.ask(upstream, query())
            await asyncio.gather(*(asking.ask(upstream, query()) for _ in range(50)))
            assert server.served == 1

    run(main())


def test_answers_may_come_in_any_order__rfc7766_7() -> None:
    async def backwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = [await read(reader) for _ in range(10)]
        for wire in reversed(asked):
            write(writer, wire)
        await reader.read()

    async def main() -> None:
        async with streams(backwards) as (asking, upstream, server):
            queries = [query(f"host{number}.example.org.", number) for number in range(10)]
            found = await asyncio.gather(*(asking.ask(upstream, each) for each in queries))
            assert [wire[: each.end] for wire, each in zip(found, queries, strict=True)] == [
                each.wire[:2] + b"\x81\x80" + each.wire[4:6] + wire[6:12] + each.wire[12 : each.end]
                for wire, each in zip(found, queries, strict=True)
            ]
            assert server.served == 1

    run(main())


def test_two_with_the_same_id_do_not_meet() -> None:
    async def main() -> None:
        async with streams(echo) as (asking, upstream, _):
            one, other = query("one.example.org.", 7), query("two.example.org.", 7)
            other = other._replace(wire=one.wire[:2] + other.wire[2:])
            found = await asyncio.gather(asking.ask(upstream, one), asking.ask(upstream, other))
            assert [wire[12 : 12 + 17] for wire in found] == [one.wire[12:29], other.wire[12:29]]
            assert {wire[:2] for wire in found} == {one.wire[:2]}, "each under the id that it was asked with"

    run(main())


@pytest.mark.parametrize(("at_once", "served"), [(MAX_PIPELINED, 1), (MAX_PIPELINED + 1, 2)])
def test_a_connection_that_is_full_is_followed_by_another(at_once: int, served: int) -> None:
    async def main() -> None:
        async with streams(echo) as (asking, upstream, server):
            await asking.ask(upstream, query())
            await asyncio.gather(*(asking.ask(upstream, query()) for _ in range(at_once)))
            assert server.served == served

    run(main())


def test_there_are_only_so_many_connections_and_then_they_share() -> None:
    async def main() -> None:
        async with streams(echo) as (asking, upstream, server):
            for _ in range(MAX_CONNECTIONS + 2):
                asks = [asking.ask(upstream, query()) for _ in range(2 * MAX_PIPELINED * MAX_CONNECTIONS)]
                await asyncio.gather(*asks)
            assert server.served == MAX_CONNECTIONS

    run(main())


def test_a_question_on_a_connection_that_the_server_closes_is_asked_on_a_new_one__rfc7766_6_2_4() -> None:
    async def two_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            write(writer, await read(reader))
        await read(reader)  # and then, without a word, it closes

    async def main() -> None:
        async with streams(two_each) as (asking, upstream, server):
            for _ in range(7):
                await asking.ask(upstream, query())
            assert server.served == 4

    run(main())


def test_one_that_closes_before_its_first_answer_is_given_up() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read(reader)

    async def main() -> None:
        async with streams(rude) as (asking, upstream, server):
            with pytest.raises(ConnectionEndedError):
                await asking.ask(upstream, query())
            assert server.served == 1

    run(main())


def test_an_answer_to_another_question_is_an_error_for_that_one_only() -> None:
    async def confused(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wrong, right = await read(reader), await read(reader)
        write(writer, wrong[:13] + b"x" + wrong[14:])
        write(writer, right)
        await reader.read()

    async def main() -> None:
        async with streams(confused) as (asking, upstream, _):
            asks = (asking.ask(upstream, query("one.example.org.")), asking.ask(upstream, query()))
            wrong, right = await asyncio.gather(*asks, return_exceptions=True)
            assert isinstance(wrong, UpstreamError)
            assert isinstance(right, bytes)

    run(main())


def test_messages_that_nobody_waits_for_are_passed_over() -> None:
    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read(reader)
        write(writer, bytes((asked[0] ^ 1,)) + asked[1:])
        writer.write(b"\0\0\0\1x")
        write(writer, asked)
        write(writer, asked)
        await reader.read()

    async def main() -> None:
        async with streams(chatty) as (asking, upstream, _):
            assert await asking.ask(upstream, query())

    run(main())


def test_a_connection_that_rests_is_closed_and_one_that_is_used_is_not__rfc7766_6_2_3() -> None:
    async def main() -> None:
        async with streams(echo) as (asking, upstream, server):
            for _ in range(3):
                await asking.ask(upstream, query())
                await asyncio.sleep(IDLE_S - 1)
            assert (server.served, server.open) == (1, 1)
            await asyncio.sleep(2)
            assert (server.served, server.open) == (1, 0)
            await asking.ask(upstream, query())
            assert server.served == 2

    run(main())


def test_who_gives_up_takes_nobody_along_and_a_dead_connection_is_left() -> None:
    async def deaf_after_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        write(writer, await read(reader))
        await reader.read()

    async def main() -> None:
        async with streams(deaf_after_one) as (asking, upstream, server):
            await asking.ask(upstream, query())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await asking.ask(upstream, query())
            await asking.ask(upstream, query())
            assert server.served == 2

    run(main())


def test_a_port_where_nobody_listens_is_an_os_error_for_all_who_ask() -> None:
    async def main() -> None:
        asking = Streams(KernelNetwork(), random.SystemRandom())
        nobody = Upstream("127.0.0.1", 1, Carrier.TCP)
        found = await asyncio.gather(
            *(asking.ask(nobody, query()) for _ in range(2)), return_exceptions=True
        )
        assert [type(error) for error in found] == [ConnectionRefusedError] * 2
        await asking.close()

    run(main())


def test_a_connection_that_does_not_come_about_is_tried_anew() -> None:
    class Swallowed(KernelNetwork):
        def __init__(self) -> None:
            self.tried_s: list[float] = []

        async def stream(self, upstream: Upstream) -> socket.socket:
            self.tried_s.append(asyncio.get_running_loop().time())
            await asyncio.sleep(3600)
            raise AssertionError

    async def main() -> None:
        network = Swallowed()
        asking = Streams(network, random.SystemRandom())
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asking.ask(Upstream("192.0.2.1", 53, Carrier.TCP), query())
        first_s, second_s = network.tried_s
        assert second_s - first_s == CONNECT_S
        await asking.close()

    run(main())


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's, with a certificate for ``names``."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    made.set_alpn_protocols(["dot"])
    return made


@pytest.fixture
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.mark.parametrize(("bears", "name"), [(NAME, NAME), ("127.0.0.1", "")])
def test_a_server_that_proves_its_name_is_asked_over_tls__rfc8310_8_1(
    authority: trustme.CA, ca: str, bears: str, name: str
) -> None:
    async def main() -> None:
        async with streams(echo, context(authority, bears), name=name, ca=ca) as (asking, upstream, server):
            await asyncio.gather(*(asking.ask(upstream, query()) for _ in range(20)))
            await asking.ask(upstream, query())
            assert server.served == 1

    asyncio.run(main())


@pytest.mark.parametrize("bears", ["another.example", "127.0.0.1"])
def test_a_server_with_another_name_is_not_asked__rfc8310_8_1(
    authority: trustme.CA, ca: str, bears: str
) -> None:
    heard: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await read(reader))

    async def main() -> None:
        async with streams(listening, context(authority, bears), name=NAME, ca=ca) as (asking, upstream, _):
            with pytest.raises(ssl.SSLCertVerificationError, match=re.escape(NAME)):
                await asking.ask(upstream, query())

    asyncio.run(main())
    assert not heard


def test_a_server_whose_issuer_nobody_trusts_is_not_asked(authority: trustme.CA) -> None:
    async def main() -> None:
        async with streams(echo, context(authority, NAME), name=NAME) as (asking, upstream, _):
            with pytest.raises(ssl.SSLCertVerificationError):
                await asking.ask(upstream, query())

    asyncio.run(main())
