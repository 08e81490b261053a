"""Rules of the model in few words, so that a table of them can be read and compared.

    ip; in wan; protocol 6; dport 443 -> dnat 192.168.1.20:8443
"""

from __future__ import annotations

from typing import assert_never

from splitdns.check.rules import (
    Accept,
    Action,
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    Drop,
    Goto,
    IcmpTypes,
    Interfaces,
    Jump,
    Mark,
    Masquerade,
    Netmap,
    Of,
    Opaque,
    Original,
    Pass,
    Ports,
    Protocols,
    Redirect,
    Reject,
    Return,
    ReversePath,
    Rule,
    SetMark,
    Side,
    States,
    TcpFlags,
    Translate,
    Translated,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers, shown_addresses

FAMILIES = {
    frozenset({4}): "ip; ",
    frozenset({6}): "ip6; ",
    frozenset({4, 6}): "",
    frozenset[int](): "never; ",
}
_ALL = 0xFFFF_FFFF


def spoken(rule: Rule) -> str:
    """``rule`` as one line."""
    conditions = "; ".join(condition(one, rule.families) for one in rule.conditions)
    done = action(rule.action, rule.families)
    return f"{FAMILIES[rule.families]}{conditions}{' ' if conditions else ''}-> {done}"


def numbers(some: Numbers) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in some.ranges) or "none"


def addresses(some: Numbers, families: frozenset[int]) -> str:
    family = 6 if families == {6} else 4
    return shown_addresses(family, some).replace(", ", ",") or "none"


def condition(one: Condition, families: frozenset[int]) -> str:
    match one:
        case Addresses(side, some):
            return f"{side} {addresses(some, families)}"
        case Protocols(some):
            return f"protocol {numbers(some)}"
        case Ports(side, some):
            return f"{'s' if side is Side.SOURCE else 'd'}port {numbers(some)}"
        case IcmpTypes(some):
            return f"icmp {numbers(some)}"
        case TcpFlags(mask, value, negated):
            return f"flags&{mask}{'!=' if negated else '='}{value}"
        case Interfaces(side, names, negated):
            way = "in" if side is Side.SOURCE else "out"
            return f"{way} {'not ' if negated else ''}{','.join(sorted(names))}"
        case AddressTypes(side, types, negated, interface):
            here = " here" if interface else ""
            return f"{side} type {'not ' if negated else ''}{','.join(sorted(types))}{here}"
        case States(states):
            return f"state {','.join(sorted(states))}"
        case Translated(side, expected):
            return f"{side} {'' if expected else 'not '}rewritten"
        case Original(side, some, ports):
            what = [addresses(some, families)] if some is not None else []
            return f"original {side} {' '.join([*what, *([numbers(ports)] if ports is not None else [])])}"
        case Direction(reply):
            return "reply" if reply else "not reply"
        case ReversePath(expected, loose, marked):
            way = f"{'any' if loose else 'same'}{' marked' if marked else ''}"
            return f"back {way}" if expected else f"not back {way}"
        case Mark(of, some, mask):
            return f"{_mark(of)}{'' if mask == _ALL else f'&{mask}'} {numbers(some)}"
        case AnyOf(alternatives, negated):
            inner = " | ".join("; ".join(condition(each, families) for each in some) for some in alternatives)
            return f"{'none' if negated else 'one'} of ({inner})"
        case Unknown():
            return "?"
        case _:
            assert_never(one)


def action(one: Action, families: frozenset[int]) -> str:
    match one:
        case Accept() | Drop() | Return() | Pass() | Untrack():
            return type(one).__name__.lower()
        case Reject(reset):
            return "reset" if reset else "reject"
        case Jump(chain) | Goto(chain):
            return f"{type(one).__name__.lower()} {chain}"
        case Translate(side, some, ports, _):
            to = "" if some is None else addresses(some, families)
            return f"{'s' if side is Side.SOURCE else 'd'}nat {to}{_to(ports)}"
        case Masquerade(ports):
            return f"masquerade{_to(ports)}"
        case Redirect(ports):
            return f"redirect{_to(ports)}"
        case Netmap(side, prefix):
            return f"{side} network {prefix}"
        case SetMark(of, value, mask, copy_from):
            if copy_from is not None:
                return f"{_mark(of)} := {_mark(copy_from)}{'' if mask == _ALL else f' & {mask}'}"
            return f"{_mark(of)} := {'' if mask == _ALL else f'{_mark(of)} & {_ALL & ~mask} ^ '}{value}"
        case Opaque():
            return "anything"
        case _:
            assert_never(one)


def _to(ports: Numbers | None) -> str:
    return "" if ports is None else f":{numbers(ports)}"


def _mark(of: Of) -> str:
    return "mark" if of is Of.PACKET else "ctmark"
