"""What a rule of nft looks at: a field of the packet, of its connection, of its way.

An expression (libnftables-json(5), EXPRESSIONS) becomes a ``Field``, which knows how its values are read and
what it means that it has one of them, or says that it is not modelled.
"""

from __future__ import annotations

from dataclasses import replace

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, Misshapen, mapping, only, shown, word
from splitdns.check.dialects.nftables_headers import FAMILY4, FAMILY6, ether_type, header, protocol_field
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    BOTH,
    NEVER,
    Absent,
    AnyField,
    Chance,
    Field,
    InterfaceName,
    PathBack,
    Status,
    Terms,
    Unmodelled,
    nothing,
    of_protocol,
)
from splitdns.check.rules import (
    AddressTypes,
    Condition,
    Direction,
    Interfaces,
    Mark,
    Of,
    Original,
    Side,
    State,
    States,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers


def field(expression: Json) -> AnyField:
    """What ``expression``, the left side of a match or a map's key, looks at; not a concatenation.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    what, body = only(expression, "an expression")
    match what:
        case "payload":
            return header(mapping(body, what))
        case "meta":
            return _meta(word(mapping(body, what).get("key"), "a key of meta"))
        case "ct":
            return _ct(mapping(body, what))
        case "fib":
            return _fib(mapping(body, what))
        case "&":
            return _masked(body)
        case "numgen" | "jhash" | "symhash":
            return _chance(what, mapping(body, what))
        case "exthdr":
            return Absent(FAMILY6)
        case "ip option":
            return Absent(FAMILY4)
        case "tcp option" | "sctp chunk" | "dccp option":
            protocol = what.partition(" ")[0]
            name = mapping(body, what).get("name", mapping(body, what).get("type", ""))
            return Unmodelled(f"{what} {name}", of_protocol(values.PROTOCOLS_BY_NAME[protocol]))
        case "socket" | "osf" | "rt" | "ipsec" | "xfrm" | "tunnel":
            return Unmodelled(f"{what} {mapping(body, what).get('key', '')}".strip())
        case "|" | "^" | "<<" | ">>":
            return Unmodelled(f"the operator {what}")
    return Unmodelled(what, known=False)


# --- Meta data ----------------------------------------------------------------------------------------------

# Known only of what the gateway itself sends: of other packets a rule that asks for it does not match.
_OF_SOCKETS = frozenset({"skuid", "skgid", "cgroup"})
_OF_PACKETS = frozenset(
    {
        "length", "priority", "random", "nftrace", "rtclassid", "cpu", "secmark", "secpath", "ipsec",
        "iiftype", "oiftype", "iifgroup", "oifgroup", "iifkind", "oifkind", "sdif", "sdifname",
        "ibriport", "obriport", "ibridgename", "obridgename", "ibrname", "obrname", "ibrpvid", "ibrvproto",
        "ibrhwaddr", "broute", "time", "day", "hour",
    }
)  # fmt: skip
_PACKET_TYPES = {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3}


def _meta(key: str) -> AnyField:
    match key:
        case "iifname" | "iif":
            return InterfaceName(Side.SOURCE)
        case "oifname" | "oif":
            return InterfaceName(Side.DESTINATION)
        case "l4proto":
            return protocol_field("meta l4proto", ALWAYS)
        case "nfproto":
            return _nfproto("meta nfproto")
        case "protocol":
            return ether_type("meta protocol")
        case "mark":
            return _mark("meta mark", Of.PACKET, 0xFFFF_FFFF)
        case "pkttype":
            return Field("meta pkttype", "pkttype", 8, values.named(_PACKET_TYPES, 8), _packet_type)
    if key in _OF_SOCKETS:
        own = Interfaces(Side.SOURCE, frozenset({"*"}), negated=True)
        return Unmodelled(f"meta {key}", Terms(BOTH, (own,)))
    return Unmodelled(f"meta {key}", known=key in _OF_PACKETS)


def _nfproto(name: str) -> Field:
    def families(numbers: Numbers) -> frozenset[int]:
        return frozenset(f for f, one in ((4, "ipv4"), (6, "ipv6")) if values.NFPROTO[one] in numbers)

    return Field(name, "nfproto", 8, values.named(values.NFPROTO, 8), nothing, families=families)


def _mark(name: str, of: Of, mask: int) -> Field:
    return Field(
        name,
        "mark",
        32,
        values.named({}, 32),
        lambda numbers: (Mark(of, numbers, mask),),
        masked=lambda other: _mark(name, of, mask & other),
    )


def _packet_type(numbers: Numbers) -> tuple[Condition, ...]:
    """How the link delivered it, by what its destination is."""
    kinds = {number for number in range(3) if number in numbers}
    special = {1: "broadcast", 2: "multicast"}
    if 0 in kinds:
        others = frozenset(name for number, name in special.items() if number not in kinds)
        return (AddressTypes(Side.DESTINATION, others, negated=True),) if others else ()
    types = frozenset(special[number] for number in kinds)
    return (AddressTypes(Side.DESTINATION, types),) if types else (NEVER,)


# --- Connections --------------------------------------------------------------------------------------------

_TRACKED = Terms(BOTH, (States(frozenset({State.NEW, State.ESTABLISHED, State.RELATED})),))
_STATES = {state.value: number for number, state in enumerate(State)}
_OF_CONNECTIONS = frozenset(
    {
        "expiration", "helper", "label", "id", "zone", "bytes", "packets", "avgpkt", "event", "secmark",
        "saddr", "daddr", "ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr", "proto-src", "proto-dst", "count",
    }
)  # fmt: skip


def _ct(body: dict[str, Json]) -> AnyField:
    key = word(body.get("key"), "a key of ct")
    direction = body.get("dir")
    match key:
        case "state":
            return Field("ct state", "state", 3, _state, _states, are_flags=True)
        case "status":
            return Status()
        case "mark":
            return _mark("ct mark", Of.CONNECTION, 0xFFFF_FFFF)
        case "direction":
            scalar = values.named({"original": 0, "reply": 1}, 8)
            return Field("ct direction", "direction", 8, scalar, _direction)
        case "l3proto":
            return replace(_nfproto("ct l3proto"), basis=_TRACKED)
        case "protocol":
            return protocol_field("ct protocol", _TRACKED)
    if direction == "original":
        side = Side.SOURCE if key.endswith(("saddr", "proto-src")) else Side.DESTINATION
        if key in ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr"):
            return _original_address(4 if key.startswith("ip ") else 6, side)
        if key in ("proto-src", "proto-dst"):
            return _original_port(side)
    named = f"ct {direction} {key}" if direction is not None else f"ct {key}"
    return Unmodelled(named, known=key in _OF_CONNECTIONS)


def _state(value: Json) -> int | None:
    return _STATES.get(value) if isinstance(value, str) else None


def _states(numbers: Numbers) -> tuple[Condition, ...]:
    return (States(frozenset(state for number, state in enumerate(State) if number in numbers)),)


def _direction(numbers: Numbers) -> tuple[Condition, ...]:
    either = (0 in numbers, 1 in numbers)
    if either == (True, True):
        return ()
    return (NEVER,) if either == (False, False) else (Direction(reply=either[1]),)


def _original_address(family: int, side: Side) -> Field:
    return Field(
        f"ct original {'ip' if family == 4 else 'ip6'} {'saddr' if side is Side.SOURCE else 'daddr'}",
        f"address{family}",
        32 if family == 4 else 128,
        values.address4 if family == 4 else values.address6,
        lambda numbers: (Original(side, addresses=numbers),),
        Terms(frozenset({family})),
    )


def _original_port(side: Side) -> Field:
    name = f"ct original {'proto-src' if side is Side.SOURCE else 'proto-dst'}"
    return Field(name, "port", 16, values.named({}, 16), lambda numbers: (Original(side, ports=numbers),))


def status_condition(bit: int, *, expected: bool = True) -> tuple[Condition, ...]:
    """What it means that ``bit`` of ``ct status`` is set, or is not; without a connection neither holds."""
    match bit:
        case 16:
            return (Translated(Side.SOURCE, expected),)
        case 32:
            return (Translated(Side.DESTINATION, expected),)
        case 2 | 4 if expected:  # seen-reply, assured: never of a connection's first packet
            return (States(frozenset({State.ESTABLISHED})), Unknown("how far a connection has come"))
    names = [name for name, number in values.STATUS_BITS.items() if number == bit]
    return (Unknown(f"ct status {names[0] if names else hex(bit)}"),)


# --- Routing, chance, masks ---------------------------------------------------------------------------------

_TYPES = {
    "unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6,
    "unreachable": 7, "prohibit": 8,
}  # fmt: skip


def _fib(body: dict[str, Json]) -> AnyField:
    result = word(body.get("result"), "the result of fib")
    flags = body.get("flags")
    asked = {word(flag, "a flag of fib") for flag in (flags if isinstance(flags, list) else [flags])}
    if result == "type" and not asked & {"oif"}:
        side = Side.SOURCE if "saddr" in asked else Side.DESTINATION
        here = "iif" in asked

        def meaning(numbers: Numbers) -> tuple[Condition, ...]:
            types = frozenset(name for name, number in _TYPES.items() if number in numbers)
            others = frozenset(_TYPES) - types
            if len(others) < len(types):
                return (AddressTypes(side, others, negated=True, interface=here),)
            return (AddressTypes(side, types, interface=here),)

        return Field("fib type", "fib type", 8, values.named(_TYPES, 8), meaning)
    if result in ("oif", "oifname", "check") and "saddr" in asked and asked <= {"saddr", "iif", "mark"}:
        return PathBack("iif" not in asked, "mark" in asked)
    return Unmodelled(f"fib {' . '.join(sorted(asked))} {result}")


def _chance(what: str, body: dict[str, Json]) -> AnyField:
    offset, count = body.get("offset", 0), body.get("mod")
    if not isinstance(offset, int) or not isinstance(count, int) or count < 1 or offset < 0:
        raise Misshapen(f"expected {what} with a modulus, found {shown(body)}")
    return Chance(f"{what} mod {count}", offset, count)


def _masked(body: Json) -> AnyField:
    if not isinstance(body, list) or len(body) != 2:
        raise Misshapen(f"expected two operands of &, found {shown(body)}")
    inner = field(body[0])
    if isinstance(inner, Status):
        mask = values.flags(values.STATUS_BITS, 32)(body[1])
        return inner if mask is None else Status(mask)
    if not isinstance(inner, Field):
        return inner
    mask = inner.scalar(body[1])
    if mask is None or inner.families is not None:
        return Unmodelled(f"{inner.name} under a mask", inner.basis)
    if inner.masked is not None:
        return inner.masked(mask)
    if inner.kind == "state":
        return Unmodelled(f"{inner.name} under a mask", inner.basis)

    def meaning(numbers: Numbers) -> tuple[Condition, ...]:
        whole = values.unmasked(numbers, mask, inner.bits)
        if whole is None:
            return (Unknown(f"{inner.name} under a mask of many pieces"),)
        return inner.meaning(whole)

    return Field(inner.name, inner.kind, inner.bits, inner.scalar, meaning, inner.basis)
