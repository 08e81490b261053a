"""Validation beside the forwarder, from the client's question to what it gets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import dns.flags
import dns.name
import pytest

from splitdns.answer.decide import Forward, Reply, Security, decide, resume
from splitdns.forward.forwarder import Forwarder
from splitdns.metrics import VALIDATIONS, Counts
from splitdns.records import Ede, Rcode, Type
from splitdns.view import UpstreamSet
from splitdns.wire.edns import Edns
from splitdns.wire.message import Answer
from tests.build import MANNERS, query, view
from tests.clock import run
from tests.signed import NOW_S, World, Zone
from tests.upstreams import Asked, ScriptedUpstream, answer, only, upstream


def world(**spoilt: str) -> World:
    """example.test. is signed; ``bad="wrong"`` spoils the signature of bad.example.test."""
    hosts = "www A 192.0.2.1\nbad A 192.0.2.2\nalias CNAME www"
    faults = {(f"{host}.example.test.", "A"): kind for host, kind in spoilt.items()}
    signed, plain = Zone("example.test.", hosts, spoilt=faults), Zone("plain.test.", hosts, signed=False)
    return World(Zone("."), Zone("test."), signed, plain)


class Client:
    """Asks a forwarder, before upstreams that know a world, or several."""

    def __init__(self, *worlds: World) -> None:
        self.worlds = worlds
        self.counts = Counts()
        self.asked: list[Asked] = []
        self.upstreams = UpstreamSet(())

    async def __aenter__(self) -> Client:
        self.forwarder = Forwarder(
            self.counts, clock=asyncio.get_running_loop().time, wall_clock=lambda: NOW_S
        )
        running = []
        self._contexts = [upstream(self._script(each)) for each in self.worlds]
        for context in self._contexts:
            running.append(await context.__aenter__())
        self.running: list[ScriptedUpstream] = running
        self.upstreams = replace(only(*running), validation=self.worlds[0].validation())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.forwarder.close()
        for context in self._contexts:
            await context.__aexit__(None, None, None)

    def _script(self, world: World):  # type: ignore[no-untyped-def]
        def script(asked: Asked) -> Iterable[bytes]:
            self.asked.append(asked)
            return [world.answer(asked.message).to_wire(max_size=65_535)]

        return script

    def forward(self, name: str, rdtype: str = "A", *, do: bool = False, cd: bool = False) -> Forward:
        asked = replace(query(name, rdtype, rd=True), cd=cd, ad=True, edns=Edns(do=do))
        decided = decide(asked, view(recursion=True, routes={".": self.upstreams}), MANNERS)
        assert isinstance(decided, Forward)
        return decided

    async def ask(self, name: str, rdtype: str = "A", *, do: bool = False, cd: bool = False) -> Answer:
        forward = self.forward(name, rdtype, do=do, cd=cd)
        decided = resume(forward, await self.forwarder.ask(forward))
        assert isinstance(decided, Answer)
        return decided

    def questions(self) -> Counter[str]:
        return Counter(asked.question.lower() for asked in self.asked)


def test_what_is_signed_gets_ad__rfc4035_3_2_3_semantics_16() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            for name, rcode in (("www", 0), ("alias", 0), ("no", 3)):
                said = await client.ask(f"{name}.example.test.")
                assert (said.rcode, said.ad) == (rcode, True)
            said = await client.ask("www.plain.test.")
            assert (said.rcode, said.ad) == (Rcode.NOERROR, False)
            assert all(count == 1 for count in client.questions().values())
            assert client.counts.value(VALIDATIONS, "secure", "test") == 3
            assert client.counts.value(VALIDATIONS, "insecure", "test") == 1

    run(main())


def test_what_was_validated_is_kept_with_its_verdict() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            await client.ask("www.example.test.")
            before = client.questions()
            for do in (True, False):
                said = await client.ask("www.example.test.", do=do)
                assert said.ad
                assert len(said.answer) == 1 + do
            assert client.questions() == before

    run(main())


def test_what_is_bogus_is_servfail_with_the_reason__rfc8914_4_7_semantics_16() -> None:
    async def main() -> None:
        async with Client(world(bad="expired")) as client:
            for _ in range(2):
                said = await client.ask("bad.example.test.")
                assert (said.rcode, said.ad, said.answer) == (Rcode.SERVFAIL, False, ())
                assert said.edes[0][0] == Ede.SIGNATURE_EXPIRED
            assert client.questions()["bad.example.test. a"] == 1, "not asked again at once (RFC 9520)"

    run(main())


def test_with_cd_a_client_gets_what_is_there__rfc4035_3_2_2_semantics_16() -> None:
    async def main() -> None:
        async with Client(world(bad="wrong")) as client:
            said = await client.ask("bad.example.test.", cd=True)
            assert (said.rcode, said.ad, len(said.answer)) == (Rcode.NOERROR, False, 1)
            said = await client.ask("bad.example.test.")
            assert (said.rcode, said.answer) == (Rcode.SERVFAIL, ())
            said = await client.ask("bad.example.test.", cd=True)
            assert (said.rcode, said.ad, len(said.answer)) == (Rcode.NOERROR, False, 1)

    run(main())


def test_what_was_asked_for_with_cd_is_never_secure__semantics_16() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            assert not (await client.ask("www.example.test.", cd=True)).ad
            assert (await client.ask("www.example.test.")).ad
            assert not (await client.ask("www.example.test.", cd=True)).ad

    run(main())


def test_questions_have_do_and_cd__rfc6840_5_9() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            await client.ask("www.example.test.")
            assert client.asked
            for asked in client.asked:
                assert asked.message.flags & dns.flags.CD
                assert asked.message.ednsflags & dns.flags.DO

    run(main())


def test_the_next_upstream_is_asked_where_one_lies() -> None:
    async def main() -> None:
        async with Client(world(www="wrong"), world()) as client:
            assert (await client.ask("www.example.test.")).ad

    run(main())


def test_the_next_upstream_is_asked_where_one_breaks_the_chain() -> None:
    async def main() -> None:
        broken = world()
        broken.zones[dns.name.from_text("test.")].spoilt["example.test.", "DS"] = "wrong"
        async with Client(broken, world()) as client:
            assert (await client.ask("www.example.test.")).ad

    run(main())


def test_upstreams_that_fail_on_the_way_leave_it_undecided__rfc8914_4_6() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            good = client.running[0].script
            client.running[0].script = lambda asked: (
                [answer(asked, rcode="SERVFAIL")] if asked.question.endswith("DNSKEY") else good(asked)
            )
            said = await client.ask("www.example.test.")
            assert (said.rcode, said.edes[0][0]) == (Rcode.SERVFAIL, Ede.INDETERMINATE)
            assert client.counts.value(VALIDATIONS, "indeterminate", "test") == 1

    run(main())


def test_a_chain_that_was_broken_is_looked_at_anew_after_a_flush() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            zone = client.worlds[0].zones[dns.name.from_text("example.test.")]
            zone.spoilt["example.test.", "DNSKEY"] = "wrong"
            assert (await client.ask("www.example.test.")).rcode == Rcode.SERVFAIL
            zone.spoilt.clear()
            client.forwarder.flush()
            assert (await client.ask("www.example.test.")).ad

    run(main())


@pytest.mark.parametrize("do", [True, False])
def test_who_does_not_validate_passes_signatures_on_unjudged__rfc4035_3_2_1(do: bool) -> None:
    async def main() -> None:
        async with Client(world(bad="wrong")) as client:
            client.upstreams = replace(client.upstreams, validation=None)
            said = await client.ask("bad.example.test.", do=do)
            types = [Type.A, Type.RRSIG] if do else [Type.A]
            assert [rrset.rdtype for rrset in said.answer] == types
            assert not said.ad
            assert client.questions() == {"bad.example.test. a": 1}

    run(main())


def test_signed_replies_serve_both_kinds_of_clients() -> None:
    async def main() -> None:
        async with Client(world()) as client:
            client.upstreams = replace(client.upstreams, validation=None)
            for do, asked in ((False, 1), (True, 2), (False, 2), (True, 2)):
                await client.ask("www.example.test.", do=do)
                assert client.questions()["www.example.test. a"] == asked

    run(main())


def test_a_reply_that_is_made_of_a_verdict_has_no_other_content() -> None:
    async def main() -> None:
        async with Client(world(bad="wrong")) as client:
            forward = client.forward("bad.example.test.")
            reply = await client.forwarder.ask(forward)
            assert isinstance(reply, Reply)
            assert reply.proof is not None
            assert reply.proof.security is Security.BOGUS
            assert (reply.answer, reply.soa) == ((), None)

    run(main())


@pytest.mark.parametrize("validates", [True, False])
def test_only_those_who_validate_pay_for_it_and_they_beforehand(validates: bool) -> None:
    code = f"""
import sys
import splitdns.daemon.worker
from splitdns.forward.validate import get_ready
from splitdns.view import UpstreamSet, Validation
get_ready([UpstreamSet((), validation=Validation(())) if {validates} else UpstreamSet(())])
sys.exit('cryptography' in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert bool(done.returncode) is validates
