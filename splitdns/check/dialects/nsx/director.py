"""vCloud Director's older form: ``EdgeGateway`` and its ``EdgeGatewayServiceConfiguration``.

The edge behind it is the same, with the same order of rules; only the words are others (vCloud API schema
reference, ``GatewayConfigurationType``). An interface is called by the network that it is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from splitdns.check.dialects.nsx.edge import gateway_of
from splitdns.check.dialects.nsx.fields import ANY, Reader, Words
from splitdns.check.dialects.nsx.values import (
    Balanced,
    Edge,
    FilterRule,
    Firewall,
    Nat,
    NatRule,
    Peers,
    Traffic,
    Vnic,
)
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    TCP,
    UDP,
    Accept,
    Action,
    Drop,
    Interface,
    InterfaceAddress,
    Origin,
    Route,
    Support,
)
from splitdns.check.sets import Address, Numbers, Prefix, address_of

SERVICES = "EdgeGatewayServiceConfiguration"
ROOTS = ("EdgeGateway", SERVICES)

_MAX_RANGE = 1_024  # addresses of one IpRange; an external network larger than that has no own ones
_ACTIONS: dict[str, Action] = {"allow": Accept(), "drop": Drop()}
_DEFAULTS: dict[int, Prefix] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
_RULE_FIELDS = frozenset(
    {
        "Id", "IsEnabled", "MatchOnTranslate", "Description", "Policy", "Protocols", "IcmpSubType", "Port",
        "DestinationPortRange", "DestinationIp", "SourcePort", "SourcePortRange", "SourceIp", "Direction",
        "EnableLogging", "DestinationVm", "SourceVm",
    }
)  # fmt: skip
_NAT_FIELDS = frozenset(
    {
        "Interface", "OriginalIp", "OriginalPort", "TranslatedIp", "TranslatedPort", "Protocol",
        "IcmpSubType",
    }
)  # fmt: skip
_IGNORED = ("GatewayDhcpService",)


# --- Interfaces ---------------------------------------------------------------------------------------------


def vnics(root: Element, reader: Reader) -> Iterator[Vnic]:
    for group in _interfaces(root):
        addresses = [
            own for part in group.each("SubnetParticipation") for own in _own(part, group, reader)
        ]
        if not addresses:
            continue
        network = group.child("Network")
        attributes = network.attributes if network is not None else {}
        called = [group.value("Name"), group.value("DisplayName"), *map(attributes.get, ("name", "href"))]
        names = [word for word in called if word]
        if not names:
            reader.wrong(group.where, "the name of an interface", "")
            continue
        interface = Interface(
            names[0].replace("*", ""),
            tuple(dict.fromkeys(addresses)),
            uplink=group.value("InterfaceType").lower() == "uplink",
            up=reader.truth(group, "Connected", usual=True),
        )
        yield Vnic(interface, tuple(names))


def _interfaces(root: Element) -> Iterator[Element]:
    found = root.child("Configuration", "GatewayInterfaces")
    if found is not None:
        yield from found.each("GatewayInterface")


def _own(part: Element, interface: Element, reader: Reader) -> Iterator[InterfaceAddress]:
    """The address, and those of the ranges that are given to this edge; inside, it is the gateway itself."""
    mask = part.value("Netmask") or part.value("SubnetPrefixLength")
    is_uplink = interface.value("InterfaceType").lower() == "uplink"
    told = part.value("IpAddress") or ("" if is_uplink else part.value("Gateway"))
    if told and (address := reader.address(told, part.where)) is not None:
        prefix = reader.prefix(told, mask, part.where)
        if prefix is not None:
            yield InterfaceAddress(address, prefix)
    for ranges in part.each("IpRanges"):
        for one in ranges.each("IpRange"):
            word = f"{one.value('StartAddress')}-{one.value('EndAddress')}"
            found = reader.addresses(word, one.where)
            if found is None:
                continue
            family, numbers = found
            prefix = reader.prefix(one.value("StartAddress"), mask, one.where)
            if numbers.size > _MAX_RANGE:
                reason = f"only the first {_MAX_RANGE:,} addresses are taken for the edge's own"
                reader.note(Support.WIDENED, "IpRange", one.where, word, reason)
            for number in range(numbers.first, numbers.first + min(numbers.size, _MAX_RANGE)):
                if prefix is not None:
                    yield InterfaceAddress(address_of(family, number), prefix)


def routes(root: Element, edge: Edge, reader: Reader) -> Iterator[Route]:
    for group in _interfaces(root):
        if not reader.truth(group, "UseForDefaultRoute", usual=False):
            continue
        for part in group.each("SubnetParticipation"):
            used = part.value("UseForDefaultRoute", usual="true").lower()
            router = reader.address(part.value("Gateway"), part.where) if used == "true" else None
            vnic = edge.named(group.value("Name")) if router is not None else None
            if router is not None and vnic is not None:
                yield Route(_DEFAULTS[router.version], vnic.name, router)
    static = _service(root, "StaticRoutingService", reader)
    for one in static.each("StaticRoute") if static is not None else ():
        via = reader.address(one.value("NextHopIp"), one.where)
        if via is not None:
            yield from _static(one, via, edge, reader)


def _static(one: Element, via: Address, edge: Edge, reader: Reader) -> Iterator[Route]:
    try:
        prefix = ip_network(one.value("Network"), strict=False)
    except ValueError:
        reader.wrong(one.where, "a prefix as the Network", one.value("Network"))
        return
    told = _vnic(one.child("GatewayInterface"), edge)
    name = told.name if told is not None else gateway_of(via, edge)
    if name is None:
        reader.wrong(one.where, "a router in the network of an interface", str(via))
    else:
        yield Route(prefix, name, via)


def _service(root: Element, name: str, reader: Reader) -> Element | None:
    """A service that is there, and on."""
    services = root if root.tag == SERVICES else root.child("Configuration", SERVICES)
    found = None if services is None else services.child(name)
    return found if found is not None and reader.truth(found, "IsEnabled", usual=True) else None


# --- NAT ----------------------------------------------------------------------------------------------------


def nat(root: Element, edge: Edge, reader: Reader) -> Nat:
    service = _service(root, "NatService", reader)
    if service is None:
        return Nat(False, (), Origin(root.where, "NatService"))
    rules = [
        rule
        for element in service.each("NatRule")
        if reader.truth(element, "IsEnabled", usual=True)
        if (rule := _nat_rule(element, edge, reader))
    ]
    return Nat(True, tuple(rules), Origin(service.where, "NatService"))


def _nat_rule(element: Element, edge: Edge, reader: Reader) -> NatRule | None:
    kind, inner = element.value("RuleType").upper(), element.child("GatewayNatRule")
    if kind not in ("DNAT", "SNAT") or inner is None:
        found = kind or ", ".join(one.tag for one in element.children)
        reader.wrong(element.where, "DNAT or SNAT as the RuleType, with a GatewayNatRule", found)
        return None
    text = _nat_words(element, inner, kind)
    vnic = _vnic(inner.child("Interface"), edge)
    if inner.child("Interface") is not None and vnic is None:
        place = inner.child("Interface") or inner
        found = place.attributes.get("name") or place.attributes.get("href", "")
        reader.wrong(place.where, "an interface of the edge, by the name or href of its network", found)
    port, dnat = inner.value("OriginalPort"), kind == "DNAT"
    words = Words(
        inner.value("Protocol"), port if dnat else "", "" if dnat else port, inner.value("IcmpSubType")
    )
    translated = _some(inner, "TranslatedIp", reader)
    if translated is None:
        reader.wrong(inner.where, "an address as the TranslatedIp", inner.value("TranslatedIp"))
        return None
    return NatRule(
        dnat,
        None if vnic is None else frozenset({vnic.name}),
        _some(inner, "OriginalIp", reader),
        reader.traffic(words, inner.where, text),
        None,
        translated,
        reader.ports(inner.value("TranslatedPort"), inner.where),
        Origin(element.where, text),
        reader.unknown_children(inner, _NAT_FIELDS, text),
    )


def _nat_words(rule: Element, inner: Element, kind: str) -> str:
    ports = [inner.value(tag) for tag in ("OriginalPort", "TranslatedPort")]
    before, after = ("" if word.lower() in ANY else f":{word}" for word in ports)
    name = rule.value("Description")
    head = f"{kind} rule {rule.value('Id')}".strip() + (f" {name!r}" if name else "")
    return (
        f"{head}: {inner.value('Protocol', usual='any')} {inner.value('OriginalIp', usual='any')}{before} "
        f"becomes {inner.value('TranslatedIp')}{after}"
    )


def _vnic(reference: Element | None, edge: Edge) -> Vnic | None:
    """Of a reference: by its ``href``, which is one network's, else by its name."""
    if reference is None:
        return None
    words = (reference.attributes.get("href", ""), reference.attributes.get("name", ""))
    return next((found for word in words if word and (found := edge.named(word))), None)


def _some(element: Element, tag: str, reader: Reader) -> Numbers | None:
    word = element.value(tag)
    if word.lower() in ANY:
        return None
    place = (element.child(tag) or element).where
    found = reader.addresses(word, place)
    if found is not None and found[0] != 4:
        reader.wrong(place, "an address of IPv4", word)
    return Numbers() if found is None else found[1]


# --- The firewall -------------------------------------------------------------------------------------------


def firewall(root: Element, edge: Edge, reader: Reader) -> Firewall:
    service = _service(root, "FirewallService", reader)
    if service is None:
        return Firewall(False, (), Accept(), False, Origin(root.where, "FirewallService"))
    word = service.value("DefaultAction", usual="drop").lower()
    if word not in _ACTIONS:
        reader.wrong(service.where, "allow or drop as the DefaultAction", word)
    rules = [
        rule
        for element in service.each("FirewallRule")
        if reader.truth(element, "IsEnabled", usual=True)
        if (rule := _filter_rule(element, edge, reader))
    ]
    origin = Origin(service.where, f"FirewallService, default {word}")
    return Firewall(True, tuple(rules), _ACTIONS.get(word, Drop()), True, origin)


def _filter_rule(element: Element, edge: Edge, reader: Reader) -> FilterRule | None:
    word = element.value("Policy").lower()
    if word not in _ACTIONS:
        reader.wrong(element.where, "allow or drop as the Policy", word)
        return None
    text = f"firewall rule {element.value('Id')}".strip() + f" {element.value('Description')!r}: {word}"
    unknown = reader.unknown_children(element, _RULE_FIELDS, text)
    direction = element.value("Direction").lower()
    if direction not in ANY:
        reason = f"the direction {direction!r:.20} of a rule is not modelled"
        reader.note(Support.WIDENED, "Direction", element.where, text, reason)
        unknown += (reason,)
    return FilterRule(
        _ACTIONS[word],
        _peers(element, "Source", edge, reader, text),
        _peers(element, "Destination", edge, reader, text),
        tuple(_traffic(element, reader, text)),
        reader.truth(element, "MatchOnTranslate", usual=False),
        Origin(element.where, text),
        unknown,
    )


def _peers(rule: Element, side: str, edge: Edge, reader: Reader, text: str) -> Peers:
    machine = rule.child(f"{side}Vm")
    if machine is not None:
        reason = "addresses of a virtual machine do not stand in the file"
        reader.note(Support.WIDENED, f"{side}Vm", machine.where, text, reason)
        return Peers(unknown=(reason,))
    word = rule.value(f"{side}Ip").lower()
    if word in ANY:
        return Peers()
    if word in ("internal", "external"):
        return Peers(interfaces=edge.inside if word == "internal" else edge.outside)
    found = reader.addresses(word, (rule.child(f"{side}Ip") or rule).where)
    return Peers() if found is None else Peers({found[0]: found[1]})


def _traffic(rule: Element, reader: Reader, text: str) -> Iterator[Traffic]:
    port = rule.value("DestinationPortRange") or rule.value("Port")
    source = rule.value("SourcePortRange") or rule.value("SourcePort")
    told = rule.child("Protocols")
    children = [] if told is None else told.children
    names = [one for one in children if one.tag == "Other" or reader.truth(one, usual=True)]
    if not names or any(one.tag == "Any" for one in names):
        yield reader.traffic(Words("any", port, source), rule.where, text)
        return
    for one in names:
        words = Words(one.text if one.tag == "Other" else one.tag, port, source, rule.value("IcmpSubType"))
        yield reader.traffic(words, one.where, text)


# --- What else it does --------------------------------------------------------------------------------------


def balanced(root: Element, reader: Reader) -> Iterator[Balanced]:
    """The virtual servers of a load balancer that is on."""
    service = _service(root, "LoadBalancerService", reader)
    for server in service.each("VirtualServer") if service is not None else ():
        if not reader.truth(server, "IsEnabled", usual=True):
            continue
        address = reader.addresses(server.value("IpAddress"), server.where)
        text = f"virtual server {server.value('Name')!r}"
        reason = "the load balancer's choice and its pools are not modelled"
        reader.note(Support.WIDENED, "VirtualServer", server.where, text, reason)
        for profile in server.each("ServiceProfile"):
            if address is None or address[0] != 4 or not reader.truth(profile, "IsEnabled", usual=True):
                continue
            ports = reader.ports(profile.value("Port"), profile.where) or Numbers.of((0, 65_535))
            protocol = UDP if profile.value("Protocol").lower() == "udp" else TCP
            yield Balanced(address[1], protocol, ports, Origin(server.where, text))


def others(root: Element, reader: Reader) -> None:
    """Notes the services that are left out."""
    services = root if root.tag == SERVICES else root.child("Configuration", SERVICES)
    known = ("FirewallService", "NatService", "StaticRoutingService", "LoadBalancerService")
    for one in services.children if services is not None else ():
        if one.tag in known or not reader.truth(one, "IsEnabled", usual=True):
            continue
        if one.tag in _IGNORED:
            reader.note(Support.IGNORED, one.tag, one.where, one.tag, "no packet is led elsewhere by it")
        elif one.tag == "GatewayIpsecVpnService":
            reason = "networks behind a tunnel do not stand among routes: tell them as clients"
            reader.note(Support.REFUSED, one.tag, one.where, one.tag, reason)
        else:
            reader.note(Support.UNKNOWN, one.tag, one.where, one.tag, "a service that is not known here")
