"""A rule of the model in nft's words: what it asks of a packet, and what it does.

Everything that the model can say, nft can, but for what is not known (``Unknown``, ``Opaque``) and a few
forms that no gateway has been seen to use. Those raise ``UnsaidError`` with the reason: none is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from itertools import product

from splitdns.check import model
from splitdns.check.model import AnyOf, Condition, Of, Rule, Side
from splitdns.check.sets import PORTS, PROTOCOLS, Numbers, address_of, all_addresses

MAX_ELEMENTS = 4096  # of one set or map that is written
_IP = {4: "ip", 6: "ip6"}
_ICMP = {4: "icmp", 6: "icmpv6"}
_IP_SIDE = {Side.SOURCE: "saddr", Side.DESTINATION: "daddr"}
_PORT_SIDE = {Side.SOURCE: "sport", Side.DESTINATION: "dport"}
_NAME_SIDE = {Side.SOURCE: "iifname", Side.DESTINATION: "oifname"}
_MARK_OF = {Of.PACKET: "meta mark", Of.CONNECTION: "ct mark"}
_STATUS = {Side.SOURCE: 0x10, Side.DESTINATION: 0x20}  # IPS_SRC_NAT, IPS_DST_NAT
_FULL_MARK = 0xFFFF_FFFF

# What stands in a rule, and nothing can be where it stands: it never holds.
NEVER = "never"


class UnsaidError(Exception):
    """What cannot be loaded, and why."""


def alternatives(rule: Rule, family: int) -> Iterator[list[str]]:
    """The terms of ``rule`` for packets of ``family``, once for each way in which it may hold.

    Negated sets of tuples are not among them (``exceptions``).

    Raises:
        UnsaidError: what it asks is not known, or not to be said.
    """
    ways = [list(_ways(one, family)) for one in rule.conditions]
    for terms in product(*ways):
        words = [word for term in terms for word in term]
        if NEVER not in words:
            yield words


def exceptions(rule: Rule, family: int) -> list[list[str]]:
    """What must not hold, of its negated sets of tuples: the terms of each tuple."""
    found: list[list[str]] = []
    for one in rule.conditions:
        if isinstance(one, AnyOf) and one.negated:
            for inner in one.alternatives:
                part = Rule(inner, rule.action, rule.origin, rule.families)
                if exceptions(part, family):
                    raise UnsaidError("a negated set within a negated set")
                found += alternatives(part, family)
    return found


def is_of_family(rule: Rule) -> bool:
    """Whether it names addresses, or what only one family has."""
    return _names_addresses(rule.conditions) or isinstance(rule.action, model.Translate | model.Netmap)


def _names_addresses(conditions: Iterable[Condition]) -> bool:
    return any(
        isinstance(one, model.Addresses | model.Original | model.IcmpTypes)
        or (isinstance(one, AnyOf) and any(map(_names_addresses, one.alternatives)))
        for one in conditions
    )


# --- Conditions ---------------------------------------------------------------------------------------------


def _ways(condition: Condition, family: int) -> Iterator[list[str]]:
    """Each way to say it; any of them may hold."""
    match condition:
        case AnyOf(inner, False):
            if any(isinstance(part, AnyOf) and part.negated for one in inner for part in one):
                raise UnsaidError("a negated set within a set")
            for one in inner:
                for terms in product(*(list(_ways(part, family)) for part in one)):
                    yield [word for term in terms for word in term]
        case AnyOf():
            yield []  # told by ``exceptions``
        case model.Interfaces(side, names, False) if any(name.endswith("*") for name in names):
            for name in sorted(names):
                yield [f'{_NAME_SIDE[side]} "{_sound(name)}"']
        case _:
            yield _terms(condition, family)


def _terms(condition: Condition, family: int) -> list[str]:
    match condition:
        case model.Addresses(side, numbers):
            return _of_addresses(f"{_IP[family]} {_IP_SIDE[side]}", numbers, family)
        case model.Protocols(numbers):
            return [] if numbers == PROTOCOLS else _of_numbers("meta l4proto", numbers)
        case model.Ports(side, numbers):
            ported = _of_numbers("meta l4proto", Numbers.of(*((one, one) for one in model.WITH_PORTS)))
            return ported if numbers == PORTS else [*ported, *_of_numbers(f"th {_PORT_SIDE[side]}", numbers)]
        case model.IcmpTypes(numbers):
            return _of_numbers(f"{_ICMP[family]} type", numbers)
        case model.TcpFlags(mask, value, negated):
            return [f"tcp flags & {mask:#x} {'!=' if negated else '=='} {value:#x}"]
        case model.Interfaces(side, names, negated):
            quoted = [f'"{_sound(name)}"' for name in sorted(names)]
            if negated:
                return [f"{_NAME_SIDE[side]} != {name}" for name in quoted]
            return [f"{_NAME_SIDE[side]} {_set(quoted)}"] if quoted else [NEVER]
        case model.AddressTypes(side, types, negated, interface):
            near = " . iif" if interface else ""
            is_not = "!= " if negated else ""
            return [f"fib {_IP_SIDE[side]}{near} type {is_not}{_set(sorted(types))}"]
        case model.States(states):
            return [f"ct state {_set(sorted(states))}"] if states else [NEVER]
        case model.Translated(side, expected):
            return [f"ct status & {_STATUS[side]:#x} {'!=' if expected else '=='} 0"]
        case model.Original():
            return _of_original(condition, family)
        case model.Direction(reply):
            return [f"ct direction {'reply' if reply else 'original'}"]
        case model.ReversePath(expected, loose, marked):
            keys = " . ".join(["saddr", *(["mark"] if marked else []), *([] if loose else ["iif"])])
            return [f"fib {keys} oif {'exists' if expected else 'missing'}"]
        case model.Mark(of, numbers, mask):
            masked = "" if mask == _FULL_MARK else f" & {mask:#x}"
            return _of_numbers(f"{_MARK_OF[of]}{masked}", numbers)
        case model.Unknown(reason):
            raise UnsaidError(reason)
    raise UnsaidError(f"{type(condition).__name__} is not known here")


def _of_original(condition: model.Original, family: int) -> list[str]:
    side = condition.side
    terms = []
    if condition.addresses is not None:
        terms += _of_addresses(f"ct original {_IP[family]} {_IP_SIDE[side]}", condition.addresses, family)
    if condition.ports is not None:
        word = "proto-src" if side is Side.SOURCE else "proto-dst"
        terms += _of_numbers(f"ct original {word}", condition.ports)
    return terms


def _of_addresses(what: str, numbers: Numbers, family: int) -> list[str]:
    everything = all_addresses(family)
    numbers &= everything
    if numbers == everything:
        return []
    return [f"{what} {_set(_addresses(numbers, family))}"] if numbers else [NEVER]


def _of_numbers(what: str, numbers: Numbers) -> list[str]:
    return [f"{what} {_set(_ranges(numbers))}"] if numbers else [NEVER]


def _addresses(numbers: Numbers, family: int) -> Iterator[str]:
    for low, high in numbers.ranges:
        first, last = address_of(family, low), address_of(family, high)
        yield str(first) if low == high else f"{first}-{last}"


def _ranges(numbers: Numbers) -> Iterator[str]:
    return (str(low) if low == high else f"{low}-{high}" for low, high in numbers.ranges)


def _set(elements: Iterable[str]) -> str:
    known = list(elements)
    if len(known) > MAX_ELEMENTS:
        raise UnsaidError(f"a set of {len(known)} elements")
    return known[0] if len(known) == 1 else f"{{ {', '.join(known)} }}"


def _sound(name: str) -> str:
    if not name or len(name) > 15 or set(name) & set(' "/\\\n'):
        raise UnsaidError(f"an interface {name!r}, which Linux cannot have")
    return name


# --- Actions ------------------------------------------------------------------------------------------------


def action(rule: Rule, family: int, target: str) -> str:
    """What ``rule`` does to packets of ``family``; ``target`` is what the chain is called that it leads to.

    Raises:
        UnsaidError: what it does is not known, or not to be said.
    """
    match rule.action:
        case model.Accept() | model.Drop() | model.Return():
            return type(rule.action).__name__.lower()
        case model.Reject(reset):
            return "meta l4proto tcp reject with tcp reset" if reset else "reject"
        case model.Jump(chain) | model.Goto(chain):
            if not target:
                raise UnsaidError(f"a jump to {chain}, which is not there")
            return f"{type(rule.action).__name__.lower()} {target}"
        case model.Pass():
            return "counter"
        case model.Translate(side, addresses, ports, base):
            verb = "snat" if side is Side.SOURCE else "dnat"
            to = _target(addresses, family, bracketed=family == 6 and ports is not None)
            kind = f" {_IP[family]}" if to else ""
            return f"{verb}{kind} to {to}{_to_ports(ports, base)}"
        case model.Masquerade(ports):
            return f"masquerade{f' to {_to_ports(ports, None)}' if ports else ''}"
        case model.Redirect(ports, base):
            return f"redirect{f' to {_to_ports(ports, base)}' if ports else ''}"
        case model.Netmap():
            return _netmap(rule, rule.action, family)
        case model.SetMark():
            return _marks(rule.action)
        case model.Untrack():
            return "notrack"
        case model.Opaque(reason):
            raise UnsaidError(reason)
    raise UnsaidError(f"{type(rule.action).__name__} is not known here")


def _target(addresses: Numbers | None, family: int, *, bracketed: bool) -> str:
    if addresses is None:
        return ""
    if len(addresses.ranges) != 1:
        raise UnsaidError("a translation to several ranges of addresses")
    ends = next(_addresses(addresses, family)).split("-")
    return "-".join(f"[{one}]" if bracketed else one for one in ends)


def _to_ports(ports: Numbers | None, base: int | None) -> str:
    if ports is None:
        return ""
    if len(ports.ranges) != 1:
        raise UnsaidError("a translation to several ranges of ports")
    if base is None:
        return f":{next(_ranges(ports))}"
    if ports.size > MAX_ELEMENTS:
        raise UnsaidError(f"{ports.size} ports that are shifted")
    pairs = (f"{base + at} : {ports.first + at}" for at in range(ports.size))
    return f":th dport map {{ {', '.join(pairs)} }}"


def _netmap(rule: Rule, netmap: model.Netmap, family: int) -> str:
    """Each network that the rule is about becomes the other one."""
    addresses = (one for one in rule.conditions if isinstance(one, model.Addresses))
    at = next((one.numbers for one in addresses if one.side is netmap.side), None)
    if at is None:
        raise UnsaidError("a netmap of every address")
    length = netmap.prefix.prefixlen
    bits = netmap.prefix.max_prefixlen - length
    firsts = {number for low, high in at.ranges for number in range(low >> bits, (high >> bits) + 1)}
    networks = [ip_network((address_of(family, one << bits), length)) for one in sorted(firsts)]
    pairs = [f"{network} : {netmap.prefix}" for network in networks]
    verb = "snat" if netmap.side is Side.SOURCE else "dnat"
    key = f"{_IP[family]} {_IP_SIDE[netmap.side]}"
    return f"{verb} {_IP[family]} prefix to {key} map {{ {', '.join(pairs)} }}"


def _marks(one: model.SetMark) -> str:
    mark = _MARK_OF[one.of]
    if one.copy_from is not None:
        if one.mask != _FULL_MARK:
            raise UnsaidError("a part of one mark copied into another")
        return f"{mark} set {_MARK_OF[one.copy_from]}"
    kept = ~one.mask & _FULL_MARK
    if not kept:
        return f"{mark} set {one.value:#x}"
    return f"{mark} set {mark} & {kept:#x} ^ {one.value:#x}"
