"""Commands for a configuration of numbered rules, as VyOS and EdgeOS have it, while they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from splitdns.check.around import PROTOCOLS
from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, RedirectDns
from splitdns.check.mending.numbers import Asked, Numbering
from splitdns.check.mending.spelling import ports_of
from splitdns.check.model import Accept, Gateway, Pass, Rule, Side, Translate
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.traffic import DNS_PORT

COMMENT = "splitdns"
MAX_RULES = 100  # for one shifted range of ports, each of which needs a rule of its own
Lines = tuple[list[str], list[str]]
_RULE_SETS = ("name ", "ipv6-name ", "ipv4 ", "ipv6 ")


class Session:
    """What makes the changes, and what takes them back, the last first."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._numberings: dict[tuple[str, int, int], Numbering] = {}
        self.forget()

    def forget(self) -> None:
        """Keep the numbers that are taken, and not the lines that took them."""
        self._do: list[str] = []
        self._undo: list[str] = []

    def lines(self) -> Lines:
        """Both."""
        return self._do, self._undo

    def say(self, words: str) -> None:
        """To the person, in both."""
        self._do.append(f"# {words}")
        self._undo.insert(0, f"# {words}")

    def insert(
        self, path: str, words: list[str], asked: Asked, last: int, first: int = 1, usual: int = 10
    ) -> None:
        """A rule beneath ``path`` before all that could meet what is ``asked``."""
        rules = [rule for chain in self.gateway.ruleset.chains for rule in chain.rules]
        self._insert(path, words, [rule for rule in rules if asked.may_meet(rule)], last, first, usual)

    def accept(self, path: str, words: list[str], asked: Asked, last: int) -> None:
        """A rule of a rule set: what accepts too may come before it."""
        rules = [rule for chain in self.gateway.ruleset.chains for rule in chain.rules]
        blocking = [
            rule
            for rule in rules
            if asked.may_meet(rule) and not isinstance(rule.action, Accept | Pass)
        ]
        self._insert(path, words, blocking, last, 1, 10)

    def _insert(
        self, path: str, words: list[str], blocking: list[Rule], last: int, first: int, usual: int
    ) -> None:
        numbering = self._numbering(path, first, last, usual)
        number, moves = numbering.place(blocking)
        if moves:
            self._do += [f"rename {path} rule {old} to rule {new}" for old, new in moves]
            self._undo[:0] = [f"rename {path} rule {new} to rule {old}" for old, new in reversed(moves)]
        self._do.append(f"set {path} rule {number} description {COMMENT}")
        self._do += [f"set {path} rule {number} {one}" for one in words]
        self._undo.insert(0, f"delete {path} rule {number}")

    def _numbering(self, path: str, first: int, last: int, usual: int) -> Numbering:
        key = path, first, last
        if key not in self._numberings:
            numbering = Numbering(path, first, last, usual)
            for chain in self.gateway.ruleset.chains:
                numbering.know(chain.rules)
            self._numberings[key] = numbering
        return self._numberings[key]

    def is_led_elsewhere(self, path: str, change: Forward) -> bool:
        """Whether a rule beneath ``path`` could lead packets of a forward to another server or port."""
        asked = self.asked(change, change.port)
        to_ports = None if change.to_port == change.port else Numbers.of(change.to_port)
        meant = Translate(Side.DESTINATION, numbers_of(change.to), to_ports)
        rules = (rule for chain in self.gateway.ruleset.chains for rule in chain.rules)
        mine = (rule for rule in rules if rule.origin.text.startswith(f"{path} rule "))
        return any(
            isinstance(rule.action, Translate)
            and rule.action.side is Side.DESTINATION
            and rule.action != meant
            and asked.may_meet(rule)
            for rule in mine
        )

    def pairs(self, change: Forward) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """The ports outside and inside of each rule: a range that is shifted needs one for each port."""
        (low, high), (to, _) = change.port, change.to_port
        if change.port == change.to_port or low == high:
            yield change.port, change.to_port
        elif high - low < MAX_RULES:
            for number in range(low, high + 1):
                yield (number, number), (to + number - low, to + number - low)
        else:
            self.say(f"{low}-{high} cannot be shifted to {to} by one rule: give the server the same ports")

    def asked(self, change: Forward, port: tuple[int, int]) -> Asked:
        """The packets of a forward."""
        protocol = Numbers.one(PROTOCOLS[change.protocol])
        return Asked(change.address.version, numbers_of(change.address), protocol, Numbers.of(port))

    def asked_dns(self, change: RedirectDns) -> Asked:
        """DNS queries, to whomever they are sent."""
        protocol = Numbers.one(PROTOCOLS[change.protocol])
        return Asked(change.resolver.version, None, protocol, Numbers.one(DNS_PORT))



def in_session(
    changes: Sequence[Change],
    gateway: Gateway,
    earlier: Sequence[Change],
    write: Callable[[Session, Change], None],
) -> Lines:
    """What ``write`` makes of ``changes``, and what takes it back; ``earlier`` ones have their numbers."""
    session = Session(gateway)
    for change in earlier:
        write(session, change)
    session.forget()
    for change in changes:
        write(session, change)
    return session.lines()


def rule_set(session: Session, change: Admit | AdmitReplies, last: int) -> None:
    """An acceptance in the rule set that drops; where no rule set does, a person must decide."""
    path = f"firewall {change.chain}"
    if not change.chain.startswith(_RULE_SETS):
        what = "replies" if isinstance(change, AdmitReplies) else f"{change.protocol} to {change.to}"
        session.say(f"{change.chain} drops {what} without a rule set: give it one that accepts this")
        return
    if isinstance(change, AdmitReplies):
        is_old = change.chain.startswith(_RULE_SETS[:2])
        states = [f"state {state}{' enable' if is_old else ''}" for state in ("established", "related")]
        session.accept(path, ["action accept", *states], Asked(change.family, replies=True), last)
        return
    asked = Asked(
        change.to.version,
        numbers_of(change.to),
        Numbers.one(PROTOCOLS[change.protocol]),
        Numbers.of(change.to_port),
    )
    words = [
        "action accept",
        f"destination address {change.to}",
        f"destination port {ports_of(change.to_port)}",
        f"protocol {change.protocol}",
    ]
    session.accept(path, words, asked, last)
