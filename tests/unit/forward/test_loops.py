"""Questions of ours that come back."""

from __future__ import annotations

import asyncio
import logging

import dns.message
import pytest

from splitdns.forward.forwarder import Forwarder
from splitdns.forward.loops import MIN_LETTERS, Loops
from splitdns.metrics import FORWARD_LOOPS, Counts
from splitdns.names import from_text, wire_from_text
from splitdns.records import Ede, Rcode, Type
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Upstream
from splitdns.wire.message import Transport
from tests.build import view
from tests.clock import run
from tests.upstreams import Asked, answer, only, upstream

ONE = Upstream("192.0.2.1")
SPELLED = wire_from_text("wWw.eXamPle.org.")


def test_the_same_spelling_is_ours_while_it_is_on_its_way__semantics_17() -> None:
    loops = Loops()
    loops.leave(SPELLED, Type.A, ONE)
    assert loops.via(SPELLED, Type.A) == ONE
    assert loops.via(SPELLED, Type.AAAA) is None
    assert loops.via(SPELLED.swapcase(), Type.A) is None
    loops.arrive(SPELLED, Type.A)
    assert loops.via(SPELLED, Type.A) is None


def test_a_name_as_it_is_belongs_to_everybody() -> None:
    loops = Loops()
    loops.leave(from_text("www.example.org."), Type.A, ONE)
    assert loops.via(from_text("www.example.org."), Type.A) is None


@pytest.mark.parametrize(("letters", "telling"), [(MIN_LETTERS, True), (MIN_LETTERS - 1, False)])
def test_a_short_name_says_too_little(letters: int, telling: bool) -> None:
    loops, name = Loops(), wire_from_text(f"{'Ab' * letters}"[:letters] + ".1-2.")
    loops.leave(name, Type.A, ONE)
    assert (loops.via(name, Type.A) is not None) == telling


def test_what_was_sent_twice_in_the_same_spelling_is_given_up_once() -> None:
    loops = Loops()
    for _ in range(2):
        loops.leave(SPELLED, Type.A, ONE)
    loops.arrive(SPELLED, Type.A)
    loops.arrive(SPELLED, Type.A)
    assert loops.via(SPELLED, Type.A) is None


def test_a_circle_ends_at_once_and_is_told_once__semantics_17(caplog: pytest.LogCaptureFixture) -> None:
    """The upstream asks us what it was asked, as forwarders do: another id, no options, the same letters."""
    counts = Counts()

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        forwarder = Forwarder(counts, clock=clock)
        turns = []

        async def turn(asked: Asked) -> None:
            question = asked.message.question[0]
            query = dns.message.make_query(question.name, question.rdtype)
            wire = await pipeline.answer(query.to_wire(), "192.168.1.1", Transport.UDP)
            assert wire is not None
            turns.append(dns.message.from_wire(wire))
            circle.send(answer(asked, rcode="SERVFAIL"), asked)

        tasks = set()

        def forwards(asked: Asked) -> list[bytes]:
            tasks.add(asyncio.ensure_future(turn(asked)))
            return []

        async with upstream(forwards) as circle:
            everyone = view(recursion=True, routes={".": only(circle)})
            pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts, clock=clock)
            for name in ("www.example.org.", "mail.example.org."):
                begun_s = clock()
                query = dns.message.make_query(name, "A")
                wire = await pipeline.answer(query.to_wire(), "192.168.1.9", Transport.UDP)
                assert wire is not None
                assert dns.message.from_wire(wire).rcode() == Rcode.SERVFAIL
                assert clock() - begun_s < 0.1
            assert [each.rcode() for each in turns] == [Rcode.SERVFAIL] * 2
            assert len(circle.asked) == 2
            assert counts.value(FORWARD_LOOPS, str(circle.upstream)) == 2
            await forwarder.close()

    with caplog.at_level(logging.WARNING, "splitdns.forward"):
        run(main())
    (told,) = [record for record in caplog.records if record.message == "forward.loop"]
    assert told.__dict__["client"] == "192.168.1.1"


def test_the_same_question_of_another_client_is_no_circle() -> None:
    async def main() -> None:
        counts = Counts()
        clock = asyncio.get_running_loop().time
        forwarder = Forwarder(counts, clock=clock)

        def later(asked: Asked) -> list[bytes]:
            response = answer(asked, "www.example.org. 300 A 192.0.2.1")
            asyncio.get_running_loop().call_later(0.2, slow.send, response, asked)
            return []

        async with upstream(later) as slow:
            everyone = view(recursion=True, routes={".": only(slow)})
            pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts, clock=clock)
            queries = [dns.message.make_query(name, "A") for name in ("www.example.org.", "wWw.eXample.oRg.")]
            answers = await asyncio.gather(
                *(pipeline.answer(query.to_wire(), slow.upstream.host, Transport.UDP) for query in queries)
            )
            assert [dns.message.from_wire(wire or b"").rcode() for wire in answers] == [Rcode.NOERROR] * 2
            await forwarder.close()

    run(main())


def test_the_extended_error_says_why__rfc8914() -> None:
    from splitdns.forward.forwarder import _LOOP

    assert _LOOP.rcode == Rcode.SERVFAIL
    assert _LOOP.edes[0][0] == Ede.OTHER
