"""Chains of rules: what the rules of a chain do to a flow, chains jumped to included.

Rules are tried in order and the first that holds acts; what falls off the end of a base chain meets the
chain's policy. A flow leaves in parts, each with its fate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import assert_never

from splitdns.check.conditions import Around, Budget
from splitdns.check.flows import Flow
from splitdns.check.rules import (
    Accept,
    Action,
    Chain,
    Drop,
    Goto,
    Hook,
    Jump,
    Masquerade,
    Netmap,
    Of,
    Opaque,
    Pass,
    Redirect,
    Reject,
    Return,
    SetMark,
    Side,
    State,
    Translate,
    Untrack,
)
from splitdns.check.sets import Numbers, shown_addresses
from splitdns.check.sieve import GIVEN_UP, NO_CLAUSE, Sieve
from splitdns.check.translation import TooWideError, masqueraded, netmapped, redirected, translated
from splitdns.check.verdict import Act

MAX_JUMPS = 16  # NFT_JUMP_STACK_SIZE of the kernel, which refuses deeper ones


class Fate(Enum):
    """What a chain does with packets."""

    ACCEPTED = "accepted"  # chains of later priority still see them
    BOUND = "bound"  # accepted, and translated
    RETURNED = "returned"  # no rule decided
    DROPPED = "dropped"
    REJECTED = "rejected"
    RESET = "reset"
    OPAQUE = "opaque"  # all that the rule may do besides
    GIVEN_UP = "given-up"  # the work limit was hit


Parts = Iterator[tuple[Fate, Flow]]


class Own:
    """What actions ask of the gateway: its own addresses as targets."""

    def redirect_targets(self, flow: Flow) -> Iterator[tuple[Flow, Numbers | None]]:
        """Parts of ``flow``, each with the address to which ``Redirect`` sends it."""
        raise NotImplementedError

    def masquerade_sources(self, flow: Flow) -> Iterator[tuple[Flow, Numbers | None]]:
        """Parts of ``flow``, each with the address that ``Masquerade`` gives it."""
        raise NotImplementedError


class Rules:
    """One chain, ready to be met by flows of one family."""

    def __init__(
        self, chain: Chain, table: Mapping[str, Rules], family: int, around: Around, budget: Budget
    ) -> None:
        """``table``: the chains that jumps name."""
        self.chain = chain
        self._table = table
        self._family = family
        # What has no effect is not tried.
        self._rules = [
            rule for rule in chain.rules if family in rule.families and not isinstance(rule.action, Pass)
        ]
        self._arguments = ([rule.conditions for rule in self._rules], around, budget)
        self._sieve: Sieve | None = None
        self._acts: dict[tuple[int, Hook], Act] = {}

    def meet(self, flow: Flow, hook: Hook, own: Own, above: tuple[Rules, ...] = ()) -> Parts:
        """``flow`` in parts, each with its fate; ``RETURNED`` at the end of the chain.

        ``above``: the chains that led here by jumps.
        """
        if self._sieve is None:
            self._sieve = Sieve(*self._arguments)
        work = [(flow, 0)]
        while work:
            some, start = work.pop()
            for at, part in self._sieve.first(some, start):
                if at == NO_CLAUSE:
                    yield Fate.RETURNED, part
                elif at == GIVEN_UP:
                    yield Fate.GIVEN_UP, part.unsure("a limit of the work was hit")
                else:
                    for fate, one in self._act(at, part, hook, own, above):
                        if fate is None:
                            work.append((one, at + 1))
                        else:
                            yield fate, one

    def _act(
        self, at: int, flow: Flow, hook: Hook, own: Own, above: tuple[Rules, ...]
    ) -> Iterator[tuple[Fate | None, Flow]]:
        """What rule ``at`` does; None: the next rule is tried."""
        action = self._rules[at].action
        match action:
            case Accept():
                yield Fate.ACCEPTED, self._acted(at, flow, hook)
            case Drop():
                yield Fate.DROPPED, self._acted(at, flow, hook)
            case Reject(reset):
                yield Fate.RESET if reset else Fate.REJECTED, self._acted(at, flow, hook)
            case Return():
                yield Fate.RETURNED, flow
            case Jump(name) | Goto(name):
                yield from self._jump(name, isinstance(action, Jump), flow, hook, own, above)
            case SetMark():
                yield None, _marked(flow, action)
            case Untrack():
                # A packet that has its connection already keeps it (nft_notrack_eval).
                untracked = flow._replace(state=State.UNTRACKED) if flow.state is State.INVALID else flow
                yield None, self._acted(at, untracked, hook)
            case Translate() | Masquerade() | Redirect() | Netmap():
                for fate, part in self._translate(action, flow, own):
                    yield fate, self._acted(at, part, hook)
            case Opaque(reason):
                unsure = self._acted(at, flow.unsure(reason), hook)
                yield Fate.OPAQUE, unsure
                yield Fate.ACCEPTED, unsure
                yield None, unsure
            case Pass():
                yield None, flow
            case _:
                assert_never(action)

    def _jump(
        self, name: str, returns: bool, flow: Flow, hook: Hook, own: Own, above: tuple[Rules, ...]
    ) -> Iterator[tuple[Fate | None, Flow]]:
        target = self._table.get(name)
        why = ""
        if target is None:
            why = f"there is no chain {name}"
        elif target is self or target in above:
            why = f"chain {name} jumps back to itself"
        elif len(above) >= MAX_JUMPS:
            why = f"jumps are deeper than {MAX_JUMPS}"
        if target is None or why:
            yield Fate.GIVEN_UP, flow.unsure(f"in table {self.chain.table}, {why}")
            return
        for fate, part in target.meet(flow, hook, own, (*above, self)):
            yield (None if returns and fate is Fate.RETURNED else fate), part

    def _translate(self, action: Action, flow: Flow, own: Own) -> Parts:
        """A translation of a connection's first packet, at one of its turns."""
        if flow.connection is None:  # only NAT chains, and chains jumped to from them, translate
            yield Fate.RETURNED, flow
            return
        try:
            parts: list[Flow] = []
            if isinstance(action, Translate):
                parts += translated(flow, action)
            elif isinstance(action, Netmap):
                parts += netmapped(flow, action)
            else:
                targets = own.redirect_targets if isinstance(action, Redirect) else own.masquerade_sources
                for part, address in targets(flow):
                    if address is None:
                        yield Fate.DROPPED, part
                    elif isinstance(action, Redirect):
                        parts += redirected(part, action, address)
                    elif isinstance(action, Masquerade):
                        parts += masqueraded(part, action, address)
        except TooWideError:
            yield Fate.GIVEN_UP, flow.unsure("a netmap of more networks than are followed")
        else:
            for part in parts:
                yield Fate.BOUND, part

    def _acted(self, at: int, flow: Flow, hook: Hook) -> Flow:
        act = self._acts.get((at, hook))
        if act is None:
            rule = self._rules[at]
            what = described(rule.action, self._family)
            act = self._acts[at, hook] = Act(hook, self.chain.table, self.chain.name, rule, what)
        return flow._replace(acts=(*flow.acts, act))


def _marked(flow: Flow, action: SetMark) -> Flow:
    connection = flow.tracked
    if connection is None and Of.CONNECTION in (action.of, action.copy_from):
        return flow
    value = action.value
    if action.copy_from is Of.PACKET:
        value = flow.mark & action.mask
    elif action.copy_from is Of.CONNECTION and connection is not None:
        value = connection.mark & action.mask
    if action.of is Of.PACKET:
        return flow._replace(mark=flow.mark & ~action.mask ^ value)
    assert connection is not None
    return flow._replace(connection=connection._replace(mark=connection.mark & ~action.mask ^ value))


def described(action: Action, family: int) -> str:
    """What ``action`` does, for a person."""
    match action:
        case Reject(reset):
            return "reject with a reset" if reset else "reject"
        case Translate(side, addresses, ports):
            to = "" if addresses is None else shown_addresses(family, addresses)
            to += "" if ports is None else f" port {_ports(ports.ranges)}"
            return f"{'snat' if side is Side.SOURCE else 'dnat'} to {to.strip()}"
        case Redirect(ports) | Masquerade(ports):
            return type(action).__name__.lower() + (f" to port {_ports(ports.ranges)}" if ports else "")
        case Netmap(side, prefix):
            return f"{'source' if side is Side.SOURCE else 'destination'} netmap to {prefix}"
        case Opaque(reason):
            return reason
        case Untrack():
            return "notrack"
        case _:
            return type(action).__name__.lower()


def _ports(ranges: Sequence[tuple[int, int]]) -> str:
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)

