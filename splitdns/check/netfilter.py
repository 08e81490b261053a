"""A packet's way through the gateway: netfilter's hooks, conntrack and routing, in the kernel's order.

Prerouting: raw (before −200), then conntrack gives the packet its connection, then mangle, then the NAT
chains; routing; input, or forward; postrouting. What the gateway sends itself passes output and postrouting,
and is routed again when output changed its destination or mark. NAT chains see a connection's first packet
only, all of a hook at one priority, −100 or 100, whatever their own is (nf_nat_inet_fn): theirs orders them
among themselves, and the first that binds is the last that is asked. Of base chains with equal priority the
one that was registered last comes first (nf_hook_entries_grow).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from splitdns.check.bridges import Bridges
from splitdns.check.chains import Fate, Rules
from splitdns.check.conditions import PORTED, Around, Budget, Parts
from splitdns.check.flows import Connection, Flow, merged
from splitdns.check.model import Gateway
from splitdns.check.rules import TCP, AnyOf, Chain, Hook, Priority, State
from splitdns.check.sets import Numbers
from splitdns.check.sieve import GIVEN_UP, NO_CLAUSE, Sieve
from splitdns.check.sources import Link, link, same
from splitdns.check.terrain import LOOPBACK, Terrain
from splitdns.check.translation import dst_turn, src_turn
from splitdns.check.verdict import Act

_LAST = 1 << 40  # a priority beyond all
NOT_FORWARDED = "the gateway does not forward"
_DESTINATIONS = (Hook.PREROUTING, Hook.OUTPUT)  # where NAT chains decide about destinations
_TURN = {Hook.PREROUTING: -100, Hook.OUTPUT: -100, Hook.INPUT: 100, Hook.POSTROUTING: 100}


class Sent(Enum):
    """Which packet of a connection it is: conntrack and TCP treat them differently."""

    FIRST = "first"  # a SYN, a datagram, a request
    ANSWER = "answer"  # to the first
    ERROR = "error"  # an ICMP message about the first
    LATER = "later"  # the client's next: TCP's ACK
    MORE = "more"  # the server's next


class End(Enum):
    """Why packets did not come through the gateway."""

    DROPPED = "dropped"
    REJECTED = "rejected"
    RESET = "reset"
    NO_ROUTE = "no-route"
    OPAQUE = "opaque"
    GIVEN_UP = "given-up"


class Exit(Enum):
    """How packets leave the gateway's rules."""

    INSIDE = "inside"  # for the gateway itself
    OUT = "out"
    BRIDGED = "bridged"  # as frames, by the interface by which they came


_ENDS = {
    Fate.DROPPED: End.DROPPED,
    Fate.REJECTED: End.REJECTED,
    Fate.RESET: End.RESET,
    Fate.OPAQUE: End.OPAQUE,
    Fate.GIVEN_UP: End.GIVEN_UP,
}

Ended = Callable[[Flow, End], None]
"""Told of the packets that do not come through."""


class Netfilter:
    """A gateway, ready for flows of one family."""

    def __init__(self, gateway: Gateway, family: int, budget: Budget) -> None:
        self.terrain = Terrain(gateway.network, family)
        self.bridges = Bridges(gateway, family)
        self._budget = budget
        self._sieves: dict[int, Sieve] = {}
        self._around = Around(self.terrain.type_numbers, self._any_of, self.terrain.way)
        self._hooks: dict[Hook, list[tuple[int, list[Rules]]]] = {hook: [] for hook in Hook}
        self._build([one for one in gateway.ruleset.chains if family in one.families], family)

    def _build(self, chains: list[Chain], family: int) -> None:
        tables: dict[tuple[str, bool], dict[str, Rules]] = {}
        steps: dict[Hook, list[tuple[int, int, Rules]]] = {hook: [] for hook in Hook}
        # The first NAT chain registers NAT at all of its hooks (nf_nat_register_fn).
        nat_at = max((-at for at, chain in enumerate(chains) if chain.is_nat), default=0)
        for at, chain in enumerate(chains):
            table = tables.setdefault((chain.table, chain.bridged), {})
            table[chain.name] = Rules(chain, table, family, self._around, self._budget)
            if chain.hook is not None and not chain.bridged:
                steps[chain.hook].append((chain.priority, -at, table[chain.name]))
        for hook, some in steps.items():
            some.sort(key=lambda step: step[:2])
            nat = [rules for _, _, rules in some if rules.chain.is_nat]
            whole = [(priority, at, [rules]) for priority, at, rules in some if not rules.chain.is_nat]
            if hook in _TURN:
                whole.append((_TURN[hook], nat_at, nat))
            whole.sort(key=lambda step: step[:2])
            self._hooks[hook] = [(priority, rules) for priority, _, rules in whole]

    def _any_of(self, condition: AnyOf, flow: Flow) -> Parts:
        sieve = self._sieves.get(id(condition))
        if sieve is None:
            sieve = self._sieves[id(condition)] = Sieve(condition.alternatives, self._around, self._budget)
        yes: list[Flow] = []
        no: list[Flow] = []
        for at, part in sieve.first(flow):
            if at == GIVEN_UP:
                part = part.unsure("a limit of the work was hit")
                yes.append(part)
            (no if at in (NO_CLAUSE, GIVEN_UP) else yes).append(part)
        return yes, no

    # --- The ways through -----------------------------------------------------------------------------------

    def enter(
        self, flow: Flow, came: Link, sent: Sent, ended: Ended, *, crosses: bool = False
    ) -> Iterator[tuple[Exit, Flow]]:
        """What came in by ``came``, in parts, and how each leaves.

        ``crosses``: they are frames from one port of a bridge to another, which rules see.
        """
        fresh = flow._replace(incoming=came, outgoing=None, via=None, state=State.INVALID, mark=0)
        flows = self._meet([fresh], Hook.PREROUTING, -_LAST, Priority.CONNTRACK, ended)
        flows = [tracked(one, sent) for one in flows]
        for one in self._meet(flows, Hook.PREROUTING, Priority.CONNTRACK, _LAST, ended):
            one = one.stopped("prerouting")
            if one.header.destination != flow.header.destination:
                yield from self._redirected(one, ended, crosses=crosses)
            elif crosses:
                yield from self._bridge(one._replace(outgoing=came), ended)
            else:
                yield from self._route(one, ended)

    def _redirected(self, flow: Flow, ended: Ended, *, crosses: bool) -> Iterator[tuple[Exit, Flow]]:
        """What has another destination now: somebody on the bridge by which it came gets it as a frame."""
        for part, kind in self.terrain.routed(flow):
            came, leaves = part.incoming or (), part.outgoing or ()
            sees = crosses or self.bridges.sees_frames(part, came[0][0] if came else "")
            is_back = kind == "unicast" and sees is not False
            back, other = part.split_who(same(came, leaves) if is_back else 0)
            if other is not None:
                yield from self._routed(other, kind, ended)
            if back is None:
                continue
            if sees is None:
                back = back.unsure(self.bridges.sysctl)
                yield from self._routed(back._replace(sees_frames=False), kind, ended)
                back = back._replace(sees_frames=True)
            for one in self._checked(back._replace(outgoing=came, redirected=True), ended):
                yield from self._bridge(one, ended)

    def _bridge(self, flow: Flow, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        flows = [part.stopped("forward") for part in self._meet([flow], Hook.FORWARD, -_LAST, _LAST, ended)]
        for one in self._meet(flows, Hook.POSTROUTING, -_LAST, _LAST, ended):
            yield Exit.BRIDGED, one.stopped("postrouting", "as a frame")

    def _route(self, flow: Flow, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        for part, kind in self.terrain.routed(flow):
            yield from self._routed(part, kind, ended)

    def _routed(self, flow: Flow, kind: str, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        if kind == "local":
            for one in self._checked(flow._replace(outgoing=None), ended):
                for part in self._meet([one], Hook.INPUT, -_LAST, _LAST, ended):
                    yield Exit.INSIDE, part.stopped("input")
        elif kind == "unicast" and self.terrain.forwards is not False:
            yield from self._forward(flow, ended)
        else:
            says = NOT_FORWARDED if kind == "unicast" else _why_nowhere(kind)
            ended(flow.stopped("routing", says), End.NO_ROUTE)

    def _forward(self, flow: Flow, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        if self.terrain.forwards is None:
            flow = flow.unsure("whether the gateway forwards is not known")
            ended(flow.stopped("routing", "it may not forward"), End.NO_ROUTE)
        flows = self._meet(self._checked(flow, ended), Hook.FORWARD, -_LAST, _LAST, ended)
        flows = [part.stopped("forward") for part in flows]
        for one in self._meet(flows, Hook.POSTROUTING, -_LAST, _LAST, ended):
            yield Exit.OUT, one.stopped("postrouting")

    def _checked(self, flow: Flow, ended: Ended) -> list[Flow]:
        if flow.incoming == link(LOOPBACK):
            return [flow]
        loops, rest = flow.split(flow.header.destination, self.terrain.loopback)
        if loops is not None:
            ended(loops.stopped("routing", "loopback is not for packets from outside"), End.DROPPED)
        if rest is None:
            return []
        passed, refused = self.terrain.source_check(rest)
        for one, why in refused:
            ended(one.stopped("routing", why), End.DROPPED)
        return passed

    def send(self, flow: Flow, sent: Sent, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        """What the gateway sends itself, in parts, and how each leaves; or comes back, by loopback."""
        fresh = flow._replace(incoming=None, outgoing=None, via=None, mark=0)
        if fresh.state is not State.RELATED:  # what answers for another packet shares its connection already
            fresh = fresh._replace(state=State.INVALID)
        for one, kind in self.terrain.routed(fresh):
            if kind not in ("local", "unicast"):
                ended(one.stopped("routing", _why_nowhere(kind)), End.NO_ROUTE)
                continue
            flows = self._meet([one], Hook.OUTPUT, -_LAST, Priority.CONNTRACK, ended)
            flows = [part if part.state is State.RELATED else tracked(part, sent) for part in flows]
            for part in self._meet(flows, Hook.OUTPUT, Priority.CONNTRACK, _LAST, ended):
                yield from self._leave(part.stopped("output"), one, kind, ended)

    def _leave(self, flow: Flow, before: Flow, kind: str, ended: Ended) -> Iterator[tuple[Exit, Flow]]:
        again: Iterable[tuple[Flow, str]] = [(flow, kind)]
        if flow.header.destination != before.header.destination or flow.mark:
            again = self.terrain.routed(flow)  # ip_route_me_harder
        for one, its_kind in again:
            if its_kind not in ("local", "unicast"):
                ended(one.stopped("routing", _why_nowhere(its_kind)), End.NO_ROUTE)
                continue
            for part in self._meet([one], Hook.POSTROUTING, -_LAST, _LAST, ended):
                part = part.stopped("postrouting")
                if its_kind == "unicast":
                    yield Exit.OUT, part
                else:
                    part = part._replace(incoming=link(LOOPBACK), outgoing=None)
                    for back in self._meet([part], Hook.PREROUTING, -_LAST, _LAST, ended):
                        yield from self._route(back.stopped("prerouting"), ended)

    # --- One hook -------------------------------------------------------------------------------------------

    def _meet(self, flows: list[Flow], hook: Hook, since: int, until: int, ended: Ended) -> list[Flow]:
        """Those that come through the base chains of ``hook`` from priority ``since`` to before ``until``."""
        for priority, chains in self._hooks[hook]:
            if not since <= priority < until or not flows:
                continue
            flows = [one for one in flows if self._budget.spend() or _given_up(one, ended)]
            if priority == _TURN.get(hook) and (not chains or chains[0].chain.is_nat):
                flows = [part for one in flows for part in self._nat(one, hook, chains, ended)]
            else:
                flows = [part for one in flows for _, part in self._chain(one, hook, chains[0], ended)]
            flows = merged(flows)
        return flows

    def _chain(self, flow: Flow, hook: Hook, rules: Rules, ended: Ended) -> Iterator[tuple[Fate, Flow]]:
        for fate, part in rules.meet(flow, hook, self.terrain):
            if fate is Fate.RETURNED and not rules.chain.accepts:
                policy = Act(hook, rules.chain.table, rules.chain.name, None, "drop")
                ended(part._replace(acts=(*part.acts, policy)).stopped(hook.value), End.DROPPED)
            elif fate in _ENDS:
                ended(part.stopped(hook.value), _ENDS[fate])
            else:
                yield fate, part

    def _nat(self, flow: Flow, hook: Hook, chains: list[Rules], ended: Ended) -> Iterator[Flow]:
        connection = flow.tracked
        if connection is None:
            yield flow
            return
        destination = hook in _DESTINATIONS
        if flow.state is not State.NEW:
            yield dst_turn(flow) if destination else src_turn(flow)
            return
        if connection.bound[0 if destination else 1]:
            yield flow
            return
        undecided = [flow]
        for rules in chains:
            after: list[Flow] = []
            for one in undecided:
                for fate, part in self._chain(one, hook, rules, ended):
                    if fate is Fate.BOUND:
                        yield _bound(part, destination)
                    else:
                        after.append(part)
            undecided = after
        for one in undecided:
            yield _bound(one, destination)


def _given_up(flow: Flow, ended: Ended) -> bool:
    ended(flow.unsure("a limit of the work was hit"), End.GIVEN_UP)
    return False


def _bound(flow: Flow, destination: bool) -> Flow:
    assert flow.connection is not None
    had = flow.connection.bound
    bound = (True, had[1]) if destination else (had[0], True)
    return flow._replace(connection=flow.connection._replace(bound=bound))


def tracked(flow: Flow, sent: Sent) -> Flow:
    """``flow`` as conntrack leaves it (nf_conntrack_in, and nf_conntrack_proto_tcp.c's table of states).

    A connection of which only the client's half passes never leaves SYN_SENT, so that the client's ACK is
    invalid; of one of which only the server's half passes, the SYN-ACK is invalid, and what follows is picked
    up as a new connection. A datagram starts a connection in either direction; an echo reply never does.
    """
    if flow.state is State.UNTRACKED:
        return flow
    if sent is Sent.ERROR:
        return flow._replace(state=State.RELATED) if flow.connection is not None else flow
    if flow.connection is not None:
        if sent in (Sent.ANSWER, Sent.MORE):
            replied = flow.connection._replace(replied=True)
            return flow._replace(state=State.ESTABLISHED, connection=replied)
        return flow._replace(state=State.ESTABLISHED if flow.connection.replied else State.INVALID)
    protocol = flow.of(flow.header.protocol)
    if sent is Sent.ANSWER and protocol & _ONLY_NEW_BY_REQUEST:
        return flow
    if sent is Sent.FIRST and flow.one_way:
        return flow
    made = Connection(flow.header, flow.header, bool(protocol & PORTED))
    return flow._replace(state=State.NEW, connection=made)


_ONLY_NEW_BY_REQUEST = Numbers.of((1, 1), (TCP, TCP), (58, 58))


def _why_nowhere(kind: str) -> str:
    return "no route to the destination" if kind == "unreachable" else f"routing says {kind}"
