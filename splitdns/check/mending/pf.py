"""Changes as lines for a pf.conf, of OpenBSD or FreeBSD; each says where it belongs, and is found by that.

What decides before all others is a quick rule at the top. But OpenBSD's ``match`` rules have to be met first,
for what they translate: so what is to be let through stands behind all rules, where it is the last word, and
only before a quick rule that would block it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.spelling import ports_of, prefixes_of
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.traffic import DNS_PORT
from splitdns.value import value

CONF = "/etc/pf.conf"
MARK = "# splitdns"
TRANSLATIONS, FIRST, LAST = "before all nat and rdr rules", "before all other rules", "behind all other rules"
LOAD = f"pfctl -f {CONF}"
UNDO = f"sed -i.bak '/{MARK}: /d' {CONF}"
_REPLIES = "# replies pass by states: take `no state` out of the rules by which these connections pass"
_FAMILIES = {4: "inet", 6: "inet6"}


@value(frozen=True, slots=True)
class _Line:
    """A line of a pf.conf, and where it belongs."""

    words: str
    place: str

    def __str__(self) -> str:
        return f"{self.words}  {MARK}: {self.place}"


def written_openbsd(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Lines of OpenBSD's pf.conf, and the command that loads them; and commands that take them out again."""
    return _written(changes, _openbsd)


def written_freebsd(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
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


def _openbsd(change: Change) -> Iterator[_Line]:
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
            if change.dropped_by is None or "quick" not in change.dropped_by.text.split():
                yield _Line(f"pass {change.chain} {to}", LAST)
            else:
                line = change.dropped_by.where.line
                yield _Line(f"pass {change.chain} quick {to}", f"before line {line}")
        case RedirectDns():
            own = numbers_of(change.resolver)  # which never comes in, if it is the gateway's
            clients = change.clients | own if change.on_gateway else change.clients - own
            yield _Line(f"pass in quick {_asked(change, clients)} rdr-to {change.resolver}", FIRST)
        case SpareDns():
            yield _Line(f"pass in quick {_own_questions(change)}", FIRST)


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
            if int(change.resolver) in change.clients:
                yield _Line(f"no rdr {_own_questions(change)}", TRANSLATIONS)
            yield _Line(f"rdr {_asked(change, change.clients)} -> {change.resolver}", TRANSLATIONS)
        case SpareDns():
            yield _Line(f"no rdr {_own_questions(change)}", TRANSLATIONS)


# --- Words --------------------------------------------------------------------------------------------------


def _to(address: object, protocol: str, port: tuple[int, int], source: str = "") -> str:
    family = "inet6" if ":" in str(address) else "inet"
    came = f" from {source}" if source else ""
    return f"{family} proto {protocol}{came} to {address} port {ports_of(port, ':')}"


def _target(change: Forward) -> str:
    if change.to_port == change.port:
        return str(change.to)
    first, last = change.to_port
    return f"{change.to} port {first}" + (":*" if last > first else "")


def _asked(change: RedirectDns, clients: Numbers) -> str:
    family = change.resolver.version
    source = _from(family, clients)
    match = f"on {change.interface} {_FAMILIES[family]} proto {change.protocol} from {source}"
    return f"{match} to !{change.resolver} port {DNS_PORT}"


def _own_questions(change: RedirectDns | SpareDns) -> str:
    family = _FAMILIES[change.resolver.version]
    return f"{family} proto {change.protocol} from {change.resolver} to any port {DNS_PORT}"


def _from(family: int, numbers: Numbers) -> str:
    prefixes = prefixes_of(family, numbers)
    return prefixes[0] if len(prefixes) == 1 else f"{{ {' '.join(prefixes)} }}"
