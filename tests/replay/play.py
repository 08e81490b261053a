"""Plays a scenario: the real pipeline and forwarder, socket pairs for the network, a clock that steps."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv6Network
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from splitdns.forward.cache import CacheLimits
from splitdns.forward.forwarder import Forwarder
from splitdns.forward.parts import PARTS, Parts
from splitdns.load import special
from splitdns.load.blocklists import ReadList, of_view, read
from splitdns.load.declared import FileId
from splitdns.load.sections import BlocklistSettings
from splitdns.metrics import METRICS, Counts
from splitdns.names import from_text
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Carrier, Policy, Strategy, Upstream, UpstreamSet, View
from splitdns.wire.framing import Unframer, frame
from splitdns.wire.header import question_end
from splitdns.wire.message import Transport
from tests.build import view, zone
from tests.clock import run
from tests.replay.scenario import Ask, Flush, Reaction, Records, Scenario, SignedZone
from tests.signed import ECDSAP256, ED25519, NOW_S, RSASHA1, World, Zone
from tests.upstreams import answer

TIMEOUT_S = 2.0  # of one try
SERVER_COOKIE = b"the server's own"


class ScriptedNetwork:
    """Socket pairs: one end is the forwarder's, at the other an upstream follows the scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.asked: Counter[str] = Counter()  # by address, and by address and transport
        self.ask_back: Callable[[bytes], Awaitable[bytes | None]] | None = None
        self._seen_cookie: set[str] = set()
        self._circles: set[asyncio.Future[None]] = set()
        self.unexpected: list[str] = []
        self._scenario = scenario
        self._times: Counter[tuple[str, str, str]] = Counter()
        self._sockets: list[socket.socket] = []
        self._worlds = {address: world(scenario, spoilt=liar) for address, liar in scenario.resolvers.items()}

    def datagram(self, upstream: Upstream) -> socket.socket:
        if upstream.host in self._scenario.unreachable:
            self.asked[upstream.host] += 1
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        ours, theirs = self._pair(socket.SOCK_DGRAM)
        loop = asyncio.get_running_loop()

        def on_query() -> None:
            self._react(upstream, theirs, theirs.recv(512), "udp")

        loop.add_reader(theirs, on_query)
        return ours

    async def stream(self, upstream: Upstream) -> socket.socket:
        if "no-tcp" in self._scenario.traits.get(upstream.host, ()):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        ours, theirs = self._pair(socket.SOCK_STREAM)
        unframer = Unframer()
        loop = asyncio.get_running_loop()

        def on_octets() -> None:
            octets = theirs.recv(512)
            if not octets:
                loop.remove_reader(theirs)
            unframer.feed(octets)
            while query := unframer.message():
                self._react(upstream, theirs, query, "tcp")

        loop.add_reader(theirs, on_octets)
        return ours

    def close(self) -> None:
        for each in self._sockets:
            if each.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(each)
                each.close()

    def _pair(self, kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        ours.setblocking(False)
        theirs.setblocking(False)
        self._sockets.append(theirs)
        return ours, theirs

    def _react(self, upstream: Upstream, theirs: socket.socket, wire: bytes, transport: str) -> None:
        self.asked[upstream.host] += 1
        self.asked[f"{upstream.host} {transport}"] += 1
        query = dns.message.from_wire(wire)
        if (world := self._worlds.get(upstream.host)) is not None:
            message = world.answer(query).to_wire(max_size=65_535)
            _send(theirs, message if transport == "udp" else frame(message))
            return
        traits = self._scenario.traits.get(upstream.host, set())
        if (refusal := _refusal(query, traits)) is not None:
            _send(theirs, refusal if transport == "udp" else frame(refusal))
            return
        question = query.question[0]
        key = (upstream.host, question.name.canonicalize().to_text(omit_final_dot=True), question.rdtype.name)
        reactions = self._scenario.upstreams.get(key)
        if reactions is None:
            self.unexpected.append(" ".join(key))
            return
        reaction = reactions[min(self._times[key], len(reactions) - 1)]
        if not (reaction.truncated and transport == "udp"):
            self._times[key] += 1
        reaction.met += 1
        if reaction.silence:
            if reaction.closes:
                asyncio.get_running_loop().remove_reader(theirs)
                theirs.close()
            return
        loop = asyncio.get_running_loop()
        if reaction.circle:
            circle = asyncio.ensure_future(self._turn(theirs, query))
            self._circles.add(circle)
            circle.add_done_callback(self._circles.discard)
            return
        shown = "cookies" in traits or "strict-cookies" in traits
        if "loses-cookies" in traits:
            shown = upstream.host not in self._seen_cookie
            self._seen_cookie.add(upstream.host)
        for at, message in enumerate(_messages(reaction, query, transport, shown)):
            message = _lower(message) if "lower-case" in traits else message
            octets = message if transport == "udp" else frame(message)
            # One after the other, so that each is read before the next: a pair of sockets holds a dozen.
            loop.call_later((reaction.after_s or 0) + at * 1e-6, _send, theirs, octets)
        if reaction.closes:
            loop.call_later(reaction.after_s or 0, theirs.close)

    async def _turn(self, theirs: socket.socket, query: dns.message.Message) -> None:
        """Ask us what was asked, as a forwarder does: with an id of its own and the same spelling."""
        assert self.ask_back is not None
        question = query.question[0]
        wire = await self.ask_back(dns.message.make_query(question.name, question.rdtype).to_wire())
        assert wire is not None
        _send(theirs, query.id.to_bytes(2, "big") + wire[2:])


def _send(theirs: socket.socket, octets: bytes) -> None:
    try:
        theirs.send(octets)
    except OSError:  # the forwarder has given up: its end is closed
        return


def _refusal(query: dns.message.Message, traits: set[str]) -> bytes | None:
    """What a server says to EDNS or a cookie that it does not take; None: it takes them."""
    cookie = _cookie(query)
    if "strict-cookies" in traits and cookie[8:] != SERVER_COOKIE:
        return _with_cookie(answer(query), cookie[:8] + SERVER_COOKIE, "BADCOOKIE")
    if query.edns < 0:
        return None
    if "badvers" in traits:
        return answer(query, rcode="BADVERS")
    for trait, rcode in (("no-edns", "FORMERR"), ("notimp", "NOTIMP")):
        if trait in traits:
            bare = dns.message.make_response(query)
            bare.use_edns(False)
            bare.set_rcode(dns.rcode.from_text(rcode))
            return bare.to_wire()
    return None


def _cookie(query: dns.message.Message) -> bytes:
    return next((option.to_wire() or b"" for option in query.options if option.otype == 10), b"")


def _with_cookie(wire: bytes, cookie: bytes, rcode: str | None = None) -> bytes:
    message = dns.message.from_wire(wire)
    kept = rcode or dns.rcode.to_text(message.rcode())
    message.use_edns(0, options=[dns.edns.GenericOption(10, cookie)] if cookie else [])
    message.set_rcode(dns.rcode.from_text(kept))
    return message.to_wire(max_size=65_535)


def _lower(wire: bytes) -> bytes:
    """The message as a server gives it back that folds names."""
    end = question_end(wire)
    return wire[:12] + wire[12 : end - 4].lower() + wire[end - 4 :]


def _messages(
    reaction: Reaction, query: dns.message.Message, transport: str, shows_cookie: bool
) -> list[bytes]:
    """The wrong datagrams, then the right one."""
    client = _cookie(query)[:8]
    truncated = reaction.truncated and transport == "udp"
    records = [] if truncated else reaction.answer
    right = answer(query, *records, rcode=reaction.rcode, authority=reaction.authority, truncated=truncated)
    if shows_cookie and client:
        right = _with_cookie(right, client + SERVER_COOKIE)
    forged = answer(query, f"{query.question[0].name} 300 A 203.0.113.66")
    other = dns.message.make_query("other.example.", query.question[0].rdtype, id=query.id)
    wrong = {
        "id": bytes((forged[0] ^ 1,)) + forged[1:],
        "question": answer(other, "other.example. 300 A 203.0.113.66"),
        "garbage": b"\xff" * 40,
        "case": forged[:12] + forged[12:13] + bytes((forged[13] ^ 0x20,)) + forged[14:],
        "cookie": _with_cookie(forged, b"somebody" + SERVER_COOKIE),
        "cookieless": _with_cookie(forged, b""),
        "query": forged[:2] + bytes((forged[2] & 0x7F,)) + forged[3:],
    }
    return [*(wrong[kind] for kind in reaction.before), right]


def play(scenario: Scenario, parts: Parts = PARTS) -> None:
    """Raises:
    AssertionError: a client got something else than the scenario says, or at another time.
    """
    run(_play(scenario, parts))


async def _play(scenario: Scenario, parts: Parts) -> None:
    clock = asyncio.get_running_loop().time
    network = ScriptedNetwork(scenario)
    started_s = clock()
    validation = None
    if scenario.validates:
        validation = world(scenario).validation(from_text(_dotted(name)) for name in scenario.negative)
    routes = {
        _dotted(domain): UpstreamSet(
            tuple(Upstream(address, carrier=_carrier(scenario, address)) for address in addresses),
            TIMEOUT_S,
            strategy=Strategy(scenario.strategy),
            validation=validation,
        )
        for domain, addresses in scenario.routes.items()
    }
    zones = [zone("\n".join(lines) + "\n", _dotted(apex)) for apex, lines in scenario.zones.items()]
    everyone = view(*zones, recursion=True, routes=routes)
    everyone = replace(everyone, policy=policy_of(scenario, everyone))
    if "special-names" in scenario.policy:
        made = special.special(everyone.zones, everyone.routes, names=True, doh=True, relay=True)
        everyone = replace(everyone, zones={**everyone.zones, **made})
    counts = Counts()
    forwarder = Forwarder(
        counts,
        network=network,
        random=Random(scenario.title),
        clock=clock,
        wall_clock=lambda: NOW_S + clock() - started_s,
        limits=CacheLimits(**scenario.cache),
        max_flights=scenario.limits.get("all", 1000),
        max_waits_per_client=scenario.limits.get("client", 1000),
        parts=parts,
    )
    pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts, clock=clock)
    network.ask_back = lambda wire: pipeline.answer(wire, "192.168.1.1", Transport.UDP)
    try:
        async with asyncio.TaskGroup() as clients:
            for ask in scenario.asks:
                clients.create_task(_ask(ask, pipeline, network))
            for flush in scenario.flushes:
                clients.create_task(_flush(flush, forwarder))
    finally:
        await forwarder.close(0)
        network.close()
    assert not network.unexpected, f"asked, and no reaction is given: {network.unexpected}"


def policy_of(scenario: Scenario, everyone: View) -> Policy:
    """What the scenario says of names that are not ours."""
    prefix = scenario.policy.get("dns64")
    with TemporaryDirectory() as directory:
        lists = [_list(Path(directory), *key, lines) for key, lines in scenario.lists.items()]
    return Policy(
        rebinding="rebinding" in scenario.policy,
        lists=of_view(lists, everyone.name),
        dns64=IPv6Network(prefix) if prefix else None,
    )


def _list(directory: Path, name: str, form: str, action: str, lines: list[str]) -> ReadList:
    path = directory / name
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text)
    settings = BlocklistSettings.model_validate({"file": name, "format": form, "action": action})
    return read(path, text, settings, (FileId(name), settings))


async def _ask(ask: Ask, pipeline: Pipeline, network: ScriptedNetwork) -> None:
    await asyncio.sleep(ask.at_s)
    where = f"at {ask.at_s:g} s, {ask.name} {ask.rdtype}"
    if ask.name:
        await _compare(ask, pipeline, where)
    for address, count in ask.asked:
        assert network.asked[address] == count, f"{where}: {address} was asked {network.asked[address]} times"
    for name, labels, value in ask.counted:
        metric = next(metric for metric in METRICS if metric.name == name)
        found = pipeline.counts.value(metric, *labels)
        assert found == value, f"{where}: {name} {' '.join(labels)} is {found:g}"


async def _flush(flush: Flush, forwarder: Forwarder) -> None:
    await asyncio.sleep(flush.at_s)
    forwarder.flush(flush.name and from_text(_dotted(flush.name)), subtree=flush.subtree)


async def _compare(ask: Ask, pipeline: Pipeline, where: str) -> None:
    """Ask, and compare the answer with what is expected."""
    clock = asyncio.get_running_loop().time
    started_s = clock()
    query = dns.message.make_query(ask.name, ask.rdtype, use_edns=0, want_dnssec="do" in ask.flags)
    for flag in set(ask.flags) - {"do"}:
        query.flags |= dns.flags.from_text(flag.upper())
    wire = await pipeline.answer(query.to_wire(), ask.client, Transport.UDP)
    assert wire is not None
    message = dns.message.from_wire(wire)
    assert bool(message.flags & dns.flags.AD) is ask.ad, f"{where}: AD"
    if "do" in ask.flags:
        _take_proofs(message, ask, where)
    found = _found(message, clock() - started_s)
    expected = (ask.rcode, sorted(ask.answer), sorted(ask.authority))
    assert (found.rcode, found.answer, found.authority) == expected, where
    if ask.after_s is not None:
        assert abs((found.after_s or 0) - ask.after_s) < 0.01, f"{where} took {found.after_s} s"
    options = dns.message.from_wire(wire).options
    edes = [int(option.code) for option in options if isinstance(option, dns.edns.EDEOption)]
    assert edes == ask.edes, f"{where}: EDE {edes}"


def _take_proofs(message: dns.message.Message, ask: Ask, where: str) -> None:
    """Count signatures in the answer and what denies in the authority section; take all of it out."""
    kinds = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3} - {ask.rdtype}
    signatures = sum(rrset.rdtype == dns.rdatatype.RRSIG for rrset in message.answer)
    denials = sum(rrset.rdtype in kinds - {dns.rdatatype.RRSIG} for rrset in message.authority)
    assert ask.signatures in (None, signatures), f"{where}: {signatures} signatures"
    assert ask.denials in (None, denials), f"{where}: {denials} denials"
    for section in (message.answer, message.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype not in kinds]


def world(scenario: Scenario, *, spoilt: bool = False) -> World:
    """The scenario's signed internet, as it should be, or with all that is spoilt."""
    zones = []
    for apex, signed in ({".": SignedZone([])} | scenario.signed).items():
        ways = set(signed.ways)
        iterations = 101 if "iterations" in ways else 0
        hashed = bool(ways & {"nsec3", "opt-out", "iterations"})
        made = Zone(
            _dotted(apex),
            "\n".join(signed.lines),
            algorithm=ED25519 if "ed25519" in ways else RSASHA1 if "sha1" in ways else ECDSAP256,
            signed="unsigned" not in ways,
            nsec3=(iterations, "opt-out" in ways) if hashed else None,
        )
        if spoilt:
            faults = {(_dotted(owner), rdtype): kind for (owner, rdtype), kind in scenario.spoilt.items()}
            made.spoilt = faults
        zones.append(made)
    return World(*zones)


def _carrier(scenario: Scenario, address: str) -> Carrier:
    return Carrier.TCP if "tcp" in scenario.traits.get(address, ()) else Carrier.UDP


def _found(message: dns.message.Message, after_s: float) -> Records:
    rcode = dns.rcode.to_text(message.rcode())
    return Records(rcode, after_s, _lines(message.answer), _lines(message.authority))


def _lines(section: list[dns.rrset.RRset]) -> list[str]:
    records = ((rrset, rdata) for rrset in section for rdata in rrset)
    return sorted(f"{rrset.name} {rrset.ttl} {rrset.rdtype.name} {rdata}" for rrset, rdata in records)


def _dotted(name: str) -> str:
    return name if name.endswith(".") else f"{name}."
