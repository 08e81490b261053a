from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Reply
from splitdns.metrics import DROPPED, DROPS, LEAKS_BLOCKED, PANICS
from splitdns.names import wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve import pipeline as pipeline_module
from splitdns.serve.pipeline import Pending, Pipeline, QueryLogEntry
from splitdns.snapshot import Manners
from splitdns.wire.message import Transport
from tests.unit.serve.bench import INSIDE, OUTSIDE, STRANGER, TCP, UDP, Bench, Script, query


def address(name: str, text: str = "198.51.100.53") -> RRset:
    return RRset(wire_from_text(name), Type.A, 60, (bytes(int(octet) for octet in text.split(".")),))


def texts(section: Iterable[object]) -> list[str]:
    return [str(rrset) for rrset in section]


def test_a_name_of_ours_is_answered_without_a_task() -> None:
    answer = Bench().now(query("www.example.org."))
    assert isinstance(answer, bytes)
    assert texts(dns.message.from_wire(answer).answer) == ["www.example.org. 3600 IN A 198.51.100.1"]


def test_the_second_answer_comes_from_memory_and_is_the_same_but_for_id_and_case() -> None:
    bench = Bench()
    for name in ("www.example.org.", "nowhere.example.org.", "mx.example.org."):
        first = bench.now(query(name, "MX", id=1))
        view_of = bench.pipeline.snapshot.match(INSIDE)
        assert view_of is not None
        kept = len(view_of.view.answers.entries)
        second = bench.now(query(name.upper(), "MX", id=2))
        assert len(view_of.view.answers.entries) == kept
        assert isinstance(first, bytes)
        assert isinstance(second, bytes)
        assert second[:2] == b"\0\2"
        assert second[2:12] == first[2:12]
        end = 12 + len(wire_from_text(name))
        assert second[12:end] == wire_from_text(name.upper())
        assert second[end:] == first[end:]


wild_case = st.sampled_from(["www", "mx", "big", "nowhere", "www.d2", "example"]).flatmap(
    lambda name: st.lists(st.booleans(), min_size=len(name), max_size=len(name)).map(
        lambda upper: "".join(c.upper() if up else c for c, up in zip(name, upper, strict=True))
    )
)
plain_queries = st.builds(
    lambda name, rdtype, query_id, flags, payload, do: dns.message.make_query(
        f"{name}.example.org.",
        rdtype,
        id=query_id,
        flags=flags,
        **({} if payload is None else {"use_edns": 0, "payload": payload, "want_dnssec": do}),
    ).to_wire(),
    wild_case,
    st.sampled_from(["A", "MX", "TXT", "TYPE65", "ANY"]),
    st.integers(0, 65535),
    st.sampled_from([0, 0x0100, 0x0110, 0x0130]),
    st.sampled_from([None, 512, 900, 1232, 4096]),
    st.booleans(),
)


@settings(deadline=None)
@given(st.lists(plain_queries, max_size=8), st.sampled_from([UDP, TCP]), st.sampled_from([INSIDE, OUTSIDE]))
def test_the_hot_way_and_the_long_way_give_the_same_octets(
    queries: list[bytes], transport: Transport, client: str
) -> None:
    warm = Bench()
    for wire in queries + queries:
        assert warm.now(wire, client, transport) == Bench().now(wire, client, transport)


def test_a_synthesized_alias_does_not_remember_the_letter_case_of_who_asked_first__rfc6672_3_1() -> None:
    bench = Bench()
    bench.now(query("WWW.d2.example.org."))
    wire = query("www.d2.example.org.")
    assert bench.now(wire) == Bench().now(wire)


def test_an_answer_is_remembered_for_its_own_view_only() -> None:
    bench = Bench()
    wire = query("lost.example.org.")
    assert texts(bench.ask(wire, INSIDE).answer) == ["lost.example.org. 3600 IN A 192.168.9.9"]
    assert bench.ask(wire, OUTSIDE).answer == []
    assert bench.ask(wire, INSIDE).answer


def test_a_new_snapshot_answers_anew() -> None:
    bench = Bench()
    wire = query("www.example.org.")
    bench.ask(wire)
    bench.pipeline.snapshot = bench.snapshot("www IN A 198.51.100.77\n")
    assert "198.51.100.77" in texts(bench.ask(wire).answer)[0]


def test_a_pending_query_is_finished_from_the_snapshot_it_began_with() -> None:
    async def run() -> bytes | None:
        bench = Bench()
        alias = RRset(wire_from_text("a.test."), Type.CNAME, 60, (wire_from_text("www.example.org."),))
        bench.forwarder.asked[wire_from_text("a.test.")] = Reply(Rcode.NOERROR, (alias,))
        pending = bench.now(query("a.test."))
        assert isinstance(pending, Pending)
        bench.pipeline.snapshot = bench.snapshot("www IN A 198.51.100.77\n")
        return await bench.pipeline.finish(pending)

    answer = dns.message.from_wire(asyncio.run(run()) or b"")
    assert "198.51.100.1" in texts(answer.answer)[1]


def test_what_the_forwarder_knows_is_answered_at_once_and_not_remembered() -> None:
    bench = Bench()
    bench.forwarder.known[wire_from_text("a.test.")] = Reply(Rcode.NOERROR, (address("a.test."),))
    assert texts(bench.ask(query("a.test.")).answer) == ["a.test. 60 IN A 198.51.100.53"]
    bench.forwarder.known.clear()
    assert isinstance(bench.now(query("a.test.")), Pending)
    assert bench.requests == [(".", 0, "cache")]


def test_a_chain_goes_on_through_the_network_until_it_ends() -> None:
    bench = Bench()
    for name, target in (("a.test.", "b.test."), ("b.test.", "c.test.")):
        alias = RRset(wire_from_text(name), Type.CNAME, 60, (wire_from_text(target),))
        bench.forwarder.asked[wire_from_text(name)] = Reply(Rcode.NOERROR, (alias,))
    bench.forwarder.asked[wire_from_text("c.test.")] = Reply(Rcode.NOERROR, (address("c.test."),))
    assert len(bench.ask(query("a.test.")).answer) == 3
    assert bench.requests == [(".", 0, "forward")]


def test_no_upstream_means_servfail_with_an_extended_error__rfc8914_4_23() -> None:
    answer = Bench().ask(query("a.test.", use_edns=0))
    assert answer.rcode() == dns.rcode.SERVFAIL
    assert [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)] == [22]


@pytest.mark.parametrize(("share", "rcode"), [(0.4, dns.rcode.NOERROR), (0.6, dns.rcode.SERVFAIL)])
def test_a_chain_that_takes_too_long_means_servfail(share: float, rcode: int) -> None:
    class Slow(Script):
        async def ask(self, name: bytes) -> Reply:
            bench.now_s += share * pipeline_module.MAX_ASKING_S
            return await super().ask(name)

    bench = Bench()
    slow = Slow()
    for name, target in (("a.test.", "b.test."), ("b.test.", "c.test.")):
        alias = RRset(wire_from_text(name), Type.CNAME, 60, (wire_from_text(target),))
        slow.asked[wire_from_text(name)] = Reply(Rcode.NOERROR, (alias,))
    slow.asked[wire_from_text("c.test.")] = Reply(Rcode.NOERROR, (address("c.test."),))
    pipeline = Pipeline(bench.pipeline.snapshot, slow, bench.counts, clock=lambda: bench.now_s)
    answer = asyncio.run(pipeline.answer(query("a.test."), INSIDE, UDP))
    assert dns.message.from_wire(answer or b"").rcode() == rcode


def test_a_client_of_no_view_is_refused_with_its_question() -> None:
    answer = Bench().ask(query("www.example.org.", use_edns=0), STRANGER)
    assert (answer.rcode(), answer.edns, len(answer.question)) == (dns.rcode.REFUSED, 0, 1)
    assert not answer.flags & (dns.flags.RA | dns.flags.AA)


def test_ra_is_the_views_recursion__rfc1035_4_1_1() -> None:
    bench = Bench()
    assert bench.ask(query("www.example.org."), INSIDE).flags & dns.flags.RA
    assert not bench.ask(query("www.example.org."), OUTSIDE).flags & dns.flags.RA


@pytest.mark.parametrize("opcode", range(1, 16))
def test_opcodes_other_than_query_are_not_implemented__rfc6895_2_2(opcode: int) -> None:
    wire = bytearray(query("www.example.org."))
    wire[2] |= opcode << 3
    answer = Bench().now(bytes(wire))
    assert isinstance(answer, bytes)
    assert (answer[2] & 0x78) >> 3 == opcode
    assert answer[3] & 0xF == dns.rcode.NOTIMP


def test_what_cannot_be_read_is_formerr_and_what_has_no_header_or_is_a_response_is_silence() -> None:
    bench = Bench()
    wire = query("www.example.org.")
    assert bench.ask(wire + b"x").rcode() == dns.rcode.FORMERR
    assert bench.ask(wire[:12]).rcode() == dns.rcode.FORMERR
    assert bench.now(wire[:11]) is None
    assert bench.now(wire[:2] + b"\x81" + wire[3:]) is None
    assert (bench.counts.value(DROPS, "short"), bench.counts.value(DROPS, "response")) == (1, 1)
    assert bench.requests == [(DROPPED, 1, "server"), (DROPPED, 1, "server")]


def test_badvers__rfc6891_6_1_3() -> None:
    assert Bench().ask(query("www.example.org.", use_edns=1)).rcode() == dns.rcode.BADVERS


def test_nsid_is_told_when_asked_and_configured__rfc5001() -> None:
    bench = Bench(Manners(server_id="ns1"))
    answer = bench.ask(query("www.example.org.", options=[dns.edns.NSIDOption(b"")]))
    assert answer.options == (dns.edns.NSIDOption(b"ns1"),)


def test_tcp_and_udp_do_not_share_memory() -> None:
    bench = Bench()
    wire = query("big.example.org.", "TXT")
    assert bench.ask(wire, transport=UDP).flags & dns.flags.TC
    assert not bench.ask(wire, transport=TCP).flags & dns.flags.TC
    assert bench.ask(wire, transport=UDP).flags & dns.flags.TC


def test_a_bug_is_logged_counted_and_answered_servfail_with_the_question(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.forwarder.asked[wire_from_text("a.test.")] = ZeroDivisionError("bug")
    bench.forwarder.known[wire_from_text("b.test.")] = "no reply at all"  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR):
        for name in ("a.test.", "b.test."):
            answer = bench.ask(query(name))
            assert (answer.rcode(), len(answer.question)) == (dns.rcode.SERVFAIL, 1)
    assert bench.counts.value(PANICS) == 2
    assert [record.getMessage() for record in caplog.records] == ["query.bug"]  # one a second
    bench.now_s += pipeline_module.LOG_INTERVAL_S
    with caplog.at_level(logging.ERROR):
        bench.ask(query("b.test."))
    assert len(caplog.records) == 2


def test_what_the_leak_guard_takes_out_is_counted_by_view() -> None:
    bench = Bench()
    assert bench.ask(query("lost.example.org."), OUTSIDE).answer == []
    assert bench.counts.value(LEAKS_BLOCKED, "test", "address") == 1


def test_requests_are_counted_with_their_labels_cold_and_warm() -> None:
    bench = Bench()
    for _ in range(2):
        bench.now(query("www.example.org.", use_edns=0, want_dnssec=True), INSIDE, TCP)
    key = ("dns://:53", "example.org.", "test", "tcp", 1, int(Type.A), True, 0, "zone")
    assert bench.counts.requests == {key: 2}


def test_a_refusal_is_the_servers_own() -> None:
    bench = Bench()
    bench.ask(query("a.test."), OUTSIDE)
    bench.ask(query("www.example.org."), STRANGER)
    assert bench.requests == [(".", 5, "server"), (DROPPED, 5, "server")]


def test_the_query_log_gets_one_entry_for_each_answer() -> None:
    entries: list[QueryLogEntry] = []
    bench = Bench(log=entries.append)
    for name in ("wWw.example.org.", "Www.example.org."):
        bench.ask(query(name, use_edns=0))
    bench.ask(query("a.test."), STRANGER)
    bench.ask(query("a.test.") + b"x", STRANGER)
    cold, warm, refused, bad = entries
    assert (cold.time_s, cold.client, cold.view, cold.prefix) == (
        1_700_000_000.0,
        INSIDE,
        "test",
        ip_network("192.168.0.0/16"),
    )
    assert (cold.name, warm.name) == (wire_from_text("wWw.example.org."), wire_from_text("Www.example.org."))
    assert (warm.qtype, warm.qclass, warm.rcode, warm.provenance) == (1, 1, 0, "zone")
    assert (refused.view, refused.prefix, refused.rcode) == ("", None, 5)
    assert (bad.rcode, bad.name) == (1, wire_from_text("a.test."))
