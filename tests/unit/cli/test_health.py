"""What the health check asks of a server, and what it makes of each answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from splitdns.cli import health
from splitdns.load.configvalues import Listen
from tests.unit.cli.conftest import CONFIG, Run


@contextmanager
def admin(status: int, body: str) -> Iterator[int]:
    """An admin endpoint with one answer for /ready; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def names(says: bytes | None = None) -> Iterator[int]:
    """A name server that refuses one question, or ``says`` something; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def answer() -> None:
            octets, client = sock.recvfrom(512)
            response = dns.message.make_response(dns.message.from_wire(octets))
            response.set_rcode(dns.rcode.REFUSED)
            sock.sendto(response.to_wire() if says is None else says, client)

        thread = threading.Thread(target=answer)
        thread.start()
        yield sock.getsockname()[1]
        thread.join()


def configure(desk: Path, admin_port: int | None, port: int, host: str = "127.0.0.1") -> None:
    listen = "null" if admin_port is None else f'"{host}:{admin_port}"'
    (desk / "splitdns.yaml").write_text(f'{CONFIG}listen: ["{host}:{port}"]\nadmin: {{listen: {listen}}}\n')


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_server_is_well_that_is_ready_and_answers(host: str, run: Run, desk: Path) -> None:
    with admin(200, "OK\n") as admin_port, names() as port:
        configure(desk, admin_port, port, host)
        result = run("health")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"well: http://{host}:{admin_port}/ready, dns://{host}:{port}\n"


def test_one_that_is_not_ready_says_why(run: Run, desk: Path) -> None:
    with admin(503, "not all workers are serving\n") as admin_port, names() as port:
        configure(desk, admin_port, port)
        result = run("health")
    assert result.exit_code == 1
    assert (
        result.stderr
        == f"splitdns: http://127.0.0.1:{admin_port}/ready: 503 not all workers are serving\n"
    )


def test_one_that_is_ready_but_does_not_answer_is_not_well(run: Run, desk: Path) -> None:
    with admin(200, "OK\n") as admin_port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        configure(desk, admin_port, gone.getsockname()[1])
        gone.close()
        result = run("health")
    assert result.exit_code == 1
    assert "dns://127.0.0.1:" in result.stderr
    assert "refused" in result.stderr


def test_without_an_admin_endpoint_the_answer_decides(run: Run, desk: Path) -> None:
    with names() as port:
        configure(desk, None, port)
        result = run("health")
    assert (result.exit_code, result.stdout) == (0, f"well: dns://127.0.0.1:{port}\n")


def test_without_a_server_both_are_told(run: Run, desk: Path) -> None:
    configure(desk, 1, 1)
    result = run("health")
    assert result.exit_code == 1
    assert result.stderr.count("refused") == 2


def test_a_configuration_that_is_broken_now_says_nothing_against_the_server(
    run: Run, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "splitdns.yaml").write_text("workres: 3\n")
    asked: list[Listen] = []
    monkeypatch.setattr(health, "not_ready", asked.append)
    result = run("health")
    assert (result.exit_code, result.stdout) == (0, "well: http://127.0.0.1:9153/ready\n")
    assert "splitdns.yaml:1:1: 'workres' is not a setting" in result.stderr
    assert asked == [Listen("127.0.0.1", 9153)]


@pytest.mark.parametrize("mistake", ["workres: 3\n", "workers: {\n", "views: [\n  - lan: 'x\n"])
def test_a_broken_configuration_still_says_where_its_server_is(mistake: str, run: Run, desk: Path) -> None:
    with admin(200, "OK\n") as admin_port, names() as port:
        configure(desk, admin_port, port)
        config = desk / "splitdns.yaml"
        config.write_text(config.read_text() + mistake)
        result = run("health")
    assert result.exit_code == 0
    assert result.stdout == f"well: http://127.0.0.1:{admin_port}/ready, dns://127.0.0.1:{port}\n"
    assert "splitdns.yaml:" in result.stderr


USUAL = Listen("127.0.0.1", 9153)
LEFT = {
    "": (USUAL, None),
    "admin: {token_file: t}\n": (USUAL, None),
    "admin: {listen: null}\nlisten: ['192.0.2.1:53']\n": (None, Listen("192.0.2.1", 53)),
    "x: [\nadmin:\n\n  # here\n  tls: true\n  listen: '[::1]:9163'\nlisten:\n- 192.0.2.1:53\n- 7\n": (
        Listen("::1", 9163),
        Listen("192.0.2.1", 53),
    ),
    "admin:\n  listen: 9163\n": (None, None),
    "admin: {listen: '127.0.0.1:9163'\n": (None, None),
    "admin: 127.0.0.1:9163\nlisten: 127.0.0.1:53\n": (None, None),
    "listen: []\nadmin:": (None, None),
}


@pytest.mark.parametrize("text", LEFT, ids=range(len(LEFT)))
def test_what_is_left_of_a_broken_configuration_is_believed_and_nothing_else(text: str) -> None:
    assert health.left_of(text) == LEFT[text]


def test_where_nothing_is_known_of_a_server_it_is_not_called_well(run: Run, desk: Path) -> None:
    (desk / "splitdns.yaml").write_text("admin: {listen: here}\n")
    result = run("health")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no server was asked: the configuration does not say where it is" in result.stderr


@pytest.mark.parametrize("says", [b"", b"\0\0", bytes(12), b"what is this"])
def test_what_is_no_answer_to_the_question_is_none(says: bytes) -> None:
    with names(says) as port:
        assert health.not_answering(Listen("127.0.0.1", port)) == "what came back is no answer"


def test_the_question_is_one_that_every_server_reads() -> None:
    heard: list[dns.message.Message] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def answer() -> None:
            octets, client = sock.recvfrom(512)
            heard.append(dns.message.from_wire(octets))
            sock.sendto(dns.message.make_response(heard[0]).to_wire(), client)

        thread = threading.Thread(target=answer)
        thread.start()
        assert health.not_answering(Listen("127.0.0.1", sock.getsockname()[1])) is None
        thread.join()
    assert [str(question) for question in heard[0].question] == ["localhost. IN A"]
    assert not heard[0].flags & dns.flags.RD


@pytest.mark.parametrize(
    ("host", "met"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1"), ("::1", "::1")]
)
def test_a_listener_on_every_address_is_met_on_this_machine(host: str, met: str) -> None:
    assert health._here(Listen(host, 53)) == met
