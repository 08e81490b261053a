"""Changes as lines for a pf.conf, of OpenBSD or FreeBSD; each says where it belongs, and is found by that.

What decides before all others is a quick rule at the top. But OpenBSD's ``match`` rules have to be met first,
for what they translate: so what is to be let through stands behind all rules, where it is the last word, and
only before a quick rule that would block it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import summarize_address_range

from splitdns.check.around import PROTOCOLS
from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.findings.rules import may_match
from splitdns.check.model import Drop, Gateway, Reject, Rule
from splitdns.check.sets import PORTS, Numbers, address_of, all_addresses, numbers_of
from splitdns.check.traffic import DNS_PORT
from splitdns.check.verdict import Packets

CONF = "/etc/pf.conf"
MARK = "# splitdns"
TRANSLATIONS, FIRST, LAST = "before all nat and rdr rules", "before all other rules", "behind all other rules"
LOAD = f"pfctl -f {CONF}"
UNDO = f"sed -i.bak '/{MARK}: /d' {CONF}"
_REPLIES = "# replies pass by states: take `no state` out of the rules by which these connections pass"
_FAMILIES = {4: "inet", 6: "inet6"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a pf.conf, and where it belongs."""

    words: str
    place: str

    def __str__(self) -> str:
        return f"{self.words}  {MARK}: {self.place}"


def written_openbsd(
    changes: Sequence[Change], gateway: Gateway, _earlier: Sequence[Change]
) -> tuple[list[str], list[str]]:
    """Lines of OpenBSD's pf.conf, and the command that loads them; and commands that take them out again."""
    return _written(changes, lambda change: _openbsd(change, gateway))


def written_freebsd(
    changes: Sequence[Change], _gateway: Gateway, _earlier: Sequence[Change]
) -> tuple[list[str], list[str]]:
    """Lines of FreeBSD's pf.conf, and the command that loads them; and commands that take them out again."""
    return _written(changes, _freebsd)


def _written(
    changes: Sequence[Change], lines: Callable[[Change], Iterator[_Line]]
) -> tuple[list[str], list[str]]:
    do: list[str] = []
    for change in changes:
        if isinstance(change, AdmitReplies):
            do.append(_REPLIES)
        do += [str(line) for line in lines(change)]
    made = [line for line in do if line != _REPLIES]
    if made:
        do.append(LOAD)
    return list(dict.fromkeys(do)), [UNDO, LOAD] if made else []


# --- OpenBSD ------------------------------------------------------------------------------------------------


def _openbsd(change: Change, gateway: Gateway) -> Iterator[_Line]:
    match change:
        case Forward():
            to = _to(change.address, change.protocol, change.port)
            yield _Line(f"pass in quick {to} rdr-to {_target(change)}", FIRST)
        case Hairpin():
            face = change.interface or "egress"
            to = _to(change.to, change.protocol, change.to_port, _from(change.family, change.clients))
            on = f"on {change.interface} " if change.interface else ""
            yield _Line(f"pass out quick {on}{to} nat-to ({face}:0)", FIRST)
        case Admit():
            to = _to(change.to, change.protocol, change.to_port)
            blocking = _blocking(change, gateway)
            if blocking is None:
                yield _Line(f"pass {change.chain} {to}", LAST)
            else:
                yield _Line(f"pass {change.chain} quick {to}", f"before line {blocking.origin.where.line}")
        case RedirectDns():
            yield _Line(f"pass in quick {_asked(change)} rdr-to {change.resolver}", FIRST)
        case SpareDns():
            yield _Line(f"pass in quick {_own_questions(change)}", FIRST)


def _blocking(change: Admit, gateway: Gateway) -> Rule | None:
    """The first quick rule of the chain that may block the service."""
    family = change.to.version
    packets = Packets(
        family,
        all_addresses(family),
        numbers_of(change.to),
        Numbers.one(PROTOCOLS[change.protocol]),
        PORTS,
        Numbers.of(change.to_port),
    )
    for chain in gateway.ruleset.chains:
        for rule in chain.rules if (chain.table, chain.name) == (change.table, change.chain) else ():
            is_quick = "quick" in rule.origin.text.split()
            if is_quick and isinstance(rule.action, Drop | Reject) and may_match(rule, packets):
                return rule
    return None


# --- FreeBSD ------------------------------------------------------------------------------------------------


def _freebsd(change: Change) -> Iterator[_Line]:
    match change:
        case Forward():
            to = _to(change.address, change.protocol, change.port, "any")
            yield _Line(f"rdr {to} -> {_target(change)}", TRANSLATIONS)
        case Hairpin():
            face = change.interface or "egress"
            to = _to(change.to, change.protocol, change.to_port, _from(change.family, change.clients))
            on = f"on {change.interface} " if change.interface else ""
            yield _Line(f"nat {on}{to} -> ({face}:0)", TRANSLATIONS)
        case Admit():
            to = _to(change.to, change.protocol, change.to_port, "any")
            yield _Line(f"pass {change.chain} quick {to}", FIRST)
        case RedirectDns():
            yield _Line(f"rdr {_asked(change)} -> {change.resolver}", TRANSLATIONS)
        case SpareDns():
            yield _Line(f"no rdr {_own_questions(change)}", TRANSLATIONS)


# --- Words --------------------------------------------------------------------------------------------------


def _to(address: object, protocol: str, port: tuple[int, int], source: str = "") -> str:
    family = "inet6" if ":" in str(address) else "inet"
    came = f" from {source}" if source else ""
    return f"{family} proto {protocol}{came} to {address} port {_ports(port)}"


def _target(change: Forward) -> str:
    if change.to_port == change.port:
        return str(change.to)
    first, last = change.to_port
    return f"{change.to} port {first}" + (":*" if last > first else "")


def _asked(change: RedirectDns) -> str:
    family = change.resolver.version
    source = _from(family, change.clients - numbers_of(change.resolver))
    match = f"on {change.interface} {_FAMILIES[family]} proto {change.protocol} from {source}"
    return f"{match} to !{change.resolver} port {DNS_PORT}"


def _own_questions(change: SpareDns) -> str:
    family = _FAMILIES[change.resolver.version]
    return f"{family} proto {change.protocol} from {change.resolver} to any port {DNS_PORT}"


def _ports(port: tuple[int, int]) -> str:
    return str(port[0]) if port[0] == port[1] else f"{port[0]}:{port[1]}"


def _from(family: int, numbers: Numbers) -> str:
    prefixes = [
        str(prefix)
        for low, high in numbers.ranges
        for prefix in summarize_address_range(address_of(family, low), address_of(family, high))
    ]
    return prefixes[0] if len(prefixes) == 1 else f"{{ {' '.join(prefixes)} }}"
