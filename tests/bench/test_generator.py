"""The generator notices every answer that is not right, and counts those that are."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.bench import questions
from tests.bench.compiled import Programs, build
from tests.bench.generator import Clients, Found, Generator
from tests.bench.questions import Question
from tests.lab.daemon import Daemon
from tests.lab.machine import free_port

pytestmark = pytest.mark.needs("cc")

ASKED = 50
PATIENT = ("--sleep", "--timeout", "20000")  # others use this machine, too
IMPATIENT = ("--sleep", "--timeout", "50")
Answer = Callable[[bytes], bytes | None]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def generator(programs: Programs) -> Generator:
    return Generator(programs.generator)


@pytest.fixture
def asked(tmp_path: Path) -> Clients:
    """Clients that ask for names, some of which do not exist."""
    file = questions.write(tmp_path / "queries", questions.known(20, ASKED, questions.INSIDE))
    return Clients("127.1.0.1", 4, file)


def right(query: bytes) -> bytes:
    """What the questions of ``asked`` want to be told."""
    message = dns.message.from_wire(query)
    reply = dns.message.make_response(message)
    name = message.question[0].name
    if name.labels[0].startswith(b"no-"):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    else:
        number = int(name.labels[0].removeprefix(b"host"))
        text = questions.address(questions.INSIDE, number)
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", text))
    return reply.to_wire()


def changed(offset: int, flipped: int) -> Answer:
    """The right answer, but for some bits of one octet."""

    def answer(query: bytes) -> bytes:
        reply = bytearray(right(query))
        reply[offset] ^= flipped
        return bytes(reply)

    return answer


def with_another_address(query: bytes) -> bytes:
    reply = right(query)
    at = len(query) if query[11] == 0 else len(query) - 11
    return reply[: at + 12] + b"\x0a\xff\xff\xff" + reply[at + 16 :]


@contextmanager
def scripted(answer: Answer) -> Iterator[int]:
    """A server on UDP and TCP at one port; where ``answer`` gives None it says nothing, or closes."""
    port, stopped = free_port(), threading.Event()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.create_server(("127.0.0.1", port))
    udp.bind(("127.0.0.1", port))
    udp.settimeout(0.05)
    tcp.settimeout(0.05)

    def datagrams() -> None:
        while True:
            try:
                query, client = udp.recvfrom(4096)
            except TimeoutError:  # whatever had come was read
                if stopped.is_set():
                    return
                continue
            if (reply := answer(query)) is not None:
                udp.sendto(reply, client)

    def connections() -> None:
        while not stopped.is_set():
            try:
                connection, _ = tcp.accept()
            except TimeoutError:
                continue
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(2):
                    if (reply := answer(stream.read(*struct.unpack("!H", head)))) is None:
                        break
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    threads = [threading.Thread(target=one) for one in (datagrams, connections)]
    for thread in threads:
        thread.start()
    try:
        yield port
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def once(generator: Generator, asked: Clients, answer: Answer, *options: str) -> Found:
    with scripted(answer) as port:
        return generator.ask(port, [asked], "--once", *PATIENT, *options, seconds=30)


def test_right_answers_are_counted(generator: Generator, asked: Clients) -> None:
    found = once(generator, asked, right)
    assert (found.asked, found.answers, found.wrong, found.lost) == (ASKED, ASKED, 0, 0)
    assert found.per_s > 0
    assert found.latency is None


def test_right_answers_are_counted_over_tcp(generator: Generator, asked: Clients) -> None:
    found = once(generator, asked, right, "--tcp", "--lanes", "1")
    assert (found.asked, found.answers, found.wrong, found.lost) == (ASKED, ASKED, 0, 0)


@pytest.mark.parametrize("options", [(), ("--tcp", "--lanes", "1")], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("why", "answer"),
    [
        ("id", changed(1, 0x40)),
        ("id", changed(0, 0x80)),
        ("flags", changed(2, 0x80)),
        ("truncated", changed(2, 0x02)),
        ("question", changed(14, 0x20)),  # the letter case of the name
        ("rcode", changed(3, 0x02)),
        ("records", lambda query: right(query)[: len(query)]),
        ("address", with_another_address),
        ("short", lambda query: right(query)[:11]),
    ],
)
def test_each_wrong_answer_is_noticed(
    generator: Generator, tmp_path: Path, why: str, answer: Answer, options: tuple[str, ...]
) -> None:
    some = [Question(questions.name(n), address=questions.address(questions.INSIDE, n)) for n in range(9)]
    asked = Clients("127.1.0.1", 4, questions.write(tmp_path / "queries", some))
    found = once(generator, asked, answer, "--timeout", "4000", *options)
    assert found.why == {why: len(some)}
    assert found.answers == 0
    assert found.sample is not None
    assert found.sample["why"] == why


def test_an_answer_for_a_name_that_does_not_exist_is_wrong(generator: Generator, tmp_path: Path) -> None:
    file = questions.write(tmp_path / "queries", [Question(questions.name(3), questions.NXDOMAIN, 0)])
    assert once(generator, Clients("127.1.0.1", 1, file), right).why == {"rcode": 1}


def test_what_is_not_answered_is_lost(generator: Generator, asked: Clients) -> None:
    found = once(generator, asked, lambda query: None, *IMPATIENT)
    assert (found.asked, found.answers, found.wrong, found.lost) == (ASKED, 0, 0, ASKED)


def test_an_answer_that_comes_too_late_is_lost_and_not_wrong(generator: Generator, asked: Clients) -> None:
    def late(query: bytes) -> bytes:
        time.sleep(0.03)  # for each of those that lie there
        return right(query)

    found = once(generator, asked, late, *IMPATIENT)
    assert found.wrong == 0
    assert found.lost > 0
    assert found.answers + found.lost == ASKED


def test_a_second_answer_to_the_same_query_is_wrong(generator: Generator, asked: Clients) -> None:
    former: list[bytes] = []

    def doubled(query: bytes) -> bytes:
        former.append(right(query))
        return former[len(former) % 7 - 1] if len(former) > 7 else former[-1]

    assert once(generator, asked, doubled, "--timeout", "200", "--window", "4").why.get("id", 0) > 0


def test_a_connection_that_the_server_closes_is_opened_anew(generator: Generator, asked: Clients) -> None:
    turns = iter(range(10 * ASKED))

    def closes_at_times(query: bytes) -> bytes | None:
        return right(query) if next(turns) % 10 != 9 else None

    found = once(generator, asked, closes_at_times, "--tcp", "--lanes", "1", "--window", "4")
    assert found.reopened > 0
    assert found.lost >= found.reopened
    assert (found.answers + found.lost, found.wrong) == (ASKED, 0)


def test_at_an_even_pace_latency_is_measured(generator: Generator, asked: Clients) -> None:
    with scripted(right) as port:
        found = generator.ask(port, [asked], "--rate", "200", *PATIENT, seconds=0.3)
    assert 60 <= found.asked <= 61  # the fraction of the last one
    assert found.latency is not None
    assert 0 < found.latency.p50 <= found.latency.p99 <= found.latency.p999
    assert found.wrong == 0


def test_clients_have_so_many_addresses_and_ports(generator: Generator, asked: Clients) -> None:
    clients = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        some = ("--rate", "1000", "--limit", "40", "--ports", "8")
        generator.ask(port, [asked], *some, *IMPATIENT, seconds=30)
        server.settimeout(0)
        for _ in range(40):
            clients.add(server.recvfrom(512)[1])
    assert len(clients) == 8
    assert {address for address, _ in clients} == {f"127.1.0.{number}" for number in (1, 2, 3, 4)}


def test_numbered_names_never_come_twice(generator: Generator, tmp_path: Path) -> None:
    file = questions.write(tmp_path / "queries", questions.forwarded(10, 0))
    seen: list[bytes] = []

    def noted(query: bytes) -> None:
        seen.append(query[12:25])

    number = f"{questions.NUMBER_AT}:99999990"
    once(generator, Clients("127.1.0.1", 1, file), noted, *IMPATIENT, "--number", number)
    assert sorted(seen) == [b"\x0chost%08d" % number for number in range(99999990, 100000000)]


def test_the_upstream_answers_as_the_questions_expect(generator: Generator, tmp_path: Path) -> None:
    """The generator asks itself."""
    port = free_port()
    file = questions.write(tmp_path / "queries", questions.forwarded(200, 0))
    found = generator.ask(
        port, [Clients("127.0.0.1", 1, file)], "--once", *PATIENT, "--upstream", str(port), seconds=30
    )
    assert (found.answers, found.why, found.lost) == (200, {}, 0)


def test_the_echo_sends_every_query_back(programs: Programs, generator: Generator, tmp_path: Path) -> None:
    port = free_port()
    file = questions.write(tmp_path / "queries", [Question(questions.name(1), answers=0)])
    echo = Daemon([str(programs.echo), str(port)], tmp_path / "echo.log")
    clients = [Clients("127.1.0.1", 4, file)]
    try:
        while not generator.ask(port, clients, "--limit", "1", *IMPATIENT).answers:
            assert echo.running, echo.output
        found = generator.ask(port, clients, "--limit", "5000", *PATIENT, seconds=60)
        assert (found.answers, found.wrong, found.lost) == (5000, 0, 0)
    finally:
        echo.stop()
