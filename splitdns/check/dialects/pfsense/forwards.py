"""Port forwards and one-to-one NAT: what becomes of destinations, and how that is reflected inside.

pf tries ``rdr`` before ``binat``, each in the order of the rules, on the interface by which a packet comes. A
reflected forward is the same rule on every interface that has no gateway. Pure NAT leaves it at that; the
older way leads to a proxy on loopback, which connects to the server by itself: the server sees the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from splitdns.check.dialects.pfsense.config import is_on, origin_of
from splitdns.check.dialects.pfsense.endpoints import (
    LOOPED,
    PASSED,
    PROXIED,
    Endpoints,
    Meant,
    Missing,
)
from splitdns.check.dialects.pfsense.protocols import families
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    TCP,
    UDP,
    Accept,
    Action,
    Addresses,
    Condition,
    Interfaces,
    Of,
    Opaque,
    Origin,
    Ports,
    Protocols,
    Redirect,
    Rule,
    SetMark,
    Side,
    Support,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers, Range
from splitdns.value import value

MAX_PROXIED = 500  # ports of one forward; the device installs no proxy beyond
_WITH_PORTS = Numbers.of((TCP, TCP), (UDP, UDP))


class Reflection(Enum):
    """How a port forward is reflected inside."""

    NONE = "none"
    PURE = "pure NAT"
    PROXY = "NAT + proxy"


class Passed(Enum):
    """How the filter lets through what a forward has led inside."""

    BY_RULES = "by rules"
    BY_A_RULE_OF_ITS_OWN = "by a rule of its own"  # which the device registers for it
    BY_ITSELF = "by itself"


@value(frozen=True, slots=True)
class Forward:
    """A port forward that is in force, for one family; ``local`` None: the same ports."""

    element: Element
    origin: Origin
    family: int
    key: str
    keys: frozenset[str]  # the interfaces that ``key`` stands for
    reflected: frozenset[str]
    reflection: Reflection
    protocols: Numbers
    source: tuple[Condition, ...]
    destination: Meant
    ports: Numbers | None
    uncertain: tuple[Condition, ...]
    target: Numbers | None  # None: it excepts from the others; empty: not known
    local: Range | None
    passed: Passed

    @property
    def is_looped(self) -> bool:
        ranges = self.target.ranges if self.target is not None else ()
        return bool(ranges) and all(_is_loopback(self.family, one) for one in ranges)

    @property
    def local_ports(self) -> Numbers | None:
        return self.ports if self.local is None else Numbers.of(self.local)


def forwards_of(ends: Endpoints) -> list[Forward]:
    """The port forwards, in order; what the device leaves out is noted."""
    config = ends.config
    found = []
    for element in config.rows("nat", "rule"):
        if is_on(element, "disabled"):
            config.note(Support.IGNORED, "nat rule", _origin(element), "it is disabled")
            continue
        told = element.value("ipprotocol")
        for family in families(told or ("inet46" if config.is_opnsense else "")):
            made = _forward(ends, element, family)
            if isinstance(made, Missing):
                if not told and family == 6:
                    continue
                config.note(Support.IGNORED, "nat rule", _origin(element), f"left out: {made.reason}")
            else:
                found.append(made)
    return found


def _origin(element: Element) -> Origin:
    target, port = element.value("target"), element.value("local-port")
    words = f"port forward {element.value('destination', 'port', usual='all')} to {target}"
    return origin_of(element, words + (f" port {port}" if port else ""))


def _forward(ends: Endpoints, element: Element, family: int) -> Forward | Missing:
    origin = _origin(element)
    key = element.value("interface", usual="wan")
    keys = ends.faces.named(key)
    if keys is None and "," in key:
        named = [ends.faces.named(one) or frozenset() for one in key.split(",")]
        keys = frozenset().union(*named)
    if not keys:
        return Missing(f"its interface {key} is not enabled")
    name = element.value("protocol") or ("" if ends.config.is_opnsense else "tcp")
    numbers, unsure = ends.protocols(name, family, origin)
    source = ends.addresses(element.child("source"), Side.SOURCE, family)
    destination = ends.addresses(element.child("destination"), Side.DESTINATION, family)
    if isinstance(source, Missing):
        return source
    if isinstance(destination, Missing):
        return destination
    of_source = source.conditions(Side.SOURCE, family)
    if of_source is None or destination.conditions(Side.DESTINATION, family) is None:
        return Missing(f"its addresses are not of IPv{family}")
    ports, uncertain = None, ""
    if numbers <= _WITH_PORTS:
        if text := element.value("source", "port"):
            of_port = ends.port_conditions(text, Side.SOURCE)
            if isinstance(of_port, Missing):
                return of_port
            of_source = (*of_source, *of_port)
        if (text := element.value("destination", "port")) and text != "any":
            told = ends.ports(text)
            if isinstance(told, Missing):
                return told
            ports, uncertain = told
    target = None if is_on(element, "nordr") else _target(ends, element, family)
    if isinstance(target, Missing):
        return target
    reflection = _reflection(ends, element, destination)
    reflected = frozenset() if reflection is Reflection.NONE else reflecting(ends, keys, family)
    return Forward(
        element, origin, family, key, keys, reflected, reflection if reflected else Reflection.NONE, numbers,
        of_source, destination, ports, (*unsure, *([Unknown(uncertain)] if uncertain else [])), target,
        None if target is None or ports is None else _local(ends, element, ports),
        _passed(element) if target is not None else Passed.BY_RULES,
    )  # fmt: skip


def _passed(element: Element) -> Passed:
    if "pass" in (element.value("associated-rule-id"), element.value("pass")):
        return Passed.BY_ITSELF
    return Passed.BY_A_RULE_OF_ITS_OWN if element.value("pass") == "rule" else Passed.BY_RULES


def _target(ends: Endpoints, element: Element, family: int) -> Numbers | Missing:
    text = element.value("target")
    if not text:
        return Missing("it has no target")
    found = ends.named(text, Side.DESTINATION, family)
    if isinstance(found, Missing):
        return found
    if found.maybe:
        reason = f"what its target {text} stands for is not known here"
        ends.config.note(Support.WIDENED, "target", _origin(element), reason)
        return Numbers()
    if not found.numbers:
        return Missing(f"its target is not of IPv{family}")
    return found.numbers


def _local(ends: Endpoints, element: Element, ports: Numbers) -> Range | None:
    """The server's ports where they are others: as many as outside, or the first of an alias."""
    text = element.value("local-port")
    if not text or text == "any" or text == element.value("destination", "port"):
        return None
    told = ends.ports(text)
    if isinstance(told, Missing) or not told[0]:
        return None
    first = told[0].first
    if len(ports.ranges) == 1 and ports.single is None and told[0].single is not None:
        last = first + ports.size - 1
        if last > 65_535:
            ends.config.wrong(element, f"room for {ports.size} ports from <local-port>", text)
            return None
        return first, last
    low, high = told[0].ranges[0]
    return None if told[0] == ports else (low, high if ports.size > 1 and high - low < ports.size else low)


# --- Reflection ---------------------------------------------------------------------------------------------


def _reflection(ends: Endpoints, element: Element, destination: Meant) -> Reflection:
    config = ends.config
    told = element.value("natreflection")
    if told == "disable":
        return Reflection.NONE
    if config.is_opnsense:
        usual = not config.is_on("system", "disablenatreflection")
        return Reflection.PURE if told in ("enable", "purenat") or (usual and not told) else Reflection.NONE
    if told == "enable":
        return Reflection.PROXY
    if told == "purenat":
        return Reflection.PURE
    if config.is_on("system", "disablenatreflection"):
        return Reflection.NONE
    pure = config.is_on("system", "enablenatreflectionpurenat")
    return Reflection.PURE if pure else Reflection.PROXY


def reflecting(ends: Endpoints, but: frozenset[str], family: int) -> frozenset[str]:
    """The interfaces on which what holds on ``but`` is reflected: those without a gateway.

    OPNsense leaves out those without an address of ``family``, and so the group of OpenVPN's tunnels.
    """
    faces = ends.faces.all.values()
    found = (one for one in faces if not one.gateways and one.key not in but)
    if ends.config.is_opnsense:
        assigned = {one.tag for one in ends.config.rows("interfaces") for one in one.children}
        found = (one for one in found if one.key in assigned and (one.own(family) or family in one.leased))
    return frozenset(one.key for one in found)


def _reflected_destination(ends: Endpoints, forward: Forward) -> Meant:
    """Of a forward for any destination, only the network of its interface is reflected."""
    if not forward.destination.is_any:
        return forward.destination
    networks = Numbers()
    for key in forward.keys:
        networks |= ends.faces.all[key].networks(forward.family)
    return Meant(networks)


# --- Rules of prerouting ------------------------------------------------------------------------------------


def rules_of(ends: Endpoints, forwards: list[Forward]) -> Iterator[Rule]:
    for forward in forwards:
        yield from _rdr(forward, forward.keys, forward.destination)
        if not forward.reflected:
            continue
        destination = _reflected_destination(ends, forward)
        if forward.reflection is Reflection.PROXY:
            yield from _proxied(ends, forward, destination)
        else:
            yield from _rdr(forward, forward.reflected, destination, "NAT reflection")


def _rdr(
    forward: Forward, keys: frozenset[str], destination: Meant, made_by: str = "", *, proxied: bool = False
) -> Iterator[Rule]:
    to = destination.conditions(Side.DESTINATION, forward.family)
    if to is None:
        return
    origin = Origin(forward.origin.where, forward.origin.text, made_by)
    conditions = (
        Interfaces(Side.SOURCE, keys),
        *([Protocols(forward.protocols)] if forward.protocols.size < 256 else []),
        *forward.source,
        *to,
        *([Ports(Side.DESTINATION, forward.ports)] if forward.ports is not None else []),
        *forward.uncertain,
    )
    by_itself = forward.passed is Passed.BY_ITSELF
    passes = by_itself or (forward.passed is Passed.BY_A_RULE_OF_ITS_OWN and not made_by)
    bits = (PASSED if passes else 0) | (LOOPED if forward.is_looped else 0)
    bits |= PROXIED if proxied else 0
    of = frozenset({forward.family})
    if bits:
        yield Rule(conditions, SetMark(Of.PACKET, bits, bits), origin, of)
    yield Rule(conditions, _action(forward), origin, of)


def _action(forward: Forward) -> Action:
    if forward.target is None:
        return Accept()
    if not forward.target:
        return Opaque("where it leads is not known")
    ports = None if forward.local is None else Numbers.of(forward.local)
    shifts = ports is not None and ports.single is None and forward.ports is not None
    base = forward.ports.first if shifts and forward.ports is not None else None
    if forward.is_looped:
        return Redirect(ports, base)
    return Translate(Side.DESTINATION, forward.target, ports, base)


def _proxied(ends: Endpoints, forward: Forward, destination: Meant) -> Iterator[Rule]:
    """To the proxy on loopback, which connects to the server; it takes TCP, and UDP badly."""
    config = ends.config
    ports = forward.local_ports
    if forward.target is None:
        yield from _rdr(forward, forward.reflected, destination, "NAT reflection")
        return
    if ports is None or not forward.protocols <= _WITH_PORTS or forward.family == 6:
        return
    if ports.size > MAX_PROXIED:
        reason = f"the proxy reflects {MAX_PROXIED} ports at most"
        config.note(Support.IGNORED, "NAT + proxy", forward.origin, reason)
        return
    if 17 in forward.protocols:
        reason = "whether the proxy carries a datagram's answer is not known"
        config.note(Support.WIDENED, "NAT + proxy", forward.origin, reason)
    for number in (TCP, UDP):
        if number in forward.protocols:
            unsure = (Unknown("the proxy may lose datagrams"),) if number == UDP else ()
            only = replace(
                forward,
                protocols=Numbers.one(number),
                uncertain=(*forward.uncertain, *unsure),
                passed=Passed.BY_RULES,
            )
            yield from _rdr(only, forward.reflected, destination, "NAT + proxy reflection", proxied=True)


def _is_loopback(family: int, numbers: Range) -> bool:
    return numbers == (1, 1) if family == 6 else numbers[0] >> 24 == numbers[1] >> 24 == 127


def to_target(forward: Forward) -> tuple[Condition, ...]:
    """What is on its way to the server of ``forward``, after the translation."""
    assert forward.target is not None
    ports = forward.local_ports
    return (
        *([Protocols(forward.protocols)] if forward.protocols.size < 256 else []),
        Addresses(Side.DESTINATION, forward.target),
        *([Ports(Side.DESTINATION, ports)] if ports is not None else []),
    )
