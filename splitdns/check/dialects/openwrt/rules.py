"""``config rule`` and ``config forwarding`` as rules of fw4's chains.

Which chain a rule stands in follows from the zones that it names: ``src`` and ``dest`` the forward chain of
``src``, ``src`` alone its input chain, ``dest`` alone its output chain (fw4.uc, ``parse_rule``). Rules come
before forwardings, whatever their order in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitdns.check.dialects.openwrt.matching import (
    Asked,
    Known,
    Reference,
    asked,
    by_device,
    families_of,
    of_addresses,
    of_ends,
    of_protocol,
)
from splitdns.check.dialects.openwrt.options import LeftOutError, Options
from splitdns.check.dialects.openwrt.values import (
    BOTH,
    IcmpKind,
    PortRange,
    Protocol,
    Subnet,
    family,
    icmp_kind,
    mark,
    negatable,
    one_of,
    port,
    ports,
    rule_target,
    subnets,
)
from splitdns.check.dialects.openwrt.zones import Zone
from splitdns.check.model import (
    ICMP,
    ICMP6,
    Accept,
    Action,
    Condition,
    Drop,
    IcmpTypes,
    Interfaces,
    Jump,
    Of,
    Pass,
    Protocols,
    Rule,
    SetMark,
    Side,
    Support,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from splitdns.value import value

REJECT = "handle_reject"
_direction = one_of("in", "out", "ingress", "egress")
_ICMP_NUMBER = {4: ICMP, 6: ICMP6}
_CODE_ZERO = {4: {0, 4, 8, 9, 10, 13, 14, 15, 16, 17, 18}, 6: {2, *range(128, 138)}}  # types with code 0 only


@value(frozen=True, slots=True)
class Placed:
    """A rule and the chain that it stands in."""

    chain: str
    rule: Rule


@value(frozen=True, slots=True)
class _Filter:
    """A ``rule`` section while it is written."""

    options: Options
    asked: Asked
    src: Reference | None
    dest: Reference | None
    target: str | None
    sources: tuple[Subnet, ...]
    destinations: tuple[Subnet, ...]
    source_ports: tuple[PortRange, ...]
    ports: tuple[PortRange, ...]
    kinds: tuple[IcmpKind, ...]
    device: tuple[Condition, ...]  # and what else it asks for itself
    marks: SetMark | None


def read_rule(options: Options, known: Known) -> Iterator[Placed]:
    """The rules of one ``rule`` section.

    Raises:
        LeftOutError: fw4 leaves it out.
    """
    one = _read(options, known)
    if one.target is None:
        options.note(Support.IGNORED, "rule", "it has no target: it only counts")
        return
    chain = _chain_of(one)
    action = _action(one)
    limit: tuple[Condition, ...] = ()
    if one.asked.limited and one.target == "accept":
        options.note(Support.IGNORED, "option limit", "taken as not reached: one connection is asked about")
    elif one.asked.limited:
        options.note(Support.WIDENED, "option limit", "which packets it meets is not known")
        limit = (Unknown("a limit"),)
    for protocol in one.asked.protocols:
        for families, conditions in _conditions(one, protocol):
            whole = (*conditions, *one.asked.in_set(protocol), *one.asked.others, *one.device, *limit)
            yield Placed(chain, Rule(whole, action, options.origin, families))


def _read(options: Options, known: Known) -> _Filter:
    read_subnets = subnets(known.networks)
    options.one("name", str)
    src = options.one("src", known.reference)
    dest = options.one("dest", known.reference)
    target = options.one("target", rule_target)
    found = _Filter(
        options,
        asked(options, known, "tcpudp"),
        src,
        dest,
        target,
        tuple(one for some in options.several("src_ip", read_subnets) for one in some),
        tuple(one for some in options.several("dest_ip", read_subnets) for one in some),
        options.several("src_port", port),
        options.several("dest_port", port),
        options.several("icmp_type", icmp_kind),
        tuple(_device(options)),
        _marks(options),
    )
    if target in ("helper", "notrack") and (src is None or src.zone is None):
        raise LeftOutError(f"target {target} needs a zone as src")
    if target == "mark" and found.marks is None:
        raise LeftOutError("target mark needs set_mark or set_xmark")
    options.ignore(("set_helper", "set_dscp"), "it does not change where a packet goes")
    if options.widen(("dscp",), "the class of service is not followed"):
        found = replace(found, device=(*found.device, Unknown("the class of service")))
    options.rest()
    return found


def _device(options: Options) -> Iterator[Condition]:
    name = options.one("device", negatable)
    direction = options.one("direction", _direction)
    if name is None:
        return
    if name.negated or name.text == "*":
        raise LeftOutError(f"option device: expected the name of a device, found {name.text!r:.60}")
    yield by_device(Side.DESTINATION if direction in ("out", "egress") else Side.SOURCE, name.text)


def _marks(options: Options) -> SetMark | None:
    """``set_mark`` puts bits into the mask as well (fw4.uc), ``set_xmark`` flips those outside of it."""
    found = options.one("set_mark", mark)
    if found is not None:
        value, mask, _ = found
        return SetMark(Of.PACKET, value, mask | value)
    found = options.one("set_xmark", mark)
    return None if found is None else SetMark(Of.PACKET, found[0], found[1])


def _chain_of(one: _Filter) -> str:
    """See the module; marks stand in the mangle chains, untracked packets in a chain of their own."""
    src, dest = one.src, one.dest
    if one.target == "notrack":
        assert src is not None
        assert src.zone is not None
        return f"notrack_{src.zone.name}"
    if one.target in ("mark", "dscp", "helper"):
        return _mangling(src, dest)
    if src is not None:
        hook = "forward" if dest is not None else "input"
        return hook if src.zone is None else f"{hook}_{src.zone.name}"
    if dest is not None and dest.zone is not None:
        return f"output_{dest.zone.name}"
    return "output"


def _mangling(src: Reference | None, dest: Reference | None) -> str:
    if src is not None and dest is not None and (src.zone is None) == (dest.zone is None):
        return "mangle_forward"
    if src is not None and dest is not None:
        return "mangle_postrouting" if src.zone is None else "mangle_prerouting"
    return "mangle_input" if src is not None else "mangle_output"


def _action(one: _Filter) -> Action:
    to = one.dest.zone if one.dest is not None else None
    match one.target:
        case "accept" | "drop" | "reject" if to is not None:
            return Jump(f"{one.target}_to_{to.name}")
        case "accept":
            return Accept()
        case "drop":
            return Drop()
        case "reject":
            return Jump(REJECT)
        case "notrack":
            return Untrack()
        case "mark" if one.marks is not None:
            return one.marks
        case "dnat" | "snat":
            raise LeftOutError(f"target {one.target} is not for rules")
    return Pass()


def _conditions(
    one: _Filter, protocol: Protocol
) -> Iterator[tuple[frozenset[int], tuple[Condition, ...]]]:
    """For each family in which the section means something else, or for both at once."""
    families = families_of(
        one.asked.families,
        frozenset({6}) if protocol.number == ICMP6 else BOTH,
        of_addresses(one.sources, one.destinations),
        one.asked.set_families(),
        *(end.zone.families for end in (one.src, one.dest) if end is not None and end.zone is not None),
    )
    kinds = one.kinds if protocol.number in (ICMP, ICMP6) else ()
    if kinds:
        families &= frozenset(version for kind in kinds for version in kind.types) or families
    apart = bool(one.sources or one.destinations or kinds)
    for group in ([frozenset({version}) for version in sorted(families)] if apart else [families]):
        conditions: list[Condition] = [*_marked_ends(one)]
        if protocol.has_ports:
            conditions += ports(Side.SOURCE, one.source_ports) + ports(Side.DESTINATION, one.ports)
        if apart:
            (version,) = group
            conditions += of_ends(version, one.sources, one.destinations)
        if kinds:
            found = _of_kinds(one.options, kinds, min(group), accepts=one.target == "accept")
            yield from ((group, (*conditions, *kind)) for kind in found)
        else:
            yield group, (*of_protocol(protocol, group), *conditions)


def _marked_ends(one: _Filter) -> Iterator[Condition]:
    """In mangle chains, zones are devices of the rule itself."""
    if one.target not in ("mark", "dscp"):
        return
    for side, end in ((Side.SOURCE, one.src), (Side.DESTINATION, one.dest)):
        names = _devices(end.zone) if end is not None and end.zone is not None else frozenset()
        if names:
            yield Interfaces(side, names)


def _devices(zone: Zone) -> frozenset[str]:
    return frozenset(name for _, names, _, _ in zone.matches for name in names)


def _of_kinds(
    options: Options, kinds: tuple[IcmpKind, ...], version: int, *, accepts: bool
) -> Iterator[tuple[Condition, ...]]:
    """Types of which every code is meant, and those with a code, which is not followed.

    What is accepted is taken to have it: nothing is called closed that is admitted.
    """
    protocol = Protocols(Numbers.one(_ICMP_NUMBER[version]))
    found = [kind.types[version] for kind in kinds if version in kind.types]
    whole = [kind for kind, code in found if code is None or (code == 0 and kind in _CODE_ZERO[version])]
    parts = [kind for kind, code in found if kind not in whole]
    if whole:
        yield protocol, IcmpTypes(Numbers.of(*((kind, kind) for kind in whole)))
    if parts:
        types = IcmpTypes(Numbers.of(*((kind, kind) for kind in parts)))
        support = Support.IGNORED if accepts else Support.WIDENED
        options.note(support, "option icmp_type", "the code of an ICMP message is not followed")
        yield (protocol, types) if accepts else (protocol, types, Unknown("the code of an ICMP message"))


# --- Forwardings --------------------------------------------------------------------------------------------


def read_forwarding(options: Options, known: Known) -> Iterator[Placed]:
    """The rule of one ``forwarding`` section.

    Raises:
        LeftOutError: fw4 leaves it out.
    """
    said = options.one("family", family)
    src, dest = options.one("src", known.reference), options.one("dest", known.reference)
    options.one("name", str)
    options.ignore(("_name",), "it does not change where a packet goes")
    options.rest()
    if src is None or dest is None:
        raise LeftOutError(f"option {'src' if src is None else 'dest'} is missing")
    families = families_of(said, *(end.zone.families for end in (src, dest) if end.zone is not None))
    chain = "forward" if src.zone is None else f"forward_{src.zone.name}"
    action: Action = Accept() if dest.zone is None else Jump(f"accept_to_{dest.zone.name}")
    yield Placed(chain, Rule((), action, options.origin, families))
