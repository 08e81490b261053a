"""What iptables asks of a connection: ``-m conntrack`` and ``-m state`` (iptables-extensions(8)).

A packet belongs to a connection, or to none: it is invalid, or not tracked. Of the latter nothing but their
state can be asked, and nothing else holds for them (xt_conntrack).
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.iptables_rule import Reader, Reading, not_modelled
from splitdns.check.dialects.iptables_values import addresses, other_ports, ports, protocols, without
from splitdns.check.dialects.iptables_words import Option, only_value
from splitdns.check.model import (
    AnyOf,
    Condition,
    Direction,
    Original,
    Protocols,
    Side,
    State,
    States,
    Translated,
)
from splitdns.check.sets import PROTOCOLS, all_addresses

# What belongs to a connection: of other packets, nothing holds that is asked of one, not even its negation.
TRACKED = States(frozenset({State.NEW, State.ESTABLISHED, State.RELATED}))

_STATES = {state.value.upper(): state for state in State}
_TRANSLATED = {"DNAT": Translated(Side.DESTINATION), "SNAT": Translated(Side.SOURCE)}


def _state(rule: Reading, option: Option) -> Sequence[Condition]:
    word = only_value(rule.line, option)
    names = word.text.upper().split(",")
    for name in names:
        if name not in _STATES and name not in _TRANSLATED:
            raise rule.line.wrong(word, "states of a connection like NEW,ESTABLISHED")
    states = frozenset(_STATES[name] for name in names if name in _STATES)
    translated = [_TRANSLATED[name] for name in names if name in _TRANSLATED]
    if not translated:
        return [States(frozenset(State) - states if option.negated else states)]
    alternatives: list[tuple[Condition, ...]] = [(States(states),)] if states else []
    return [AnyOf((*alternatives, *((one,) for one in translated)), option.negated)]


def _status(rule: Reading, option: Option) -> Sequence[Condition]:
    word = only_value(rule.line, option)
    if word.text.upper() == "SEEN_REPLY":  # from the reply itself on
        states = frozenset({State.ESTABLISHED})
        return [States(frozenset(State) - states if option.negated else states)]
    return [rule.unknown("conntrack --ctstatus", f"the status {word.text} is not modelled")]


def _connection_protocol(rule: Reading, option: Option) -> Sequence[Condition]:
    found = protocols(rule.line, only_value(rule.line, option))
    if found is None:
        return [rule.unknown(option.name, "the protocol's number is not known here")]
    return [Protocols(without(PROTOCOLS, found, option.negated))]


def _original_address(side: Side) -> Reader:
    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        found = addresses(rule.line, only_value(rule.line, option))
        if found is None:
            return [rule.unknown(option.name, "the name's addresses are not known here")]
        numbers = without(all_addresses(rule.line.family), found, option.negated)
        return [Original(side, addresses=numbers)]

    return read


def _original_port(side: Side) -> Reader:
    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        found = ports(rule.line, only_value(rule.line, option))
        if found is None:
            return [rule.unknown(option.name, "the service's port is not known here")]
        return [Original(side, ports=other_ports(found, option.negated))]

    return read


def of_connection(found: list[Condition], names: Sequence[str]) -> list[Condition]:
    """Beside its state, nothing is asked of packets that belong to no connection (xt_conntrack)."""
    if all(name == "--ctstate" for name in names):
        return found
    if "--ctstate" not in names:
        return [*found, TRACKED]
    state, others = found[names.index("--ctstate")], list(found)
    others.remove(state)
    stray = States(frozenset(State) - TRACKED.states)
    if isinstance(state, States) and not state.states & stray.states:
        return found
    return [AnyOf(((state, stray), (state, TRACKED, *others)))]


def _direction(rule: Reading, option: Option) -> Sequence[Condition]:
    word = only_value(rule.line, option)
    if word.text.upper() not in ("ORIGINAL", "REPLY"):
        raise rule.line.wrong(word, "ORIGINAL or REPLY")
    return [Direction((word.text.upper() == "REPLY") != option.negated)]


_OF_REPLIES = not_modelled("conntrack --ctrepl…", "the reply's addresses and ports are not modelled")

STATE: dict[str, Reader] = {"--state": _state}
CONNTRACK: dict[str, Reader] = {
    "--ctstate": _state,
    "--ctstatus": _status,
    "--ctproto": _connection_protocol,
    "--ctorigsrc": _original_address(Side.SOURCE),
    "--ctorigdst": _original_address(Side.DESTINATION),
    "--ctorigsrcport": _original_port(Side.SOURCE),
    "--ctorigdstport": _original_port(Side.DESTINATION),
    "--ctreplsrc": _OF_REPLIES,
    "--ctrepldst": _OF_REPLIES,
    "--ctreplsrcport": _OF_REPLIES,
    "--ctrepldstport": _OF_REPLIES,
    "--ctdir": _direction,
    "--ctexpire": not_modelled("conntrack --ctexpire", "how long a connection lives is not modelled"),
}
