"""DNS over HTTPS, against a real HTTP/2 server with certificates of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from splitdns.errors import UpstreamError
from splitdns.forward.exchange import Exchanger, NoResponseError
from splitdns.forward.https import Https
from splitdns.forward.network import KernelNetwork
from splitdns.forward.query import Manner, Question, make_query
from splitdns.metrics import Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import Carrier, Upstream
from tests.upstreams import answer

NAME = "resolver.example"
WWW = Question(from_text("www.example.org."), Type.A)
QUERY = make_query(WWW, random.Random(1), Manner(spelled=False, padded=True))


@dataclass
class Given:
    """What the server says to a request."""

    body: bytes
    status: int = 200
    kind: str = "application/dns-message"
    headers: dict[str, str] = field(default_factory=dict)


Reply = Callable[[bytes], Given]


def good(body: bytes) -> Given:
    return Given(answer(dns.message.from_wire(body), "www.example.org. 300 A 192.0.2.1"))


@dataclass
class Server:
    """An HTTP/2 server in a few lines, so that a test sees every header and says every octet."""

    reply: Reply
    port: int = 0
    connections: int = 0
    deaf: bool = False
    hangs_up: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        http = h2.connection.H2Connection(config)
        http.initiate_connection()
        bodies: dict[int, bytes] = {}
        try:
            while True:
                writer.write(http.data_to_send())
                await writer.drain()
                if not (octets := await reader.read(65_536)):
                    break
                for event in http.receive_data(octets):
                    self._met(http, event, bodies)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def _met(self, http: h2.connection.H2Connection, event: Any, bodies: dict[int, bytes]) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.requests.append(dict(event.headers))
            bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] += event.data
        elif isinstance(event, h2.events.StreamEnded):
            self.bodies.append(bodies[event.stream_id])
            if self.deaf:
                return
            if self.hangs_up:
                self.hangs_up -= 1
                raise ConnectionError
            given = self.reply(bodies[event.stream_id])
            headers = {":status": str(given.status), "content-type": given.kind, **given.headers}
            http.send_headers(event.stream_id, list(headers.items()))
            for at in range(0, len(given.body), 16_384):
                http.send_data(event.stream_id, given.body[at : at + 16_384])
            http.end_stream(event.stream_id)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@contextlib.asynccontextmanager
async def serving(authority: trustme.CA, reply: Reply = good, bears: str = NAME) -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(bears).configure_cert(context)
    context.set_alpn_protocols(["h2"])
    end = Server(reply)
    server = await asyncio.start_server(end.serve, "127.0.0.1", 0, ssl=context)
    end.port = server.sockets[0].getsockname()[1]
    try:
        yield end
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.02)  # connections that were closed here end on the other side


def upstream(server: Server, ca: str, name: str = NAME) -> Upstream:
    return Upstream("127.0.0.1", server.port, Carrier.HTTPS, name, "/dns-query", ca)


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[Https]:
    https = Https()
    try:
        yield https
    finally:
        await https.close()


def test_a_question_is_a_post_with_the_id_0__rfc8484_4_1(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, asking() as https:
            found = await https.ask(upstream(server, ca), QUERY.wire)
            assert found.wire[:2] == QUERY.wire[:2]
            assert dns.message.from_wire(found.wire).answer
            (request,) = server.requests
            assert request[":method"] == "POST"
            assert request[":path"] == "/dns-query"
            assert request[":authority"] == f"{NAME}:{server.port}"
            assert request["content-type"] == request["accept"] == "application/dns-message"
            assert server.bodies == [b"\0\0" + QUERY.wire[2:]]

    asyncio.run(main())


def test_questions_share_a_connection(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, asking() as https:
            await https.ask(upstream(server, ca), QUERY.wire)
            await asyncio.gather(*(https.ask(upstream(server, ca), QUERY.wire) for _ in range(20)))
            await https.ask(upstream(server, ca), QUERY.wire)
            assert len(server.requests) == 22
            assert server.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given(b"", 503), "HTTP status 503"),
        (Given(b"", 302, headers={"location": "https://elsewhere.example/"}), "HTTP status 302"),
        (Given(b"<html>", 200, "text/html"), "HTTP status 200, text/html"),
        (Given(bytes(70_000)), "more than a message"),
    ],
)
def test_http_that_is_no_dns_is_an_error(
    authority: trustme.CA, ca: str, given: Given, reason: str
) -> None:
    async def main() -> None:
        async with serving(authority, lambda _: given) as server, asking() as https:
            with pytest.raises(UpstreamError, match=reason):
                await https.ask(upstream(server, ca), QUERY.wire)

    asyncio.run(main())


@pytest.mark.parametrize(("bears", "asked_as"), [("another.example", NAME), (NAME, "")])
def test_a_server_with_another_name_is_not_asked__rfc8484_5(
    authority: trustme.CA, ca: str, bears: str, asked_as: str
) -> None:
    async def main() -> None:
        async with serving(authority, bears=bears) as server, asking() as https:
            with pytest.raises(ssl.SSLCertVerificationError):
                await https.ask(upstream(server, ca, asked_as), QUERY.wire)
            assert not server.requests

    asyncio.run(main())


def test_a_connection_that_has_gone_deaf_is_left(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, asking() as https:
            await https.ask(upstream(server, ca), QUERY.wire)
            server.deaf = True
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await https.ask(upstream(server, ca), QUERY.wire)
            server.deaf = False
            await https.ask(upstream(server, ca), QUERY.wire)
            assert server.connections == 2

    asyncio.run(main())


def test_a_connection_that_the_server_ends_is_followed_by_another(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, asking() as https:
            await https.ask(upstream(server, ca), QUERY.wire)
            server.hangs_up = 1
            await https.ask(upstream(server, ca), QUERY.wire)
            assert server.connections == 2

    asyncio.run(main())


def test_one_that_ends_before_its_first_answer_is_given_up(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, asking() as https:
            server.hangs_up = 2
            with pytest.raises(UpstreamError, match="over HTTPS: "):
                await https.ask(upstream(server, ca), QUERY.wire)
            assert server.connections == 1

    asyncio.run(main())


# --- as one of the ways to ask


@contextlib.asynccontextmanager
async def exchanging() -> AsyncIterator[Exchanger]:
    exchanger = Exchanger(KernelNetwork(), random.SystemRandom(), Counts())
    try:
        yield exchanger
    finally:
        await exchanger.close()


def test_an_exchange_over_https_is_padded_and_bears_no_cookie(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority) as server, exchanging() as exchanger:
            response = await exchanger.exchange(WWW, upstream(server, ca), 5.0)
            assert response.rrset(WWW.name, WWW.qtype)
            (body,) = server.bodies
            assert len(body) % 128 == 0
            assert [option.otype for option in dns.message.from_wire(body).options] == [12]

    asyncio.run(main())


@pytest.mark.parametrize(("age", "left_s"), [("60", 240), ("400", 0), ("-1", 300), ("x", 300)])
def test_what_a_cache_on_the_way_has_had_is_older__rfc8484_5_1(
    authority: trustme.CA, ca: str, age: str, left_s: int
) -> None:
    def cached(body: bytes) -> Given:
        given = good(body)
        given.headers["age"] = age
        return given

    async def main() -> None:
        async with serving(authority, cached) as server, exchanging() as exchanger:
            response = await exchanger.exchange(WWW, upstream(server, ca), 5.0)
            rrset = response.rrset(WWW.name, WWW.qtype)
            assert rrset is not None
            assert rrset.ttl_s == left_s

    asyncio.run(main())


def test_the_reason_says_whom_the_certificate_does_not_prove(authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        async with serving(authority, bears="another.example") as server, exchanging() as exchanger:
            with pytest.raises(NoResponseError, match=f"does not prove that it is {NAME}"):
                await exchanger.exchange(WWW, upstream(server, ca), 5.0)

    asyncio.run(main())


def test_a_response_to_another_question_is_an_error(authority: trustme.CA, ca: str) -> None:
    def other(body: bytes) -> Given:
        return Given(answer(dns.message.make_query("other.example.", "A", id=0)))

    async def main() -> None:
        async with serving(authority, other) as server, exchanging() as exchanger:
            with pytest.raises(UpstreamError, match="does not answer the query"):
                await exchanger.exchange(WWW, upstream(server, ca), 5.0)

    asyncio.run(main())


def test_a_port_where_nobody_listens_is_no_response(ca: str) -> None:
    async def main() -> None:
        async with exchanging() as exchanger:
            nobody = Upstream("127.0.0.1", 1, Carrier.HTTPS, NAME, "/dns-query", ca)
            with pytest.raises(NoResponseError, match="onnect"):
                await exchanger.exchange(WWW, nobody, 5.0)

    asyncio.run(main())


def test_the_http_client_is_imported_only_where_it_is_asked_for() -> None:
    import subprocess
    import sys

    code = "import sys, splitdns.daemon.worker; sys.exit('httpx2' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
