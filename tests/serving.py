"""A server without sockets for tests: real files, the real loader, bytes through the real pipeline.

Upstreams are a function from a question to a ``Reply``. dnspython makes the queries and reads the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.load.load import load
from splitdns.metrics import Counts
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.wire.message import Transport

Upstream = Callable[[Forward], Reply | None]

CONFIG = """\
listen: ["127.0.0.1:0"]
views:
  everyone: {clients: [any], horizon: [outside]}
zones: [zones]
"""

SPLIT_CONFIG = """\
listen: ["127.0.0.1:0"]
views:
  lan:      {clients: [192.168.0.0/16, "fd00::/8"], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24],                horizon: [vpn, inside], recursion: true}
  guest:    {clients: [172.16.9.0/24],              horizon: [outside],     recursion: true}
  internet: {clients: [any],                        horizon: [outside]}
zones: [zones]
wan: {ipv4: 203.0.113.7, ipv6: "2001:db8::7"}
forward:
  - {domains: ["."], upstreams: [192.0.2.53]}
"""
CLIENTS = {"lan": "192.168.1.9", "vpn": "10.8.0.9", "guest": "172.16.9.9", "internet": "198.51.100.99"}


class ScriptedForwarder:
    """Stands where ``forward.forwarder`` does: every reply comes from a function, at once."""

    def __init__(self, upstream: Upstream | None) -> None:
        self.upstream = upstream
        self.asked: list[Forward] = []

    def ask_now(self, forward: Forward) -> Reply | None:
        self.asked.append(forward)
        return self.upstream(forward) if self.upstream else None

    def ask_then(self, forward: Forward, client: str, done: Callable[[Reply | Exception], None]) -> None:
        done(UpstreamError("the script has no answer"))

    def is_unknown(self, _: Key) -> bool:
        return self.upstream is None

    def relay(
        self, question: Key, spelled: bytes, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        done(UpstreamError("the script has no answer"))


class World:
    """One server: ``files`` are its zones, ``config`` its splitdns.yaml."""

    def __init__(
        self,
        directory: Path,
        files: Mapping[str, str],
        config: str = CONFIG,
        upstream: Upstream | None = None,
        *,
        snapshot: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot,
    ) -> None:
        zones = directory / "zones"
        zones.mkdir(exist_ok=True)
        for name, text in files.items():
            (zones / name).write_text(text)
        path = directory / "splitdns.yaml"
        path.write_text(config)
        self.loaded = load(path, previous=None, generation=1, now_s=1_700_000_000.0)
        self.forwarder = ScriptedForwarder(upstream)
        self.counts = Counts()
        self.pipeline = Pipeline(snapshot(self.loaded.snapshot), self.forwarder, self.counts)

    def ask_bytes(self, wire: bytes, client: str = "198.51.100.99", *, tcp: bool = False) -> bytes | None:
        transport = Transport.TCP if tcp else Transport.UDP
        return asyncio.run(self.pipeline.answer(wire, client, transport))

    def ask(
        self,
        name: str,
        rdtype: str = "A",
        *,
        client: str = "internet",
        tcp: bool = False,
        rd: bool = True,
        **options: object,
    ) -> dns.message.Message:
        """The answer as dnspython reads it; ``options`` are ``make_query``'s (use_edns, payload, …)."""
        query = dns.message.make_query(name, rdtype, **options)  # type: ignore[arg-type]
        if not rd:
            query.flags &= ~dns.flags.RD
        wire = self.ask_bytes(query.to_wire(), CLIENTS.get(client, client), tcp=tcp)
        assert wire is not None, "no answer"
        answer = dns.message.from_wire(wire)
        assert answer.id == query.id
        assert answer.question == query.question
        assert answer.flags & dns.flags.QR
        return answer

    def ask_again_is_the_same(self, asked: case, origin: str) -> bool:
        query = dns.message.make_query(asked.qname(origin), asked.rdtype, id=7)
        first, second = (self.ask_bytes(query.to_wire()) for _ in range(2))
        return first is not None and first == second


def records(section: Sequence[dns.rrset.RRset]) -> list[str]:
    """A section as sorted lines, with names in lower case: what a table of cases can be compared with."""
    return sorted(
        f"{rrset.name.to_text()} {rrset.ttl} IN {text}".lower() for rrset in section for text in _texts(rrset)
    )


def _texts(rrset: dns.rrset.RRset) -> list[str]:
    return [f"{dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}" for rdata in rrset]


@dataclass(frozen=True)
class case:  # noqa: N801  (reads as a table's row)
    """A question, and every section of its answer as master-file lines."""

    asked: str
    rcode: str = "NOERROR"
    answer: Sequence[str] = ()
    authority: Sequence[str] = ()
    additional: Sequence[str] = ()
    aa: bool = False
    client: str = "internet"
    why: str = ""

    @property
    def id(self) -> str:
        return f"{self.asked} {self.why}".strip().replace(" ", "-")

    @property
    def rdtype(self) -> str:
        return self.asked.split()[1]

    def qname(self, origin: str) -> str:
        return dns.name.from_text(self.asked.split()[0], dns.name.from_text(origin)).to_text()

    def check(self, world: World, origin: str, **options: object) -> None:
        got = world.ask(self.qname(origin), self.rdtype, client=self.client, **options)  # type: ignore[arg-type]
        assert dns.rcode.to_text(got.rcode()) == self.rcode
        assert records(got.answer) == sorted(line.lower() for line in self.answer)
        assert records(got.authority) == sorted(line.lower() for line in self.authority)
        assert records(got.additional) == sorted(line.lower() for line in self.additional)
        assert bool(got.flags & dns.flags.AA) is self.aa
        assert not got.flags & dns.flags.TC
