"""One exchange with one upstream: what leaves, what counts as the response, what it says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
from collections.abc import AsyncIterator, Iterable

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rrset
import pytest

from splitdns.errors import UpstreamError
from splitdns.forward.datagrams import MAX_UNWANTED
from splitdns.forward.exchange import Exchanger, NoResponseError
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.query import PAYLOAD_OCTETS, Manner, Question, make_query
from splitdns.forward.response import Response
from splitdns.forward.traits import LEARNT_FOR_S
from splitdns.metrics import FORWARD_UNWANTED, Counts
from splitdns.names import from_text
from splitdns.records import Rcode, Type, type_from_text
from splitdns.view import Upstream
from tests.clock import run as stepping
from tests.upstreams import Asked, Script, ScriptedUpstream, answer, bound_pair, upstream

NAME = from_text("www.example.org.")
ANSWER = "www.example.org. 300 A 192.0.2.1"
LIE = "www.example.org. 300 A 203.0.113.66"

WWW = Question(NAME, Type.A)
TIMEOUT_S = 2.0


@contextlib.asynccontextmanager
async def exchanging(
    network: Network | None = None, counts: Counts | None = None
) -> AsyncIterator[Exchanger]:
    """An exchanger, closed at the end."""
    exchanger = Exchanger(network or KernelNetwork(), random.SystemRandom(), counts or Counts())
    try:
        yield exchanger
    finally:
        await exchanger.close()


async def once(upstream: Upstream, question: Question = WWW, network: Network | None = None) -> Response:
    """One exchange of an exchanger that has seen nothing yet."""
    async with exchanging(network) as exchanger:
        return await exchanger.exchange(question, upstream, TIMEOUT_S)


async def ask(scripted: ScriptedUpstream, name: str = "www.example.org.", rdtype: str = "A") -> Response:
    return await once(scripted.upstream, Question(from_text(name), type_from_text(rdtype)))


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
    assert [rrset.to_text().lower() for rrset in message.question] == ["www.example.org. in a"]
    assert (message.edns, message.payload, message.ednsflags) == (0, PAYLOAD_OCTETS, 0)
    assert [(option.otype, len(option.to_wire() or b"")) for option in message.options] == [(10, 8)]
    assert not message.answer
    assert not message.authority


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
            return 0xBEEF

    async def main() -> list[Asked]:
        async with upstream(lambda asked: [answer(asked, ANSWER)]) as scripted:
            exchanger = Exchanger(KernelNetwork(), Fixed(), Counts())
            await exchanger.exchange(WWW, scripted.upstream, TIMEOUT_S)
            await exchanger.close()
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


@pytest.mark.parametrize("kind", wrong(Asked(make_query(WWW, random.Random(7), Manner()).wire, "udp")))
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
def test_in_a_flood_of_other_datagrams_the_question_is_asked_over_tcp(unwanted: int) -> None:
    def flood(asked: Asked) -> Iterable[bytes]:
        noise = [b"noise"] * unwanted if asked.transport == "udp" else []
        return [*noise, answer(asked, ANSWER)]

    response, asked = run(flood)
    assert addresses(response) == ["192.0.2.1"]
    assert [each.transport for each in asked] == ["udp", "tcp"][: 1 if unwanted <= MAX_UNWANTED else 2]


def test_a_silent_upstream_is_no_response_after_the_time_out() -> None:
    with pytest.raises(NoResponseError, match="no response in time"):
        run(lambda _: [])


def test_a_port_where_nobody_listens_fails_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    with pytest.raises(NoResponseError, match="refused"):
        stepping(once(Upstream("127.0.0.1", port)))


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
        ("another question", "truncated, and a response that does not answer"),
        ("nothing", "ended before the response"),
        ("half", "ended before the response"),
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

        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as sockets:
            datagrams, streams = bound_pair(sockets, socket.AF_INET, "127.0.0.1")
            port = datagrams.getsockname()[1]
            server = await asyncio.start_server(on_stream, sock=streams)

            def on_datagram() -> None:
                wire, source = datagrams.recvfrom(512)
                datagrams.sendto(answer(Asked(wire, "udp"), truncated=True), source)

            loop.add_reader(datagrams, on_datagram)
            try:
                await once(Upstream("127.0.0.1", port))
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
            await once(scripted.upstream, WWW, NoStream(silent))

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


# --- case


def test_nothing_of_the_random_case_is_left_in_what_the_response_says() -> None:
    records = "www.example.org. 300 CNAME web.example.org.", "web.example.org. 300 A 192.0.2.1"
    response, _ = run(lambda asked: [answer(asked, *records)])
    cname = response.rrset(NAME, Type.CNAME)
    assert cname is not None
    assert cname.rdatas == (from_text("web.example.org."),)


def shouted(asked: Asked, *records: str) -> bytes:
    """The answer of a server that gives names back in upper case."""
    wire = answer(asked, *records)
    return wire[:12] + wire[12:28].upper() + wire[28:]


def several(
    script: Script, times: int, *, counts: Counts | None = None, network: Network | None = None
) -> tuple[list[Response], list[Asked]]:
    """So many exchanges of one exchanger with the same upstream."""

    async def main() -> tuple[list[Response], list[Asked]]:
        async with upstream(script) as scripted, exchanging(network, counts) as exchanger:
            found = [await exchanger.exchange(WWW, scripted.upstream, TIMEOUT_S) for _ in range(times)]
            return found, scripted.asked

    return stepping(main())


def unwanted(counts: Counts) -> dict[str, int]:
    """Datagrams that did not count, by reason."""
    name = FORWARD_UNWANTED.name
    return {labels[1]: times for (metric, labels), times in counts.counters.items() if metric == name}


def test_a_forged_answer_in_another_case_is_passed_over__semantics_17() -> None:
    counts = Counts()

    def forged(asked: Asked) -> Iterable[bytes]:
        return [shouted(asked, LIE), answer(asked, ANSWER)]

    found, asked = several(forged, 5, counts=counts)
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 5
    assert [each.transport for each in asked] == ["udp"] * 5
    assert unwanted(counts) == {"case": 5}


def test_an_upstream_that_mangles_case_is_asked_over_tcp_once_and_then_as_it_is() -> None:
    found, asked = several(lambda asked: [shouted(asked, ANSWER)], 1)
    assert addresses(found[0]) == ["192.0.2.1"]
    assert [each.transport for each in asked] == ["udp", "tcp"]

    def lowers(asked: Asked) -> Iterable[bytes]:
        wire = answer(asked, ANSWER)
        return [wire[:12] + wire[12:28].lower() + wire[28:]]

    found, asked = several(lowers, 4)
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 4
    assert [each.transport for each in asked] == ["udp", "tcp", "udp", "udp", "udp"]
    assert {each.wire[12:29] for each in asked[2:]} == {NAME}


def test_one_without_tcp_is_asked_as_it_is_at_once() -> None:
    def lowers(asked: Asked) -> Iterable[bytes]:
        wire = answer(asked, ANSWER)
        return [wire[:12] + wire[12:28].lower() + wire[28:]]

    found, asked = several(lowers, 2, network=NoStream(silent=False))
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 2
    assert [each.wire[12:29] == NAME for each in asked] == [False, True, True]


def test_one_that_gives_another_name_s_case_even_then_is_not_believed() -> None:
    asked: list[Asked] = []

    def shouts(one: Asked) -> Iterable[bytes]:
        asked.append(one)
        return [shouted(one, LIE)]

    with pytest.raises(UpstreamError, match="in another case"):
        several(shouts, 1, network=NoStream(silent=False))
    assert len(asked) == 2


def test_one_that_gives_another_s_cookie_even_then_is_not_believed() -> None:
    asked: list[Asked] = []

    def confused(one: Asked) -> Iterable[bytes]:
        asked.append(one)
        return [with_cookie(one, b"somebod!", LIE)]

    with pytest.raises(UpstreamError, match="without our cookie"):
        several(confused, 1, network=NoStream(silent=False))
    assert len(asked) == 2


def test_after_an_hour_an_upstream_is_asked_in_random_case_again() -> None:
    async def main() -> list[Asked]:
        def lowers(asked: Asked) -> Iterable[bytes]:
            wire = answer(asked, ANSWER)
            return [wire[:12] + wire[12:28].lower() + wire[28:]]

        async with upstream(lowers) as scripted, exchanging() as exchanger:
            await exchanger.exchange(WWW, scripted.upstream, TIMEOUT_S)
            await asyncio.sleep(LEARNT_FOR_S)
            await exchanger.exchange(WWW, scripted.upstream, TIMEOUT_S)
            return scripted.asked

    assert [each.transport for each in stepping(main())] == ["udp", "tcp", "udp", "tcp"]


# --- cookies


def cookie_of(asked: Asked) -> bytes:
    (option,) = (option for option in asked.message.options if option.otype == 10)
    return option.to_wire() or b""


def with_cookie(asked: Asked, cookie: bytes, *records: str, rcode: str = "NOERROR") -> bytes:
    response = dns.message.from_wire(answer(asked, *records, rcode=rcode))
    if cookie:
        response.use_edns(0, options=[dns.edns.GenericOption(10, cookie)])
        response.set_rcode(dns.rcode.from_text(rcode))
    return response.to_wire()


SERVER_COOKIE = b"the server's own"


def test_the_server_s_cookie_comes_back_with_the_next_query__rfc7873_5_1_semantics_17() -> None:
    def server(asked: Asked) -> Iterable[bytes]:
        return [with_cookie(asked, cookie_of(asked)[:8] + SERVER_COOKIE, ANSWER)]

    _, asked = several(server, 3)
    first, *more = [cookie_of(each) for each in asked]
    assert len(first) == 8
    assert more == [first + SERVER_COOKIE] * 2


def test_upstreams_do_not_share_the_client_s_cookie__rfc7873_6() -> None:
    async def main() -> set[bytes]:
        async with (
            upstream(lambda asked: [answer(asked, ANSWER)]) as one,
            upstream(lambda asked: [answer(asked, ANSWER)]) as other,
            exchanging() as exchanger,
        ):
            for scripted in (one, other):
                await exchanger.exchange(WWW, scripted.upstream, TIMEOUT_S)
            return {cookie_of(scripted.asked[0]) for scripted in (one, other)}

    assert len(stepping(main())) == 2


@pytest.mark.parametrize("forged_cookie", [b"", b"somebod!", b"somebod!" + SERVER_COOKIE])
def test_without_our_cookie_it_is_forged_once_the_upstream_has_shown_one__rfc7873_5_3(
    forged_cookie: bytes,
) -> None:
    counts = Counts()
    queries = itertools.count()

    def server(asked: Asked) -> Iterable[bytes]:
        right = with_cookie(asked, cookie_of(asked)[:8] + SERVER_COOKIE, ANSWER)
        return [with_cookie(asked, forged_cookie, LIE), right] if next(queries) else [right]

    found, asked = several(server, 3, counts=counts)
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 3
    assert {each.transport for each in asked} == {"udp"}
    assert unwanted(counts) == {"cookie": 2}


def test_another_s_cookie_is_forged_from_the_first_query_on__rfc7873_5_3() -> None:
    def server(asked: Asked) -> Iterable[bytes]:
        return [with_cookie(asked, b"somebod!", LIE), answer(asked, ANSWER)]

    assert addresses(run(server)[0]) == ["192.0.2.1"]


@pytest.mark.parametrize("tcp", [True, False])
def test_an_upstream_that_has_lost_its_cookies_is_believed_after_another_look(tcp: bool) -> None:
    queries = itertools.count()

    def server(asked: Asked) -> Iterable[bytes]:
        if next(queries):
            return [answer(asked, ANSWER)]
        return [with_cookie(asked, cookie_of(asked)[:8] + SERVER_COOKIE, ANSWER)]

    found, asked = several(server, 3, network=None if tcp else NoStream(silent=False))
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 3
    assert [each.transport for each in asked] == ["udp", "udp", "tcp" if tcp else "udp", "udp"]


def test_a_bad_cookie_is_replaced_and_the_question_asked_again__rfc7873_5_3() -> None:
    def server(asked: Asked) -> Iterable[bytes]:
        cookie = cookie_of(asked)
        right = cookie[:8] + SERVER_COOKIE
        if cookie == right:
            return [with_cookie(asked, right, ANSWER)]
        return [with_cookie(asked, right, rcode="BADCOOKIE")]

    response, asked = run(server)
    assert addresses(response) == ["192.0.2.1"]
    assert [each.transport for each in asked] == ["udp", "udp"]


def test_where_no_cookie_is_good_enough_tcp_is_asked__rfc7873_5_3() -> None:
    def server(asked: Asked) -> Iterable[bytes]:
        if asked.transport == "tcp":
            return [answer(asked, ANSWER)]
        return [with_cookie(asked, cookie_of(asked)[:8] + SERVER_COOKIE, rcode="BADCOOKIE")]

    response, asked = run(server)
    assert addresses(response) == ["192.0.2.1"]
    assert [each.transport for each in asked] == ["udp", "udp", "tcp"]


def test_badvers_is_no_edns__rfc6891_6_1_3() -> None:
    def old(asked: Asked) -> Iterable[bytes]:
        return [answer(asked, ANSWER) if asked.message.edns < 0 else answer(asked, rcode="BADVERS")]

    found, asked = several(old, 3)
    assert [addresses(response) for response in found] == [["192.0.2.1"]] * 3
    assert [each.message.edns for each in asked] == [0, -1, -1, -1], "once is enough to know it"


@pytest.mark.parametrize("cookies", [True, False])
def test_one_that_has_answered_with_edns_knows_it_whatever_it_says_later(cookies: bool) -> None:
    queries = itertools.count()

    def server(asked: Asked) -> Iterable[bytes]:
        if asked.message.edns < 0:
            return [answer(asked, ANSWER)]
        rcode = "FORMERR" if next(queries) == 1 else "NOERROR"
        if not cookies:
            return [answer(asked, ANSWER, rcode=rcode)]
        return [with_cookie(asked, cookie_of(asked)[:8] + SERVER_COOKIE, ANSWER, rcode=rcode)]

    _, asked = several(server, 3)
    assert [each.message.edns for each in asked] == [0, 0, -1, 0]
