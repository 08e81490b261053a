"""Against resolvers on the loopback, which stand for the world's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from splitdns.check.check import Checked, also
from splitdns.check.finding import Code, Finding
from splitdns.check.world import Published, ask, differences
from tests.check.world import CONFIG, SPLIT, World

PATIENCE_S = 2.0
OURS, OTHER = "203.0.113.7", "203.0.113.8"
Answer = Callable[[dns.message.Message], bytes]


def saying(*addresses: str, rcode: str = "NOERROR") -> Answer:
    """A resolver that has these addresses for every name."""

    def answer(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        kind = "A" if question.rdtype == 1 else "AAAA"
        own = [one for one in addresses if (":" in one) is (kind == "AAAA")]
        if own:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *own))
        response.set_rcode(dns.rcode.from_text(rcode))
        return response.to_wire()

    return answer


class _Resolver(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[str]()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        assert query.flags & dns.flags.RD
        self.asked.append(str(query.question[0].name))
        self.transport.sendto(self.answer(query), addr)


def published(
    directory: Path, *answers: Answer, zone: str = SPLIT
) -> tuple[list[Published], list[str], Checked]:
    """What is found of the world where it has these resolvers, and what they were asked."""

    async def play() -> tuple[list[Published], list[str], Checked]:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_datagram_endpoint(lambda one=one: _Resolver(one), ("127.0.0.1", 0))  # type: ignore[misc]
            for one in answers
        ]
        ports = [transport.get_extra_info("sockname")[1] for transport, _ in made]
        resolvers = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        config = CONFIG.replace("{ipv4: 203.0.113.7}", f"{{ipv4: 203.0.113.7, resolvers: [{resolvers}]}}")
        checked = World(directory, zone=zone, config=config).checked()
        try:
            found = await ask(checked.judgement, PATIENCE_S)
        finally:
            for transport, _ in made:
                transport.close()
        return found, [name for _, resolver in made for name in resolver.asked], checked

    return asyncio.run(play())


def found(directory: Path, *answers: Answer, zone: str = SPLIT) -> list[Finding]:
    return list(differences(published(directory, *answers, zone=zone)[0]))


def test_a_world_that_is_told_the_same_is_no_finding(tmp_path: Path) -> None:
    told, asked, _ = published(tmp_path, saying(OURS))

    assert list(differences(told)) == []
    assert {ip_address(OURS)} in [one.told for one in told]
    assert asked == ["www.example.com."] * 2


def test_an_old_address_out_there_is_stale(tmp_path: Path) -> None:
    told, _, checked = published(tmp_path, saying(OTHER), saying(OURS))

    (finding,) = differences(told)

    assert (finding.code, finding.subject) == (Code.DNS_WAN_STALE, "www.example.com.")
    assert f"tells the world {OTHER}, and the zone says {OURS}" in finding.message
    assert "zones/example.com.yaml:4" in str(finding.where)
    findings = also(checked, [finding]).findings
    assert finding in findings
    assert [one.severity for one in findings] == sorted((one.severity for one in findings), reverse=True)


def test_a_name_that_the_world_does_not_know_is_stale(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, saying(rcode="NXDOMAIN"))

    assert f"tells the world no address, and the zone says {OURS}" in finding.message


def test_an_address_of_the_other_family_out_there_is_one_too_many(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, saying(OURS, "2001:db8::7"))

    assert "tells the world 2001:db8::7, and the zone says no address" in finding.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (saying(rcode="SERVFAIL"), "SERVFAIL"),
        (lambda query: b"no DNS", "an answer that is none"),
        (lambda query: b"\0" + query.to_wire()[1:], "an answer that is none"),
    ],
    ids=["servfail", "noise", "other-question"],
)
def test_a_resolver_that_fails_tells_nothing(answer: Answer, reason: str, tmp_path: Path) -> None:
    failed = found(tmp_path, answer)

    assert {one.code for one in failed} == {Code.MODEL_UNKNOWN}
    assert all(reason in one.message for one in failed)


def test_names_that_nobody_outside_is_told_are_not_asked_for(tmp_path: Path) -> None:
    inside = SPLIT + "  nas: {A: {inside: 192.168.1.30}, expose: [445/tcp]}\n"

    _, asked, _ = published(tmp_path, saying(OURS), zone=inside)

    assert set(asked) == {"www.example.com."}


def test_nobody_is_asked_without_being_named(tmp_path: Path) -> None:
    assert published(tmp_path)[0] == []
