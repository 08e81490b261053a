"""Filter rules as one list of first matches: what is quick in its order, then the rest from its end.

pf asks all rules, and the last that matches decides, unless one that is ``quick`` decides at once. So the
first quick match decides, and without one the last other match: quick rules in their order, the others in
reverse, and the default, to deny. The order is that of the device: floating rules, those of groups, those of
single interfaces, which are quick by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.pfsense.config import is_on, origin_of
from splitdns.check.dialects.pfsense.endpoints import Endpoints, Missing
from splitdns.check.dialects.pfsense.protocols import families, icmp_types
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Accept,
    Action,
    Condition,
    Drop,
    IcmpTypes,
    Origin,
    Protocols,
    Reject,
    Rule,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.value import value

_ACTIONS: dict[str, Action] = {"pass": Accept(), "": Accept(), "block": Drop(), "reject": Reject()}
# What changes nothing about where a packet goes: descriptions, logs, queues, limits of states, our own marks.
_OF_NO_EFFECT = {
    "ackqueue", "adaptiveend", "adaptivestart", "allowopts", "associated-rule-id", "category", "created",
    "defaultqueue", "descr", "description", "destination", "direction", "disabled", "disablereplyto",
    "dnpipe", "enabled", "floating", "gateway", "icmp6-type", "icmptype", "id", "interface", "interfacenot",
    "ipprotocol", "log", "max", "max-src-conn", "max-src-conn-rate", "max-src-conn-rates", "max-src-nodes",
    "max-src-states", "nopfsync", "nosync", "noxmlrpc", "overload", "pdnpipe", "protocol", "quick",
    "reply-to", "sequence", "set-prio", "set-prio-low", "shaper1", "shaper2", "source", "source-track",
    "state-policy", "statetimeout", "statetype", "tag", "tcpflags1", "tcpflags2", "tcpflags_any", "tracker",
    "type", "updated", "vlanprioset",
}  # fmt: skip
_UNCERTAIN = {
    "os": "the client's operating system",
    "sched": "the time of a schedule",
    "dscp": "the DSCP field",
    "tos": "the TOS field",
    "vlanprio": "the VLAN's priority",
    "tagged": "tags of other rules",
    "prio": "the VLAN's priority",
    "divert-to": "a program that may take it",
}


@value(frozen=True, slots=True)
class Filtered:
    """A rule that is in force, of one family; ``keys`` None: every interface."""

    rule: Rule
    keys: frozenset[str] | None
    floating: bool
    of_group: bool
    quick: bool
    inwards: bool
    outwards: bool

    def is_on(self, key: str) -> bool:
        return self.keys is None or key in self.keys


def filters_of(ends: Endpoints, elements: Iterator[Element]) -> list[Filtered]:
    """The rules in the device's order; what it leaves out is noted."""
    found: list[Filtered] = []
    for element in elements:
        origin = _origin(element)
        if is_on(element, "disabled"):
            ends.config.note(Support.IGNORED, "rule", origin, "it is disabled")
        elif element.value("type") == "match":
            reason = "it only gives marks and queues, and decides nothing"
            ends.config.note(Support.IGNORED, "match rule", origin, reason)
        elif element.value("type") not in _ACTIONS:
            expected = "pass, block, reject or match as <type>"
            ends.config.wrong(element.child("type") or element, expected, element.value("type"))
        else:
            found += _filtered(ends, element, origin)
    floating = [one for one in found if one.floating]
    groups = [one for one in found if one.of_group and not one.floating]
    return floating + groups + [one for one in found if not one.floating and not one.of_group]


def _origin(element: Element) -> Origin:
    words = [element.value("type", usual="pass"), element.value("protocol", usual="any")]
    words += ["on", element.value("interface", usual="any")]
    return origin_of(element, " ".join(words))


def _filtered(ends: Endpoints, element: Element, origin: Origin) -> Iterator[Filtered]:
    floating = is_on(element, "floating") and element.value("floating") != "no"
    name = element.value("interface")
    keys = _keys(ends, name)
    if isinstance(keys, Missing) or (keys is None and not floating and not ends.config.is_opnsense):
        reason = keys.reason if isinstance(keys, Missing) else "it has no interface"
        ends.config.note(Support.IGNORED, "rule", origin, f"left out: {reason}")
        return
    if is_on(element, "interfacenot") and keys is not None:
        keys = frozenset(ends.faces.all) - keys
    several = keys is None or "," in name
    floating = floating or (ends.config.is_opnsense and several)
    told = element.value("direction", usual="in" if ends.config.is_opnsense else "any")
    direction = told if floating or ends.config.is_opnsense else "in"
    quick = is_on(element, "quick")
    if not floating and (not ends.config.is_opnsense or element.child("quick") is None):
        quick = True
    _noted(ends, element, origin)
    for family in families(element.value("ipprotocol")):
        conditions = _conditions(ends, element, family)
        if isinstance(conditions, Missing):
            ends.config.note(Support.IGNORED, "rule", origin, f"left out: {conditions.reason}")
            continue
        if conditions is None:
            continue
        action = _ACTIONS[element.value("type")]
        rule = Rule((*conditions, *_uncertain(ends, element, origin)), action, origin, frozenset({family}))
        of_group = name in ends.faces.groups
        yield Filtered(
            rule, keys, floating, of_group, quick, direction in ("in", "any"), direction in ("out", "any")
        )


def _keys(ends: Endpoints, name: str) -> frozenset[str] | Missing | None:
    if name in ("", "any"):
        return None
    found: frozenset[str] = frozenset()
    for one in name.split(","):
        keys = ends.faces.named(one)
        if keys is None and one in ("enc0", "l2tp", "pppoe", "pptp", "openvpn", "WireGuard", "wireguard"):
            keys = frozenset({one})  # a tunnel of which no interface is known here
        if keys is not None:
            found |= keys
    return found or Missing(f"its interface {name} is not enabled")


def _conditions(ends: Endpoints, element: Element, family: int) -> tuple[Condition, ...] | Missing | None:
    name = element.value("protocol")
    has_ports = any(element.value(tag, "port") for tag in ("source", "destination"))
    numbers, unsure = ends.protocols(name or ("tcp" if has_ports else ""), family, _origin(element))
    source = ends.addresses(element.child("source"), Side.SOURCE, family)
    destination = ends.addresses(element.child("destination"), Side.DESTINATION, family)
    for where in (source, destination):
        if isinstance(where, Missing):
            return where
    assert not isinstance(source, Missing)
    assert not isinstance(destination, Missing)
    of_source = source.conditions(Side.SOURCE, family)
    ported = numbers <= Numbers.of((TCP, TCP), (UDP, UDP))
    from_port = ends.port_conditions(element.value("source", "port") if ported else "", Side.SOURCE)
    if isinstance(from_port, Missing):
        return from_port
    to = ends.seen_by_filter(destination, element.value("destination", "port") if ported else "", family)
    if isinstance(to, Missing):
        return to
    if of_source is None or to is None:
        return None
    of_protocol = (Protocols(numbers),) if numbers.size < 256 else ()
    return (*unsure, *of_protocol, *of_source, *from_port, *to, *_of_icmp(element, numbers, family))


def _of_icmp(element: Element, numbers: Numbers, family: int) -> tuple[Condition, ...]:
    told = element.value("icmptype") or (element.value("icmp6-type") if family == 6 else "")
    if numbers.single not in (ICMP, ICMP6) or told in ("", "any"):
        return ()
    types = icmp_types(told.replace(" ", "").split(","), family)
    return (Unknown(f"the ICMP type {told} is not known here"),) if types is None else (IcmpTypes(types),)


# --- What is not modelled -----------------------------------------------------------------------------------


def _uncertain(ends: Endpoints, element: Element, origin: Origin) -> Iterator[Condition]:
    for tag, what in _UNCERTAIN.items():
        if element.value(tag) not in ("", "none", "any"):
            ends.config.note(Support.WIDENED, tag, origin, f"it asks for {what}")
            yield Unknown(f"{tag}: {what}")
    if element.value("tcpflags2") and not is_on(element, "tcpflags_any"):
        ends.config.note(Support.WIDENED, "tcpflags", origin, "it asks for TCP flags")
        yield Unknown("TCP flags")
    if element.value("statetype").startswith("none"):
        ends.config.note(Support.WIDENED, "statetype", origin, "replies need a rule of their own")
        yield Unknown("without a state, replies need a rule of their own")
    for one in element.children:
        if one.tag not in _OF_NO_EFFECT and one.tag not in _UNCERTAIN and one.text:
            ends.config.note(Support.UNKNOWN, one.tag, origin, "it is not known here")
            yield Unknown(f"{one.tag} is not known here")


def _noted(ends: Endpoints, element: Element, origin: Origin) -> None:
    if element.value("gateway"):
        reason = f"what it lets out takes gateway {element.value('gateway')}: which uplink is not followed"
        ends.config.note(Support.IGNORED, "gateway", origin, reason)
    if is_on(element, "tcpflags_any"):
        reason = "TCP without a state is dropped here all the same"
        ends.config.note(Support.WIDENED, "tcpflags_any", origin, reason)
