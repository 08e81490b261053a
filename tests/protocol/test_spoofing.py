"""A forger who floods: whatever is wrong with an answer, it gets nowhere, and the true answer arrives.

The forger sees every query, which no real one does, and sends thousands of answers to it, each wrong in one
way only; so each of the defences stands alone. The true answer comes after all of them.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Iterable

import dns.edns
import dns.message
import pytest

from splitdns.forward.forwarder import Forwarder
from splitdns.metrics import FORWARD_UNWANTED, Counts
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.wire.message import Transport
from tests.build import view
from tests.clock import run
from tests.upstreams import Asked, ScriptedUpstream, answer, only, upstream

TRUTH, LIE = "192.0.2.1", "203.0.113.66"
NAME = "www.example.org."
LATER_S = 0.15  # after the flood, the true answer
FLOOD = 5_000
BURST = 50  # at a time, so that the socket's buffer holds them

Forged = Callable[[Asked], Iterable[bytes]]


def lie(asked: Asked) -> bytes:
    """Right in everything: this one would be believed."""
    return answer(asked, f"{NAME} 3600 A {LIE}")


def wrong_ids(asked: Asked) -> Iterable[bytes]:
    forged, right = lie(asked), int.from_bytes(asked.wire[:2], "big")
    for _ in range(FLOOD):
        yield ((right + random.randrange(1, 0x10000)) & 0xFFFF).to_bytes(2, "big") + forged[2:]


def wrong_cases(asked: Asked) -> Iterable[bytes]:
    forged = lie(asked)
    right = forged[12:28]
    for _ in range(FLOOD):
        spelled = bytes(octet ^ 0x20 * (chr(octet).isalpha() and random.random() < 0.5) for octet in right)
        if spelled != right:
            yield forged[:12] + spelled + forged[28:]


def wrong_questions(asked: Asked) -> Iterable[bytes]:
    forged = lie(asked)
    for number in range(FLOOD):
        yield forged[:13] + f"{number % 1000:03}".encode() + forged[16:]


def wrong_cookies(asked: Asked) -> Iterable[bytes]:
    message = dns.message.from_wire(lie(asked))
    message.use_edns(0, options=[dns.edns.GenericOption(10, bytes(16))])
    forged = message.to_wire()
    for number in range(FLOOD):
        yield forged[:-16] + number.to_bytes(16, "big")


async def send(port: socket.socket, datagrams: Iterable[bytes], asked: Asked) -> None:
    for at, datagram in enumerate(datagrams):
        port.sendto(datagram, asked.source)
        if at % BURST == BURST - 1:
            await asyncio.sleep(0)


async def attacked(
    forged: Forged, *, from_upstream: bool, tcp: bool = True
) -> tuple[list[str], Counts, ScriptedUpstream]:
    """What clients hear, twice, while a flood comes from the upstream's own address or from elsewhere."""
    counts, forwarder_counts = Counts(), Counts()
    floods: set[asyncio.Task[None]] = set()
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def flood(asked: Asked) -> None:
        port = under_attack.datagrams if from_upstream else elsewhere
        assert port is not None
        await send(port, forged(asked), asked)
        await asyncio.sleep(LATER_S)
        under_attack.send(answer(asked, f"{NAME} 3600 A {TRUTH}"), asked)

    def script(asked: Asked) -> Iterable[bytes]:
        if asked.transport == "tcp":
            return [answer(asked, f"{NAME} 3600 A {TRUTH}")] if tcp else []
        floods.add(asyncio.ensure_future(flood(asked)))
        return []

    heard = []
    with elsewhere:
        async with upstream(script) as under_attack:
            forwarder = Forwarder(forwarder_counts)
            everyone = view(recursion=True, routes={".": only(under_attack)})
            pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts)
            query = dns.message.make_query(NAME, "A").to_wire()
            for _ in range(2):
                wire = await pipeline.answer(query, "192.168.1.9", Transport.UDP)
                message = dns.message.from_wire(wire or b"")
                heard += [str(rdata) for rrset in message.answer for rdata in rrset]
            await asyncio.wait(floods)
            await forwarder.close()
    return heard, forwarder_counts, under_attack


@pytest.mark.parametrize("forged", [wrong_ids, wrong_cases, wrong_questions, wrong_cookies])
def test_what_is_forged_from_the_upstream_s_address_gets_nowhere__semantics_17(forged: Forged) -> None:
    heard, counts, asked = asyncio.run(attacked(forged, from_upstream=True))
    assert heard == [TRUTH, TRUTH], "from the upstream, and from the cache"
    seen = sum(by for (name, _), by in counts.counters.items() if name == FORWARD_UNWANTED.name)
    assert seen > 0, "the flood did arrive"
    assert len(asked.asked) < 20, "it is not worn down into asking on and on"


def test_what_is_right_but_for_the_port_it_comes_from_gets_nowhere__rfc5452_9_1() -> None:
    def right(asked: Asked) -> Iterable[bytes]:
        return [lie(asked)] * FLOOD

    heard, counts, _ = asyncio.run(attacked(right, from_upstream=False))
    assert heard == [TRUTH, TRUTH]
    seen = sum(by for (name, _), by in counts.counters.items() if name == FORWARD_UNWANTED.name)
    assert seen == 0, "the kernel keeps it away"


def test_the_flood_would_be_believed_were_it_right() -> None:
    """So that the tests above cannot pass for another reason."""
    heard, _, _ = asyncio.run(attacked(lambda asked: [lie(asked)], from_upstream=True))
    assert heard == [LIE, LIE]


def test_many_questions_for_one_name_make_no_more_chances__rfc5452_5() -> None:
    """A thousand clients ask at once; the forger gets one query to guess at, not a thousand."""

    async def main() -> int:
        async with upstream(lambda asked: [answer(asked, f"{NAME} 3600 A {TRUTH}")]) as one:
            counts = Counts()
            forwarder = Forwarder(counts, clock=asyncio.get_running_loop().time)
            everyone = view(recursion=True, routes={".": only(one)})
            pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts)
            query = dns.message.make_query(NAME, "A").to_wire()
            clients = (f"192.168.{number // 250}.{number % 250 + 1}" for number in range(1000))
            await asyncio.gather(*(pipeline.answer(query, client, Transport.UDP) for client in clients))
            await forwarder.close()
            return len(one.asked)

    assert run(main()) == 1  # in a time in which a slow machine is no reason to ask again
