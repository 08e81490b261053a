"""Zones that are likely to be answered differently: small, crowded, and full of corners.

A world is a handful of zones of one server that point at each other. Everything is drawn from one ``Random``,
so a seed makes a world again, and hypothesis, which can stand behind a ``Random``, can shrink one. Whatever
is drawn here loads in NSD and Knot: a zone that they refuse proves nothing about answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

MAX_HOPS = 5  # Knot follows no more CNAMEs than this; longer chains are tested on their own

# One-letter labels, so that names collide, cover and occlude each other often.
_LABELS = ("a", "b", "c", "d", "www", "mail", "_sip._tcp", "A.b", "xn--bcher-kva", r"do\.t", r"\000\255")
_LARGE_OCTETS = 300
_EXTERNAL = ("host.elsewhere.example.", "ns.elsewhere.example.", "example.com.")


@dataclass
class Zone:
    """A zone as it is drawn: owner, in absolute text, then type to TTL and rdata texts."""

    apex: str
    names: dict[str, dict[str, tuple[int, list[str]]]] = field(default_factory=dict)

    def add(self, owner: str, rdtype: str, ttl_s: int, rdatas: Sequence[str]) -> None:
        self.names.setdefault(owner, {})[rdtype] = (ttl_s, list(dict.fromkeys(rdatas)))

    def has(self, owner: str, rdtype: str) -> bool:
        return rdtype in self.names.get(owner, {})

    def folded(self) -> set[str]:
        return {owner.lower() for owner in self.names}

    def text(self) -> str:
        """The zone as a master file."""
        return "".join(
            f"{owner} {ttl_s} IN {rdtype} {rdata}\n"
            for owner, rrsets in self.names.items()
            for rdtype, (ttl_s, rdatas) in rrsets.items()
            for rdata in rdatas
        )


@dataclass(frozen=True)
class World:
    """Zones of one server that point at each other."""

    zones: tuple[Zone, ...]

    def owners(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(owner, tuple(rrsets)) for zone in self.zones for owner, rrsets in zone.names.items()]

    def large(self) -> list[tuple[str, str]]:
        """Names and types with many octets to answer."""
        return [
            (owner, rdtype)
            for zone in self.zones
            for owner, rrsets in zone.names.items()
            for rdtype, (_, rdatas) in rrsets.items()
            if sum(map(len, rdatas)) > _LARGE_OCTETS
        ]


def world(rng: Random, tag: str = "") -> World:
    """Two or three zones; ``tag`` keeps the apexes of several worlds apart."""
    one, two = f"one{tag}.test.", f"two{tag}.test."
    apexes = [one, two]
    if rng.random() < 0.4:
        apexes.append(f"sub.{one}")
    drawers = [_Drawer(rng, apex, apexes) for apex in apexes]
    for drawer in drawers:
        drawer.draw()
    return World(tuple(drawer.zone for drawer in drawers))


class _Drawer:
    def __init__(self, rng: Random, apex: str, apexes: list[str]) -> None:
        self.rng = rng
        self.zone = Zone(apex)
        self.apexes = apexes

    def draw(self) -> None:
        rng, zone = self.rng, self.zone
        apex = zone.apex
        if rng.random() < 0.1 and apex == self.apexes[1]:  # nothing of the others may lie beneath it
            self._bare_apex(with_dname=True)
            return
        self._bare_apex(with_dname=False)
        steps = (
            (self._addresses, 4),
            (self._plain, 5),
            (self._cname, 3),
            (self._chain, 1),
            (self._cut, 2),
            (self._dname, 1),
            (self._large, 2),
            (self._wildcard, 2),
        )
        kinds, weights = [step for step, _ in steps], [weight for _, weight in steps]
        for step in rng.choices(kinds, weights, k=rng.randint(3, 12)):
            step()
        for child in self.apexes:  # a zone beneath this one on the same server is delegated to
            if child != apex and child.endswith("." + apex) and self._is_free(child):
                zone.add(child, "NS", self._ttl_s(), [f"ns.{child}", self._target()])
                if rng.random() < 0.5:
                    zone.add(f"ns.{child}", "A", self._ttl_s(), [self._v4()])

    def _bare_apex(self, *, with_dname: bool) -> None:
        rng, zone = self.rng, self.zone
        apex = zone.apex
        minimum_s = rng.choice((0, 30, 300, 86400))
        soa = f"ns.{apex} Host\\.master.{apex} 7 3600 900 604800 {minimum_s}"
        zone.add(apex, "SOA", self._ttl_s(), [soa])
        if with_dname:
            zone.add(apex, "NS", self._ttl_s(), [rng.choice(_EXTERNAL)])
            zone.add(apex, "DNAME", self._ttl_s(), [rng.choice([*self.apexes, "a." + self.apexes[-1]])])
            return
        servers = [f"ns.{apex}"]
        if rng.random() < 0.5:
            servers.append(rng.choice(("Ns2." + apex, "ns." + self.apexes[0], _EXTERNAL[1])))
        zone.add(apex, "NS", self._ttl_s(), servers)
        zone.add(f"ns.{apex}", "A", self._ttl_s(), [self._v4()])
        if rng.random() < 0.5:
            zone.add(f"ns.{apex}", "AAAA", self._ttl_s(), [self._v6()])
        if rng.random() < 0.5:
            zone.add(apex, rng.choice(("MX", "A", "TXT", "HTTPS")), self._ttl_s(), [])
            self._fill(apex, next(iter(reversed(zone.names[apex]))))

    # --- steps: each adds one thing, or nothing where it would not load -----------------------------------

    def _addresses(self) -> None:
        if owner := self._owner():
            self.zone.add(owner, "A", self._ttl_s(), [self._v4() for _ in range(self.rng.randint(1, 3))])
            if self.rng.random() < 0.5:
                self.zone.add(owner, "AAAA", self._ttl_s(), [self._v6()])

    def _plain(self) -> None:
        if owner := self._owner():
            for rdtype in self.rng.sample(_PLAIN_TYPES, self.rng.randint(1, 3)):
                self._fill(owner, rdtype)

    def _large(self) -> None:
        if owner := self._owner():
            if self.rng.random() < 0.5:
                octets = self.rng.randint(30, 250)
                texts = [f'"{number:03}{"x" * octets}"' for number in range(self.rng.randint(2, 12))]
                self.zone.add(owner, "TXT", self._ttl_s(), texts)
            else:
                many = [self._v4() for _ in range(self.rng.randint(20, 90))]
                self.zone.add(owner, "A", self._ttl_s(), many)

    def _cname(self) -> None:
        owner = self._owner()
        if owner and owner not in self.zone.names:
            self.zone.add(owner, "CNAME", self._ttl_s(), [self._target()])

    def _chain(self) -> None:
        hops = self.rng.randint(2, MAX_HOPS)
        owners = [f"hop{number}.{self.zone.apex}" for number in range(hops)]
        if owners[0] in self.zone.names:
            return
        for owner, target in zip(owners, [*owners[1:], self._target()], strict=True):
            if self._is_free(owner):
                self.zone.add(owner, "CNAME", self._ttl_s(), [target])

    def _wildcard(self) -> None:
        parent = self.rng.choice(("", "a.", "b.", "c.b.", "ent.b.")) + self.zone.apex
        owner = "*." + parent
        if not self._is_free(owner) or owner in self.zone.names:
            return
        kind = self.rng.random()
        if kind < 0.3:
            self.zone.add(owner, "CNAME", self._ttl_s(), [self._target()])
        elif kind < 0.8:
            for rdtype in self.rng.sample(_PLAIN_TYPES, self.rng.randint(1, 2)):
                self._fill(owner, rdtype)
        elif kind < 0.85:  # undefined (RFC 4592 4.2), and both refer
            self.zone.add(owner, "NS", self._ttl_s(), [self.rng.choice(_EXTERNAL)])
        else:
            self.zone.add(f"beneath.{owner}", "A", self._ttl_s(), [self._v4()])

    def _dname(self) -> None:
        owner = self._owner()
        below = f".{owner}".lower() if owner else ""
        if not owner or owner in self.zone.names or "*" in owner:
            return
        if any(name.endswith(below) for name in self.zone.folded()) or any(
            apex.endswith(below) for apex in self.apexes
        ):
            return
        target = self._target()
        if not target.lower().endswith(below) and target.lower() != owner.lower():
            self.zone.add(owner, "DNAME", self._ttl_s(), [target])
            if self.rng.random() < 0.3:
                self._fill(owner, "TXT")

    def _cut(self) -> None:
        owner = self._owner()
        rng, zone = self.rng, self.zone
        if not owner or owner in zone.names or "*" in owner:
            return
        servers: list[str] = []
        many = rng.random() < 0.15  # so many that glue does not fit
        for number in range(rng.randint(10, 13) if many else rng.randint(1, 3)):
            where = rng.random() / (2 if many else 1)
            if where < 0.4:  # in-bailiwick, with or without glue
                server = f"ns{number}.{owner}"
                if rng.random() < 0.7 and self._is_free(server):
                    zone.add(server, "A", self._ttl_s(), [self._v4()])
                if rng.random() < 0.3 and self._is_free(server):
                    zone.add(server, "AAAA", self._ttl_s(), [self._v6()])
            elif where < 0.6:  # beneath another cut of this zone: sibling glue
                server = rng.choice((f"ns.{rng.choice(sorted(zone.names))}", f"ns0.a.{zone.apex}"))
            elif where < 0.8:
                server = self._target()
            else:
                server = rng.choice(_EXTERNAL)
            if len(server) < 200 and "*" not in server:
                servers.append(server)
        zone.add(owner, "NS", self._ttl_s(), servers or [_EXTERNAL[0]])
        if rng.random() < 0.3:
            digest = f"{rng.getrandbits(256):064X}"
            zone.add(owner, "DS", self._ttl_s(), [f"{rng.randint(1, 65535)} 13 2 {digest}"])
        occluded = f"{rng.choice(('a', 'b', 'www'))}.{owner}"
        if rng.random() < 0.3 and self._is_free(occluded):
            self._fill(occluded, rng.choice(("TXT", "A", "MX")))
        if rng.random() < 0.2:
            self._fill(owner, rng.choice(("TXT", "A")))

    # --- parts ---------------------------------------------------------------------------------------------

    def _fill(self, owner: str, rdtype: str) -> None:
        rdatas = [self._rdata(rdtype) for _ in range(self.rng.choice((1, 1, 2)))]
        self.zone.add(owner, rdtype, self._ttl_s(), rdatas)

    def _owner(self) -> str | None:
        """A name that may hold records: not beneath a DNAME, and without a CNAME or DNAME itself."""
        rng = self.rng
        labels = [rng.choice(_LABELS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
        if rng.random() < 0.1:
            labels[0] = labels[0].upper()
        owner = ".".join(labels) + "." + self.zone.apex
        if len(owner) > 200 or not self._is_free(owner):
            return None
        # One spelling of a name, so that the text stands for one owner.
        return next((name for name in self.zone.names if name.lower() == owner.lower()), owner)

    def _is_free(self, owner: str) -> bool:
        folded = owner.lower()
        for name, rrsets in self.zone.names.items():
            if "DNAME" in rrsets and (folded == name.lower() or folded.endswith("." + name.lower())):
                return False
            if "CNAME" in rrsets and folded == name.lower():
                return False
        return True

    def _target(self) -> str:
        rng = self.rng
        kind = rng.random()
        apex = rng.choice(self.apexes)
        if kind < 0.45 and self.zone.names:
            name = rng.choice(sorted(self.zone.names))
            return name.replace("*", rng.choice(("star", "x.y", "*")), 1)
        if kind < 0.85:
            return ".".join(rng.choice(_LABELS) for _ in range(rng.choice((1, 1, 2)))) + "." + apex
        if kind < 0.9:
            return apex
        return rng.choice(_EXTERNAL)

    def _ttl_s(self) -> int:
        return self.rng.choice((0, 60, 300, 3600, 86400))

    def _v4(self) -> str:
        return f"192.0.2.{self.rng.randint(1, 254)}"

    def _v6(self) -> str:
        return f"2001:db8::{self.rng.randint(1, 0xFFFF):x}"

    def _rdata(self, rdtype: str) -> str:
        number = self.rng.randint(1, 250)
        match rdtype:
            case "A":
                return self._v4()
            case "AAAA":
                return self._v6()
            case "MX" | "AFSDB" | "KX" | "RT":
                return f"{number} {self._target()}"
            case "TXT":
                return f'"text {number}" "More"'
            case "SRV":
                return f"{number} 5 5060 {self._target()}"
            case "PTR":
                return self._target()
            case "HTTPS" | "SVCB":
                alias = f"0 {self._target()}"
                return self.rng.choice((f"1 . alpn=h2,h3 port={number}", alias, "2 . alpn=h2"))
            case "CAA":
                return f'0 issue "ca{number}.example"'
            case "NAPTR":
                return f'{number} 10 "s" "SIP+D2U" "" {self._target()}'
            case "SSHFP":
                return f"4 2 {number:064x}"
            case "TLSA":
                return f"3 1 1 {number:064x}"
            case "HINFO":
                return f'"PC{number}" "Linux"'
            case "LOC":
                return f"52 22 {number % 60}.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m"
            case "URI":
                return f'{number} 1 "https://example.org/{number}"'
            case "TYPE65280":
                return f"\\# 4 {number:08x}"
            case "RP":
                return f"{self._target()} {self._target()}"
        raise AssertionError(rdtype)


_PLAIN_TYPES = (
    "A", "AAAA", "MX", "TXT", "SRV", "PTR", "HTTPS", "SVCB", "CAA", "NAPTR", "SSHFP", "TLSA", "HINFO", "LOC",
    "URI", "RP", "AFSDB", "KX", "TYPE65280",
)  # fmt: skip
