"""One exchange with one upstream: what leaves, what counts as the response, what it says."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
from collections.abc import Iterable

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest

from splitdns.errors import UpstreamError
from splitdns.forward.exchange import (
    MAX_UNWANTED,
    PAYLOAD_OCTETS,
    Exchanger,
    NoResponseError,
    Question,
    is_response,
    make_query,
)
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.response import Response
from splitdns.names import from_text
from splitdns.records import Rcode, Type, type_from_text
from splitdns.view import Upstream
from tests.clock import run as stepping
from tests.upstreams import Asked, Script, ScriptedUpstream, answer, upstream

NAME = from_text("www.example.org.")
ANSWER = "www.example.org. 300 A 192.0.2.1"
LIE = "www.example.org. 300 A 203.0.113.66"

WWW = Question(NAME, Type.A)
TIMEOUT_S = 2.0


def exchanger(network: Network | None = None) -> Exchanger:
    return Exchanger(network or KernelNetwork(), random.SystemRandom())


async def ask(
    scripted: ScriptedUpstream,
    name: str = "www.example.org.",
    rdtype: str = "A",
) -> Response:
    question = Question(from_text(name), type_from_text(rdtype))
    return await exchanger().exchange(question, scripted.upstream, TIMEOUT_S)


def run(script: Script, rdtype: str = "A") -> tuple[Response, list[Asked]]:
    """One exchange with an upstream that follows ``script``, and what it was asked."""

    async def main() -> tuple[Response, list[Asked]]:
        async with upstream(script) as scripted:
            return await ask(scripted, rdtype=rdtype), scripted.asked

    return stepping(main())


def addresses(response: Response) -> list[str]:
    rrset = response.rrset(NAME, Type.A)
    return [socket.inet_ntoa(rdata) for rdata in rrset.rdatas] if rrset else []


def changed(wire: bytes, at: int, octet: int) -> bytes:
    return wire[:at] + bytes((octet,)) + wire[at + 1 :]


# --- what leaves


def test_a_query_has_rd_and_our_own_opt_and_nothing_else__rfc6891_6_semantics_17_semantics_17() -> None:
    _, asked = run(lambda asked: [answer(asked, ANSWER)])
    message = asked[0].message
    assert message.flags == dns.flags.RD
    assert [rrset.to_text() for rrset in message.question] == ["www.example.org. IN A"]
    assert (message.edns, message.payload, message.ednsflags, message.options) == (0, PAYLOAD_OCTETS, 0, ())
    assert not message.answer
    assert not message.authority


@pytest.mark.parametrize(("do", "cd"), [(True, False), (False, True), (True, True)])
def test_do_and_cd_are_set_where_the_question_says_so__rfc4035_3_2(do: bool, cd: bool) -> None:
    message = dns.message.from_wire(make_query(7, Question(NAME, Type.A, do, cd), True))
    assert message.flags == dns.flags.RD | (dns.flags.CD if cd else 0)
    assert message.ednsflags == (dns.flags.DO if do else 0)
    bare = dns.message.from_wire(make_query(7, Question(NAME, Type.A, do, cd), False))
    assert bare.edns == -1, "there is no DO without EDNS"


def test_ids_and_ports_are_drawn_anew_for_each_query__rfc5452_9_2_semantics_17_semantics_17() -> None:
    async def main() -> list[Asked]:
        async with upstream(lambda asked: [answer(asked, ANSWER)]) as scripted:
            for _ in range(200):
                await ask(scripted)
            return scripted.asked

    asked = stepping(main())
    ports = [each.source[1] for each in asked]
    ids = [each.message.id for each in asked]
    # By chance alone, 200 of 28,232 ports or 65,536 ids hold hardly ever more than a few twice.
    assert len(set(ids)) > 190
    assert len(set(ports)) > 185
    neighbours = sum(abs(one - other) <= 2 for one, other in itertools.pairwise(ports))
    assert neighbours < 10, "ports in a row can be guessed"


def test_the_id_is_what_the_given_source_of_randomness_says() -> None:
    class Fixed(random.Random):
        def getrandbits(self, bits: int, /) -> int:
            assert bits == 16
            return 0xBEEF

    async def main() -> list[Asked]:
        async with upstream(lambda asked: [answer(asked, ANSWER)]) as scripted:
            await Exchanger(KernelNetwork(), Fixed()).exchange(WWW, scripted.upstream, TIMEOUT_S)
            return scripted.asked

    assert stepping(main())[0].message.id == 0xBEEF


def test_ipv6_upstreams_are_asked_too() -> None:
    async def main() -> Response:
        async with upstream(lambda asked: [answer(asked, ANSWER)], "::1") as scripted:
            return await ask(scripted)

    assert addresses(stepping(main())) == ["192.0.2.1"]


# --- what counts as the response


def wrong(asked: Asked) -> dict[str, bytes]:
    """Datagrams that look like the answer to ``asked`` and are not."""
    lie = answer(asked, LIE)
    other_name = dns.message.make_query("ww2.example.org.", "A", id=asked.message.id)
    other_type = dns.message.make_query("www.example.org.", "AAAA", id=asked.message.id)
    other_class = dns.message.make_query("www.example.org.", "A", "CH", id=asked.message.id)
    no_question = dns.message.from_wire(lie)
    no_question.question = []
    two_questions = dns.message.from_wire(lie)
    two_questions.question = two_questions.question * 2
    return {
        "another id": changed(lie, 0, lie[0] ^ 0x80),
        "another id, second octet": changed(lie, 1, lie[1] ^ 1),
        "a query": changed(lie, 2, lie[2] & 0x7F),
        "another opcode": changed(lie, 2, lie[2] | 0x20),
        "another name": answer(other_name, "ww2.example.org. 300 A 203.0.113.66"),
        "another type": answer(other_type),
        "another class": answer(other_class),
        "no question": no_question.to_wire(),
        "two questions": two_questions.to_wire(),
        "nothing": b"",
        "half a header": lie[:11],
        "half a question": lie[:20],
        "noise": bytes(range(256)),
    }


def test_datagrams_that_do_not_answer_the_query_are_ignored__rfc5452_9_1() -> None:
    response, asked = run(lambda asked: [*wrong(asked).values(), answer(asked, ANSWER)])
    assert addresses(response) == ["192.0.2.1"]
    assert len(asked) == 1


@pytest.mark.parametrize("kind", wrong(Asked(make_query(7, WWW, True), "udp")))
def test_without_the_right_datagram_there_is_no_response__rfc5452_9_1(kind: str) -> None:
    with pytest.raises(NoResponseError, match="no response in time"):
        run(lambda asked: [wrong(asked)[kind]])


def test_the_right_answer_from_another_address_or_port_never_arrives__rfc5452_9_1() -> None:
    def forged(asked: Asked) -> Iterable[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
            port.sendto(answer(asked, LIE), asked.source)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as address:
            address.bind(("127.0.0.2", 0))
            address.sendto(answer(asked, LIE), asked.source)
        return [answer(asked, ANSWER)]

    assert addresses(run(forged)[0]) == ["192.0.2.1"]


@pytest.mark.parametrize("unwanted", [MAX_UNWANTED, MAX_UNWANTED + 1])
def test_a_flood_of_other_datagrams_ends_the_exchange(unwanted: int) -> None:
    def flood(asked: Asked) -> Iterable[bytes]:
        return [*[b"noise"] * unwanted, answer(asked, ANSWER)]

    if unwanted <= MAX_UNWANTED:
        assert addresses(run(flood)[0]) == ["192.0.2.1"]
    else:
        with pytest.raises(UpstreamError, match="more than 100 datagrams"):
            run(flood)


def test_the_question_may_come_back_in_another_case__rfc4343_3() -> None:
    def shouting(asked: Asked) -> Iterable[bytes]:
        wire = answer(asked, ANSWER)
        return [wire[:12] + wire[12:29].upper() + wire[29:]]

    assert addresses(run(shouting)[0]) == ["192.0.2.1"]


def test_only_the_name_is_compared_without_case__type_65_is_not_type_97() -> None:
    https = make_query(7, Question(NAME, Type.HTTPS), False)
    folded = changed(https, len(https) - 3, Type.HTTPS + 32)
    assert is_response(changed(https, 2, 0x81), https)
    assert not is_response(changed(folded, 2, 0x81), https)


def test_a_silent_upstream_is_no_response_after_the_time_out() -> None:
    with pytest.raises(NoResponseError, match="no response in time"):
        run(lambda _: [])


def test_a_port_where_nobody_listens_fails_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    with pytest.raises(NoResponseError, match="refused"):
        stepping(
            exchanger().exchange(WWW, Upstream("127.0.0.1", port), TIMEOUT_S)
        )


# --- truncation and EDNS


def test_a_truncated_response_is_asked_for_over_tcp__rfc7766_5() -> None:
    def large(asked: Asked) -> Iterable[bytes]:
        return [answer(asked, truncated=True) if asked.transport == "udp" else answer(asked, ANSWER)]

    response, asked = run(large)
    assert addresses(response) == ["192.0.2.1"]
    assert [each.transport for each in asked] == ["udp", "tcp"]
    assert asked[0].message.id != asked[1].message.id or asked[0].source[1] != asked[1].source[1]


def test_records_of_a_truncated_response_are_not_used__rfc2181_9() -> None:
    def half(asked: Asked) -> Iterable[bytes]:
        return [answer(asked, LIE, truncated=True) if asked.transport == "udp" else answer(asked, ANSWER)]

    assert addresses(run(half)[0]) == ["192.0.2.1"]


def test_a_response_of_65_535_octets_comes_over_tcp() -> None:
    texts = " ".join(f'"{"x" * 250}"' for _ in range(258))

    def large(asked: Asked) -> Iterable[bytes]:
        if asked.transport == "udp":
            return [answer(asked, truncated=True)]
        wire = answer(asked, f"www.example.org. 300 TXT {texts}")
        return [wire + bytes(65_535 - len(wire))]

    response, _ = run(large, "TXT")
    rrset = response.rrset(NAME, Type.TXT)
    assert rrset is not None
    assert len(rrset.rdatas[0]) == 258 * 251


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("truncated", "truncated response over TCP"),
        ("another question", "over TCP that does not answer"),
        ("nothing", "ended within a response"),
        ("half", "ended within a response"),
    ],
)
def test_a_tcp_connection_that_brings_no_whole_response_is_an_error(sent: str, reason: str) -> None:
    async def main() -> None:
        async def on_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            query = (await reader.read(512))[2:]
            wire = answer(Asked(query, "tcp"), ANSWER, truncated=sent == "truncated")
            if sent == "another question":
                wire = changed(wire, 13, ord("v"))
            framed = len(wire).to_bytes(2, "big") + wire
            writer.write({"nothing": b"", "half": framed[:30]}.get(sent, framed))
            writer.close()

        server = await asyncio.start_server(on_stream, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("127.0.0.1", port))

            def on_datagram() -> None:
                wire, source = datagrams.recvfrom(512)
                datagrams.sendto(answer(Asked(wire, "udp"), truncated=True), source)

            loop.add_reader(datagrams, on_datagram)
            try:
                await exchanger().exchange(WWW, Upstream("127.0.0.1", port), TIMEOUT_S)
            finally:
                loop.remove_reader(datagrams)
                server.close()
                await server.wait_closed()

    with pytest.raises(UpstreamError, match=reason):
        stepping(main())


class NoStream(KernelNetwork):
    """A network in which TCP to upstreams is shut, or swallowed."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent

    async def stream(self, upstream: Upstream) -> socket.socket:
        if self._silent:
            await asyncio.sleep(3600)
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(("silent", "reason"), [(True, "no response over TCP in time"), (False, "refused")])
def test_an_upstream_without_tcp_is_not_one_that_is_down(silent: bool, reason: str) -> None:
    async def main() -> None:
        async with upstream(lambda asked: [answer(asked, truncated=True)]) as scripted:
            await exchanger(NoStream(silent)).exchange(WWW, scripted.upstream, TIMEOUT_S)

    with pytest.raises(UpstreamError, match=reason) as caught:
        stepping(main())
    assert not isinstance(caught.value, NoResponseError)


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP"])
@pytest.mark.parametrize("with_question", [True, False])
def test_a_server_that_rejects_edns_is_asked_once_without__rfc6891_7(rcode: str, with_question: bool) -> None:
    def old(asked: Asked) -> Iterable[bytes]:
        if asked.message.edns < 0:
            return [answer(asked, ANSWER)]
        rejection = dns.message.make_response(asked.message)
        rejection.use_edns(False)
        rejection.set_rcode(dns.rcode.from_text(rcode))
        if not with_question:
            rejection.question = []
        return [rejection.to_wire()]

    response, asked = run(old)
    assert addresses(response) == ["192.0.2.1"]
    assert [each.message.edns for each in asked] == [0, -1]


def test_a_server_that_rejects_everything_is_asked_twice() -> None:
    response, asked = run(lambda asked: [answer(asked, rcode="FORMERR")])
    assert response.rcode == Rcode.FORMERR
    assert len(asked) == 2
