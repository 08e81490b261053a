"""A server with every kind of zone and name, and queries that meet all of them.

Nothing here judges: two ways are right or wrong together. What is right, the other tests say.
"""

from __future__ import annotations

import itertools
import os
import random
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from splitdns.answer.decide import Forward, Proof, Reply, Security
from splitdns.answer.direct import Direct, Told
from splitdns.forward.cache import CacheLimits, Key
from splitdns.forward.forwarder import Forwarder
from splitdns.load.load import load
from splitdns.metrics import Counts
from splitdns.names import Qname, fold, from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve.gate import Gate
from splitdns.serve.pipeline import Outcome, Pending, Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import View
from splitdns.wire.cookies import MASTER_OCTETS, Cookies
from splitdns.wire.message import Transport
from splitdns.zone import Node, Zone, pack
from tests.build import zone

SERVER = "dns://:53"
NOW_S = 1_700_000_000.0
CLIENTS = ("127.0.1.1", "127.0.2.1", "127.0.3.1", "127.0.4.1", "127.0.5.1")  # the last is nobody's

CONFIG = """\
listen: ["127.0.0.1:0"]
views:
  lan:      {clients: [127.0.1.0/24], horizon: [inside],      recursion: true}
  vpn:      {clients: [127.0.2.0/24], horizon: [vpn, inside], recursion: true, dns64: "64:ff9b::/96"}
  guest:    {clients: [127.0.3.0/24], horizon: [outside],     recursion: true}
  internet: {clients: [127.0.4.0/24], horizon: [outside]}
zones: [zones]
wan: {ipv4: 203.0.113.7, ipv6: "2001:db8::7"}
whoami: whoami.example.org
identity: {version: "1", id: one}
forward:
  - {domains: ["."], upstreams: [192.0.2.53]}
  - {domains: [sub.example.org, forwarded.example.org], upstreams: [192.0.2.54]}
"""

_FITS = "".join(f"fits{octets} TXT {'x' * 250} {'y' * (octets - 250)}\n" for octets in range(380, 480, 9))
_MANY = "".join(f"N{number} {60 + number} A 198.51.100.{number % 250}\n" for number in range(30))

FILES = {
    "example.org.yaml": """\
zone: example.org
ns: [ns1, ns2.example.net.]
soa: {minimum: 15m}
records:
  "@": {A: {inside: 192.168.1.1, outside: $wan4}, MX: [10 mail, 20 nas], TXT: some words, CAA: 0 issue "ca"}
  ns1: {A: {inside: 192.168.1.53, outside: $wan4}}
  mail: {A: 203.0.113.25, AAAA: "2001:db8::25"}
  Www: {A: {vpn: 10.8.0.20, inside: 192.168.1.20, outside: $wan4}, AAAA: $wan6, HTTPS: 1 . ipv4hint=auto}
  Several: {A: [198.51.100.1, 198.51.100.2, 198.51.100.3], TXT: [one, two]}
  nas: {A: {inside: 192.168.1.30}, TXT: {vpn: secret}}
  a.b.hollow: {A: {inside: 192.168.1.31}}
  plain.half: {A: 198.51.100.31}
  secret.half: {A: {inside: 192.168.1.32}}
  slip: {A: {inside: 192.168.1.33, outside: [192.168.1.33, 198.51.100.33]}}
  slip6: {AAAA: {inside: "fd00::1", outside: ["fd00::1", "2001:db8::33", "2002:a00:1::1"]}}
  meant: {A: {inside: 192.168.1.34, outside: {value: 192.168.1.34, public: true}}}
  hidden: {A: {inside: 198.51.100.99, outside: 198.51.100.98}}
  slip2: {A: [198.51.100.99, 198.51.100.97]}
  "*.apps": {A: {inside: 192.168.1.21, outside: $wan4}, TXT: of any}
  own.apps: {TXT: of its own}
  "*.lab": {A: {inside: 192.168.1.22}}
  "*.deep.lab": {A: 198.51.100.22}
  toname: {CNAME: nas}
  alias: {CNAME: Www}
  away: {CNAME: www.example.net.}
  round: {CNAME: round}
  fewer: {TXT: {inside: x}, inherit: [A]}
  srv: {SRV: 1 1 443 Www, NAPTR: '1 1 "u" "x" "" nas', SSHFP: 1 1 0123456789abcdef0123456789abcdef01234567}
  odd: {TYPE65280: '\\# 2 abcd', LOC: 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m, HINFO: a b}
  point: {PTR: nas, RP: nas Www, APL: "1:192.168.0.0/16", IPSECKEY: 10 1 2 192.168.1.9 AQNRU3mG}
""",
    "plain.example.zone": f"""\
$TTL 300
@ SOA Ns.Plain.example. hostmaster.other.example. 1 3600 900 604800 60
@ NS ns
ns A 192.0.2.53
long.{"l" * 63}.{"m" * 63}.{"n" * 63} A 192.0.2.9
inner.example.plain.example. A 192.0.2.10
{_FITS}{_MANY}""",
    "cut.example.zone": """\
$TTL 300
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
ns1 A 192.0.2.53
sub NS ns.sub
sub NS ns1
sub DS 12345 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.sub A 192.0.2.54
below.sub A 192.0.2.55
d DNAME sub2
d TXT here
*.sub2 A 192.0.2.56
ent.x.sub2 TXT here
nested NS ns1
*.w NS ns1
*.e.w A 192.0.2.57
cname.w CNAME *.sub2
""",
    "nested.cut.example.zone": """\
@ 300 SOA ns1.cut.example. hostmaster.cut.example. 1 3600 900 604800 60
@ 300 NS ns1.cut.example.
www 300 A 192.0.2.58
""",
    "dname.example.zone": """\
@ 300 SOA ns1.cut.example. hostmaster 1 3600 900 604800 60
@ 300 NS ns1.cut.example.
@ 300 DNAME plain.example.
""",
    "pattern.example.yaml": """\
zone: pattern.example
ns: [ns1.cut.example.]
records:
  www: {A: 192.0.2.60}
  "*.apps": {A: 192.0.2.61}
  "~^db[0-9]+$": {A: {inside: 192.168.1.60}, ttl: 5m}
  "~^(www\\\\.)?server$": {A: {inside: 192.168.1.61, outside: $wan4}}
""",
    "overlay.example.yaml": """\
zone: overlay.example
mode: overlay
records:
  www: {A: {inside: 192.168.1.70, outside: $wan4}}
  a.ent: {A: 192.0.2.71}
  "*.apps": {A: {inside: 192.168.1.72}}
""",
    "inner.example@inside.zone": """\
@ 300 SOA ns1.cut.example. hostmaster.inner.example. 1 3600 900 604800 60
@ 300 NS ns1.cut.example.
www 300 A 192.168.1.80
* 300 TXT star
""",
    "2.0.192.in-addr.arpa.zone": """\
@ 300 SOA ns1.cut.example. hostmaster.cut.example. 1 3600 900 604800 60
@ 300 NS ns1.cut.example.
1 300 PTR www.example.org.
2 300 TXT text
""",
    "broken.example.yaml": "zone: broken.example\nrecords: {www: {A: nonsense}}\n",
}


class Known(Forwarder):
    """A forwarder that has every other name in its cache whenever it is asked, and never asks."""

    def ask_now(self, forward: Forward) -> Reply | None:
        if not len(forward.name) % 2:
            return None
        reply = super().ask_now(forward)
        if reply is None:
            walk, name = forward.walk, fold(forward.name)
            key = Key(walk.view.name, forward.upstreams, name, forward.qtype, forward.do, walk.query.cd)
            self._cache.remember(key, _reply(key), self._clock())
            reply = super().ask_now(forward)
        return reply

    def is_unknown(self, question: Key) -> bool:
        return not len(question.name) % 2

    def ask_then(self, *_: object) -> None:
        raise AssertionError("nobody finishes what is pending here")


def _reply(key: Key) -> Reply:
    """What upstreams say to a question, always the same, each kind to some: records, an alias, nothing."""
    kind = zlib.crc32(key.name)
    ttl_s = (2, 7, 60, 300)[kind % 4]
    signature = RRset(key.name, Type.RRSIG, 3, (key.qtype.to_bytes(2, "big") + bytes(18),))
    proof = Proof((signature,), (), Security.CLAIMED) if key.do else None
    if key.qtype != Type.A or kind % 5 == 0:  # of a name, nothing that another reply denies
        soa = RRset(from_text("net."), Type.SOA, ttl_s, (b"\1a\0\1b\0" + bytes(20),))
        is_there = kind % 5 or kind % 3 == 0
        return Reply(Rcode.NOERROR if is_there else Rcode.NXDOMAIN, soa=soa, proof=proof)
    if kind % 5 == 1:
        target = from_text(("host.example.net.", "www.example.org.", "Other.Example.NET.")[kind % 3])
        alias = RRset(key.name, Type.CNAME, ttl_s, (target,))
        return Reply(Rcode.NOERROR, (alias, RRset(target, Type.A, 90, (b"\xc0\0\2\xc9",))), proof=proof)
    return Reply(Rcode.NOERROR, (RRset(key.name, Type.A, ttl_s, (b"\xc0\0\2\xc8",)),), proof=proof)


class Way(Pipeline):
    """A pipeline over all these zones; its clock goes on when it is told to."""

    def __init__(self, directory: Path) -> None:
        counts = Counts()
        gate = Gate(counts, cookies=Cookies(bytes(MASTER_OCTETS)), wall_clock=lambda: 1e9)
        self.now_s = 100.0
        # What is renewed, and what goes first where it gets too much, depends on how often it is asked for.
        limits = CacheLimits(octets=2**30, prefetch=False)
        forwarder = Known(counts, clock=lambda: self.now_s, limits=limits)
        self.flush = forwarder.flush
        super().__init__(snapshot(directory), forwarder, counts, gate=gate, clock=lambda: self.now_s)

    def told(self, wire: bytes, client: str, transport: Transport) -> bytes | None:
        return answer_of(self.answer_now(wire, client, transport, SERVER))


class LongWay(Way):
    """The same without any memory: every answer is decided and encoded."""

    def told(self, wire: bytes, client: str, transport: Transport) -> bytes | None:
        for view in self.snapshot.views:
            view.answers.entries.clear()
            view.answers.octets = 0
        return super().told(wire, client, transport)

    def direct(self, view: View) -> Direct:
        return _Nothing()


class _Nothing(Direct):
    def __init__(self) -> None: ...

    def answer(self, asked: bytes, *, tcp: bool = False) -> Told | None:
        return None


def answer_of(outcome: Outcome) -> bytes | None:
    """The octets; what is left pending is as good as no answer here."""
    return None if isinstance(outcome, Pending) else outcome


def snapshot(directory: Path) -> Snapshot:
    """All the zones through the loader, and a few more."""
    (directory / "zones").mkdir(exist_ok=True)
    for name, text in FILES.items():
        path = directory / "zones" / name
        path.write_text(text)
        os.utime(path, (NOW_S, NOW_S))  # serials are made of it
    (directory / "splitdns.yaml").write_text(CONFIG)
    loaded = load(directory / "splitdns.yaml", previous=None, generation=1, now_s=NOW_S)
    assert list(loaded.faults) == [from_text("broken.example.")]
    views = {view: _with_more(view) for view in loaded.snapshot.views}
    prefixes = tuple((prefix, views[view]) for prefix, view in loaded.snapshot.prefixes)
    return replace(loaded.snapshot, views=tuple(views.values()), prefixes=prefixes)


def _with_more(view: View) -> View:
    """The view with more zones; an outside one with an address to hide that its own zones have."""
    hidden = view.hidden_addresses | ({bytes((198, 51, 100, 5))} if view.outside else set())
    return replace(view, zones=view.zones | _made(view), hidden_addresses=hidden)


def _made(view: View) -> dict[Qname, Zone]:
    """Zones that are as the loader makes them only while it waits for a source; and one of the root."""
    heard = zone("www IN A 192.0.2.90\n*.apps IN A 192.0.2.91\n", "waiting.example.")
    name = from_text("later.waiting.example.")
    later = Node(name, name, (RRset(name, Type.A, 60, ()), RRset(name, Type.TXT, 60, (b"\1x",))))
    waiting = replace(heard, block=pack([*heard.nodes(), later]), waiting=True)
    known = Zone(from_text("later.example."), pack(_renamed(node) for node in waiting.nodes()))
    made = {one.apex: one for one in (waiting, known)}
    if not view.recursion:
        root = zone("www.com IN A 192.0.2.99\n*.net IN A 192.0.2.98\ncom IN TXT text\n@ IN TXT text\n", ".")
        made[root.apex] = root
    return made


def _renamed(node: Node) -> Node:
    """A node of `waiting.example`, in `later.example`."""

    def other(name: bytes) -> bytes:
        return name.replace(b"\7waiting\7example", b"\5later\7example")

    rrsets = tuple(replace(rrset, owner=other(rrset.owner)) for rrset in node.rrsets)
    return replace(node, name=Qname(other(node.name)), owner=other(node.owner), rrsets=rrsets)


_TYPES = (*[1] * 5, *[28] * 3, 16, 16, 65, 15, 2, 5, 6, 12, 33, 43, 255, 64, 44, 257, 13, 29, 39, 17, 42, 45)
_RARE_TYPES = (0, 41, 46, 250, 251, 252, 253, 254, 300, 65280, 65535)
_HEADS = (*[b"\1\0"] * 3, b"\0\0", b"\1\x20", b"\1\x10", b"\1\x30", b"\0\x30", b"\0\x10")
_RARE_HEADS = (b"\5\0", b"\3\x80", b"\1\x40", b"\1\3", b"\x81\0", b"\x09\0", b"\x28\0")
_PAYLOADS = (0, 511, 512, 513, 600, 1220, 1231, 1232, 1233, 4096, 65535)
_LABELS = (b"www", b"*", b"x", b"_acme-challenge", b"db12", b"server", b"apps", b"a" * 63, b"\0", b"nas")
_NO_LABELS = (b"x" * 64, b"x" * 70, b"x" * 200)  # too long

_MORE_NAMES = (
    "www.example.net.", "whoami.example.org.", "forwarded.example.org.", "x.sub.example.org.",
    "x.apps.example.org.", "x.lab.example.org.", "x.b.hollow.example.org.", "x.nas.example.org.",
    "x.sub.cut.example.", "x.d.cut.example.", "db12.pattern.example.", "x.db1.pattern.example.",
    "server.pattern.example.", "x.apps.pattern.example.", "a.0.0.0.0.0.0.0." * 4 + "ip6.arpa.",
)  # fmt: skip


class Queries:
    """Random queries, valid and malformed, about the names of a snapshot and about others near them."""

    def __init__(self, of: Snapshot, chance: random.Random) -> None:
        self._chance = chance
        zones = [one for view in of.views for one in (*view.zones.values(), view.ptrs) if one is not None]
        names: dict[bytes, set[int]] = {bytes(from_text(name)): {1, 16} for name in _MORE_NAMES}
        for node in itertools.chain.from_iterable(one.nodes() for one in zones):
            names.setdefault(node.owner, set()).update(rrset.rdtype for rrset in node.rrsets)
        self._names = [(name, sorted(types)) for name, types in sorted(names.items())]
        self._ours = [one for one in self._names if not one[0].lower().endswith(b"\4arpa\0")]

    def __iter__(self) -> Iterator[tuple[bytes, str]]:
        """Queries, and who asks."""
        chance = self._chance
        while True:
            wire = self._query()
            if chance.random() < 0.08:
                wire = self._broken(wire)
            yield wire, chance.choice(CLIENTS[:4]) if chance.random() < 0.98 else CLIENTS[4]

    def _query(self) -> bytes:
        chance = self._chance
        head = chance.choice(_HEADS if chance.random() < 0.97 else _RARE_HEADS)
        name, types = chance.choice(self._ours if chance.random() < 0.9 else self._names)
        others = _TYPES if chance.random() < 0.95 else _RARE_TYPES
        rdtype = chance.choice(types if types and chance.random() < 0.5 else others)
        rdclass = 1 if chance.random() < 0.97 else chance.choice((0, 3, 4, 254, 255))
        opt = self._opt() if chance.random() < 0.7 else b""
        counts = b"\0\1\0\0\0\0\0" + (b"\1" if opt else b"\0")
        question = self._near(name) + rdtype.to_bytes(2, "big") + rdclass.to_bytes(2, "big")
        return chance.randbytes(2) + head + counts + question + opt

    def _near(self, name: bytes) -> bytes:
        """The name, or one above, beneath or beside it, in any spelling."""
        chance = self._chance
        while chance.random() < 0.35:
            if chance.random() < 0.4:
                name = name[1 + name[0] :]
            label = chance.choice(_LABELS if chance.random() < 0.95 else _NO_LABELS)
            name = bytes((len(label),)) + label + name if name else b"\0"
        if chance.random() < 0.3:
            name = bytes(octet ^ 32 * (64 < octet & 95 < 91 and chance.random() < 0.5) for octet in name)
        return name

    def _opt(self) -> bytes:
        chance = self._chance
        flags = 0x8000 if chance.random() < 0.3 else 0 if chance.random() < 0.95 else chance.randrange(65536)
        high = 0 if chance.random() < 0.97 else chance.randrange(65536)
        options = b""
        if chance.random() < 0.15:
            code = chance.choice((3, 8, 10, 10, 15, 65001))
            data = chance.randbytes(chance.choice((0, 8, 8, 16, 24)))
            options = code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        payload = chance.choice(_PAYLOADS)
        fixed = (41 << 48) + (payload << 32) + (high << 16) + flags
        return b"\0" + fixed.to_bytes(8, "big") + len(options).to_bytes(2, "big") + options

    def _broken(self, wire: bytes) -> bytes:
        chance = self._chance
        octets = bytearray(wire)
        match chance.randrange(5):
            case 0:
                for _ in range(chance.randrange(1, 4)):
                    octet = chance.choice((0, 1, 0x29, 0x40, 0x41, 0x5A, 0x61, 0xC0, chance.randrange(256)))
                    octets[chance.randrange(len(octets))] = octet
            case 1:
                del octets[chance.randrange(len(octets)) :]
            case 2:
                octets += chance.randbytes(chance.choice((1, 4, 11, 30, 300)))
            case 3:
                at = chance.randrange(len(octets))
                octets[at:at] = chance.randbytes(chance.choice((1, 2, 11)))
            case _:  # what ends like a query with an OPT, and is none
                octets += b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
                octets[11] = chance.choice((0, 1, 2))
        return bytes(octets)
