"""Upstreams over TLS and HTTPS that others wrote, BIND and Unbound, with certificates of our own."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
import trustme

from splitdns.errors import UpstreamError
from splitdns.forward.exchange import Exchanger, NoResponseError
from splitdns.forward.network import KernelNetwork
from splitdns.forward.query import Question
from splitdns.forward.response import Response
from splitdns.metrics import Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import Carrier, Upstream
from tests.lab.machine import Here, free_port

pytestmark = pytest.mark.needs("named", "unbound")

NAME = "resolver.example"
READY_S = 60.0
TRIES = 5
TIMEOUT_S = 60.0
WWW = Question(from_text("www.example.org."), Type.A)
LARGE = Question(from_text("large.example.org."), Type.TXT)

ZONE = (
    "$TTL 300\n@ SOA ns1 hostmaster 1 3600 900 604800 120\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n"
    + "".join(f'large TXT "{number:0250}"\n' for number in range(40))
)

NAMED = """\
tls ours {{ cert-file "{directory}/chain.pem"; key-file "{directory}/key.pem"; }};
http ours {{ endpoints {{ "/dns-query"; }}; }};
options {{
  directory "{directory}";
  pid-file none; session-keyfile none; managed-keys-directory "{directory}";
  listen-on port {plain} {{ 127.0.0.1; }};
  listen-on port {tls} tls ours {{ 127.0.0.1; }};
  listen-on port {https} tls ours http ours {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no; allow-query {{ any; }}; dnssec-validation no; require-server-cookie {cookie};
}};
controls {{ }};
zone "example.org" {{ type primary; file "example.org.zone"; }};
"""

UNBOUND = """\
server:
  interface: 127.0.0.1@{plain}
  interface: 127.0.0.1@{tls}
  tls-port: {tls}
  tls-service-key: "{directory}/key.pem"
  tls-service-pem: "{directory}/chain.pem"
  access-control: 127.0.0.0/8 allow
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
  incoming-num-tcp: 10
  module-config: "iterator"
  local-zone: "example.org." static
  local-data: "www.example.org. 300 A 192.0.2.1"
{large}
remote-control:
  control-enable: no
"""


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def peers(
    ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Upstream]]:
    """The upstreams by what they are and how they are asked."""
    machine = Here(tmp_path_factory.mktemp("encrypted"))
    directory = machine.directory
    certificate = ca.issue_cert(NAME, "127.0.0.1")
    certificate.private_key_pem.write_to_path(str(directory / "key.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(directory / "chain.pem"), append=True)
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    (directory / "example.org.zone").write_text(ZONE)
    trusted = str(directory / "ca.pem")
    try:
        bind = _named(machine, "no")
        strict = _named(machine, "yes")
        plain, tls = free_port(), free_port()
        large = "\n".join(
            f"  local-data: 'large.example.org. 300 TXT \"{number:0250}\"'" for number in range(40)
        )
        config = directory / "unbound.conf"
        config.write_text(UNBOUND.format(directory=directory, plain=plain, tls=tls, large=large))
        machine.start("/usr/sbin/unbound", "-d", "-p", "-c", str(config))
        _wait_for(plain)
        yield {
            "BIND": Upstream("127.0.0.1", bind["plain"]),
            "BIND, cookies required": Upstream("127.0.0.1", strict["plain"]),
            "BIND over TCP": Upstream("127.0.0.1", bind["plain"], Carrier.TCP),
            "BIND over TLS": Upstream("127.0.0.1", bind["tls"], Carrier.TLS, NAME, ca=trusted),
            "BIND over HTTPS": Upstream(
                "127.0.0.1", bind["https"], Carrier.HTTPS, NAME, "/dns-query", trusted
            ),
            "Unbound over TLS": Upstream("127.0.0.1", tls, Carrier.TLS, NAME, ca=trusted),
            "Unbound over TLS, by its address": Upstream("127.0.0.1", tls, Carrier.TLS, ca=trusted),
        }
    finally:
        machine.stop()


def _named(machine: Here, cookie: str) -> dict[str, int]:
    ports = {kind: free_port() for kind in ("plain", "tls", "https")}
    config = machine.directory / f"named-{cookie}.conf"
    config.write_text(NAMED.format(directory=machine.directory, cookie=cookie, **ports))
    machine.start("/usr/sbin/named", "-g", "-n", "1", "-c", str(config))
    _wait_for(ports["plain"])
    return ports


def _wait_for(port: int) -> None:
    deadline_s = time.monotonic() + READY_S
    probe = dns.message.make_query("www.example.org.", "A")
    while True:
        with suppress(dns.exception.DNSException, OSError):
            if dns.query.tcp(probe, "127.0.0.1", timeout=0.5, port=port).answer:
                return
        time.sleep(0.02)
        assert time.monotonic() < deadline_s, f"nobody answers at port {port}"


def ask(upstream: Upstream, *questions: Question) -> list[Response]:
    """The questions at once, three times over; anew where no handshake ended in time."""
    for _ in range(TRIES):
        try:
            return _ask(upstream, *questions)
        except NoResponseError as error:
            if "in time" not in str(error):
                raise
            last = error
    raise last


def _ask(upstream: Upstream, *questions: Question) -> list[Response]:
    async def main() -> list[Response]:
        exchanger = Exchanger(KernelNetwork(), random.SystemRandom(), Counts())
        try:
            return [
                response
                for _ in range(3)
                for response in await asyncio.gather(
                    *(exchanger.exchange(question, upstream, TIMEOUT_S) for question in questions)
                )
            ]
        finally:
            await exchanger.close()
            await asyncio.sleep(0.02)

    return asyncio.run(main())


WAYS = (
    "BIND",
    "BIND, cookies required",
    "BIND over TCP",
    "BIND over TLS",
    "BIND over HTTPS",
    "Unbound over TLS",
    "Unbound over TLS, by its address",
)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_ask_gives_the_same_answers(peers: dict[str, Upstream], way: str) -> None:
    # BIND 9.18 falls silent for good when five requests come at once on a connection that it has already.
    more = 2 if way == "BIND over HTTPS" else 30
    responses = ask(peers[way], WWW, LARGE, *[WWW] * more)
    for at, response in enumerate(responses):
        question = LARGE if at % (2 + more) == 1 else WWW
        rrset = response.rrset(question.name, question.qtype)
        assert rrset is not None
        assert len(rrset.rdatas) == (40 if question is LARGE else 1)


@pytest.mark.parametrize("way", [way for way in WAYS if "TLS" in way or "HTTPS" in way])
def test_who_is_not_who_it_should_be_is_not_asked(peers: dict[str, Upstream], way: str) -> None:
    with pytest.raises(NoResponseError, match=r"does not prove that it is another\.example"):
        ask(replace(peers[way], name="another.example"), WWW)
    with pytest.raises(NoResponseError, match=r"does not prove .*: .*(self-signed|unable to get)"):
        ask(replace(peers[way], ca=None), WWW)


def test_a_server_that_speaks_no_tls_is_not_asked(peers: dict[str, Upstream]) -> None:
    with pytest.raises(UpstreamError):
        ask(Upstream("127.0.0.1", peers["BIND"].port, Carrier.TLS, NAME), WWW)


def test_the_certificates_directory_is_not_read(tmp_path: Path, peers: dict[str, Upstream]) -> None:
    with pytest.raises(NoResponseError, match="No such file"):
        ask(replace(peers["BIND over TLS"], ca=str(tmp_path / "none.pem")), WWW)
