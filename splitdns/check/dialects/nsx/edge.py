"""NSX's own form: ``GET /api/4.0/edges/ID``, and the parts of it that can be had alone.

Rules stand in the order in which the edge asks them: those that it makes for its own services, those of a
person, the default one (NSX administration guide, "Managing Edge Firewall Rules", "Managing NAT Rules").
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.nsx.fields import ANY, Reader, Words
from splitdns.check.dialects.nsx.groups import Groups
from splitdns.check.dialects.nsx.values import (
    Edge,
    FilterRule,
    Firewall,
    Nat,
    NatRule,
    Peers,
    Traffic,
    Vnic,
    numbers_by_family,
)
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    Accept,
    Action,
    Drop,
    Interface,
    InterfaceAddress,
    Origin,
    Reject,
    Support,
)
from splitdns.check.sets import Address, Numbers

_NAT_FIELDS = frozenset(
    {
        "ruleId", "ruleTag", "ruleType", "action", "vnic", "originalAddress", "translatedAddress",
        "loggingEnabled", "enabled", "description", "protocol", "originalPort", "translatedPort", "icmpType",
        "dnatMatchSourceAddress", "dnatMatchSourcePort", "snatMatchDestinationAddress",
        "snatMatchDestinationPort",
    }
)  # fmt: skip
_FILTER_FIELDS = frozenset(
    {
        "id", "ruleId", "ruleTag", "name", "ruleType", "enabled", "loggingEnabled", "description", "action",
        "source", "destination", "application", "matchTranslated", "direction", "invalidSource",
        "invalidDestination", "invalidApplication", "statistics",
    }
)  # fmt: skip
_PEER_FIELDS = frozenset({"exclude", "ipAddress", "groupingObjectId", "vnicGroupId"})
_ACTIONS: dict[str, Action] = {
    "accept": Accept(),
    "deny": Drop(),
    "drop": Drop(),
    "reject": Reject(),
}
_OURS = {"internal_high": "the edge's own services", "internal_low": "the edge's own services"}


# --- Interfaces ---------------------------------------------------------------------------------------------


def vnics(root: Element, reader: Reader) -> Iterator[Vnic]:
    """The interfaces that have an address, and those of a trunk."""
    for vnic in (*root.each("vnic"), *root.each("edgeInterface")):
        yield from _vnic(vnic, reader, vnic.value("type").lower() == "uplink")
        for sub in (one for group in vnic.each("subInterfaces") for one in group.each("subInterface")):
            yield from _vnic(sub, reader, uplink=False)


def _vnic(vnic: Element, reader: Reader, uplink: bool) -> Iterator[Vnic]:
    addresses = [
        own
        for groups in vnic.each("addressGroups")
        for group in groups.each("addressGroup")
        for own in _own(group, reader)
    ]
    if not addresses:
        return
    index, label = vnic.value("index"), vnic.value("label")
    name = vnic.value("name", usual=label or f"vNic_{index}").replace("*", "")
    up = reader.truth(vnic, "isConnected", usual=True)
    called = [word for word in (index, f"vnic-index-{index}", label, name) if word]
    yield Vnic(Interface(name, tuple(addresses), uplink=uplink, up=up), tuple(called))


def _own(group: Element, reader: Reader) -> Iterator[InterfaceAddress]:
    """The primary address and the secondary ones, in one network."""
    mask = group.value("subnetPrefixLength") or group.value("subnetMask")
    words = [group.child("primaryAddress")]
    for more in group.each("secondaryAddresses"):
        words += more.children
    for element in words:
        if element is None or not element.text:
            continue
        address = reader.address(element.text, element.where)
        prefix = reader.prefix(element.text, mask, element.where) if address else None
        if address and prefix:
            yield InterfaceAddress(address, prefix)


# --- NAT ----------------------------------------------------------------------------------------------------


def nat(root: Element, edge: Edge, reader: Reader) -> Nat:
    enabled = reader.truth(root, "enabled", usual=True)
    rules = [
        rule
        for group in root.each("natRules")
        for element in group.each("natRule")
        if (rule := _nat_rule(element, edge, reader))
    ]
    if any(group.children for group in root.each("nat64Rules")):
        found = root.child("nat64Rules") or root
        reason = "NAT64 leads IPv6 clients to IPv4 servers; its rules are left out"
        reader.note(Support.REFUSED, "nat64Rules", found.where, "NAT64", reason)
    return Nat(enabled, tuple(rules), Origin(root.where, "NAT of the edge"))


def _nat_rule(element: Element, edge: Edge, reader: Reader) -> NatRule | None:
    if not reader.truth(element, "enabled", usual=True):
        return None
    action = element.value("action").lower()
    if action not in ("dnat", "snat"):
        reader.wrong(element.where, "dnat or snat as the action", action)
        return None
    dnat = action == "dnat"
    text = nat_words(element, action)
    other = "dnatMatchSource" if dnat else "snatMatchDestination"
    words = Words(
        element.value("protocol"),
        element.value("originalPort" if dnat else f"{other}Port"),
        element.value(f"{other}Port" if dnat else "originalPort"),
        element.value("icmpType"),
    )
    translated = _some(element, "translatedAddress", reader)
    if translated is None:
        reader.wrong(element.where, "an address as the translated one", element.value("translatedAddress"))
        return None
    return NatRule(
        dnat,
        _applied(element, edge, reader),
        _some(element, "originalAddress", reader),
        reader.traffic(words, element.where, text),
        _some(element, f"{other}Address", reader),
        translated,
        reader.ports(element.value("translatedPort"), element.where),
        Origin(element.where, text, _OURS.get(element.value("ruleType"), "")),
        reader.unknown_children(element, _NAT_FIELDS, text),
    )


def nat_words(element: Element, action: str) -> str:
    number = element.value("ruleTag") or element.value("ruleId")
    name = element.value("description")
    ports = {tag: element.value(tag) for tag in ("originalPort", "translatedPort")}
    shown = {tag: "" if word.lower() in ANY else f":{word}" for tag, word in ports.items()}
    head = f"{action} rule {number}".strip() + (f" {name!r}" if name else "")
    protocol = element.value("protocol", usual="any")
    return (
        f"{head}: {protocol} {element.value('originalAddress', usual='any')}{shown['originalPort']} becomes "
        f"{element.value('translatedAddress')}{shown['translatedPort']}"
    )


def _applied(element: Element, edge: Edge, reader: Reader) -> frozenset[str] | None:
    """*Applied on*: the interface by which packets come, for DNAT, or leave, for SNAT."""
    word = element.value("vnic")
    if word.lower() in ANY:
        return None
    vnic = edge.named(word)
    if vnic is None:
        found = element.child("vnic") or element
        reader.wrong(found.where, "the index of an interface with an address", word)
        return None
    return frozenset({vnic.name})


def _some(element: Element, tag: str, reader: Reader) -> Numbers | None:
    """Addresses of IPv4, which is all that an edge translates; None: any."""
    word = element.value(tag)
    if word.lower() in ANY:
        return None
    place = (element.child(tag) or element).where
    found = reader.addresses(word, place)
    if found is None:
        return Numbers()
    if found[0] != 4:
        reader.wrong(place, "an address of IPv4", word)
    return found[1]


# --- The firewall -------------------------------------------------------------------------------------------


def firewall(root: Element, edge: Edge, groups: Groups, reader: Reader) -> Firewall:
    rules = [
        rule
        for group in root.each("firewallRules")
        for element in group.each("firewallRule")
        if (rule := _filter_rule(element, edge, groups, reader))
    ]
    word = root.value("defaultPolicy", "action", usual="deny").lower()
    if word not in _ACTIONS:
        reader.wrong((root.child("defaultPolicy") or root).where, "accept, deny or reject", word)
    settings = root.child("globalConfig") or root
    picks_up = reader.truth(settings, "tcpPickOngoingConnections", usual=False)
    drops = reader.truth(settings, "dropInvalidTraffic", usual=True)
    return Firewall(
        reader.truth(root, "enabled", usual=True),
        tuple(rules),
        _ACTIONS.get(word, Drop()),
        drops and not picks_up,
        Origin(root.where, f"firewall, default {word}"),
    )


def _filter_rule(element: Element, edge: Edge, groups: Groups, reader: Reader) -> FilterRule | None:
    if not reader.truth(element, "enabled", usual=True):
        return None
    word = element.value("action").lower()
    if word not in _ACTIONS:
        reader.wrong(element.where, "accept, deny or reject as the action", word)
        return None
    number = element.value("ruleTag") or element.value("id")
    text = f"firewall rule {number}".strip() + f" {element.value('name')!r}: {word}"
    unknown = reader.unknown_children(element, _FILTER_FIELDS, text)
    direction = element.value("direction").lower()
    if direction not in (*ANY, "inout"):
        reason = f"the direction {direction!r:.20} of a rule is not modelled"
        reader.note(Support.WIDENED, "direction", element.where, text, reason)
        unknown += (reason,)
    return FilterRule(
        _ACTIONS[word],
        _peers(element, "source", edge, groups, reader, text),
        _peers(element, "destination", edge, groups, reader, text),
        tuple(_services(element, groups, reader, text)),
        reader.truth(element, "matchTranslated", usual=False),
        Origin(element.where, text, _OURS.get(element.value("ruleType"), "")),
        unknown,
    )


def _peers(
    rule: Element, tag: str, edge: Edge, groups: Groups, reader: Reader, text: str
) -> Peers:
    found = rule.child(tag)
    if found is None:
        return Peers()
    unknown = list(reader.unknown_children(found, _PEER_FIELDS, text))
    parts: list[tuple[int, Numbers]] = []
    interfaces: frozenset[str] = frozenset()
    itself = False
    for one in found.each("ipAddress"):
        if one.text.lower() in ANY:
            parts += [(4, Numbers(((0, 2**32 - 1),))), (6, Numbers(((0, 2**128 - 1),)))]
        elif (addresses := reader.addresses(one.text, one.where)) is not None:
            parts.append(addresses)
    for one in found.each("groupingObjectId"):
        if one.text in groups.addresses:
            parts += groups.addresses[one.text].items()
        else:
            unknown.append(_not_told(one, reader, text))
    for one in found.each("vnicGroupId"):
        if one.text == "vse":
            itself = True
        elif one.text in ("internal", "external"):
            interfaces |= edge.inside if one.text == "internal" else edge.outside
        elif (vnic := edge.named(one.text)) is not None:
            interfaces |= {vnic.name}
        else:
            reader.wrong(one.where, "vse, internal, external, or vnic-index-N of an interface", one.text)
    excluded = reader.truth(found, "exclude", usual=False)
    return Peers(numbers_by_family(parts), interfaces, itself, tuple(unknown), excluded)


def _services(rule: Element, groups: Groups, reader: Reader, text: str) -> Iterator[Traffic]:
    """Nothing told: any traffic."""
    told = [one for application in rule.each("application") for one in application.children]
    if not told:
        yield Traffic()
    for one in told:
        if one.tag == "applicationId":
            if one.text.lower() in ANY:
                yield Traffic()
                continue
            traffic = groups.traffic(one.text)
            yield from traffic if traffic is not None else [Traffic(unknown=_not_told(one, reader, text))]
        elif one.tag == "service":
            ports = ",".join(port.text for port in one.each("port")) or "any"
            words = Words(
                one.value("protocol"), ports, one.value("sourcePort"), one.value("icmpType")
            )
            yield reader.traffic(words, one.where, text)
        else:
            reason = f"<{one.tag}> of an application is not known here"
            reader.note(Support.UNKNOWN, f"<{one.tag}> of an application", one.where, text, reason)
            yield Traffic(unknown=reason)


def _not_told(one: Element, reader: Reader, text: str) -> str:
    reason = f"no text tells what {one.text!r:.60} is"
    hint = "its list can be read as another source of this dialect"
    reader.note(Support.WIDENED, one.tag, one.where, text, f"{reason}; {hint}")
    return reason


def gateway_of(address: Address, edge: Edge) -> str | None:
    """The interface in whose network a router is."""
    return next(
        (
            one.name
            for one in edge.vnics
            for own in one.interface.addresses
            if address.version == own.prefix.version and address in own.prefix
        ),
        None,
    )
