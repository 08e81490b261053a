"""OPNsense's newer pages, whose rules stand under ``<OPNsense><Firewall>``, brought into the older form.

The fields have other names, and an empty one says nothing, where in the older form a switch is on by being
there. Newer rules are asked before older ones of the same kind, in the order of their sequence.

>>> from splitdns.check.dialects import xml_places
>>> root = xml_places.read("<opnsense><filter/><a>0</a><b/></opnsense>", "config.xml")
>>> brought_over(root)
>>> [one.tag for one in root.children]
['a', 'nat', 'filter']
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.xml_places import Element

_KEPT_EMPTY = {"any"}
# Fields that have the same meaning in both, and their older names.
_FILTER = {
    "action": "type", "interface": "interface", "interfacenot": "interfacenot", "direction": "direction",
    "quick": "quick", "ipprotocol": "ipprotocol", "protocol": "protocol", "icmptype": "icmptype",
    "icmp6type": "icmp6-type", "gateway": "gateway", "statetype": "statetype", "description": "descr",
    "sched": "sched", "tos": "tos", "tagged": "tagged", "prio": "prio", "divert-to": "divert-to",
    "tcpflags1": "tcpflags1", "tcpflags2": "tcpflags2", "tcpflags_any": "tcpflags_any",
}  # fmt: skip
_SOURCE_NAT = {
    "interface": "interface", "ipprotocol": "ipprotocol", "protocol": "protocol", "nonat": "nonat",
    "target": "target", "target_port": "natport", "source_port": "sourceport", "description": "descr",
    "destination_port": "dstport", "staticnatport": "staticnatport",
}  # fmt: skip
_PAIR = {
    "interface": "interface", "type": "type", "external": "external", "natreflection": "natreflection",
    "description": "descr",
}  # fmt: skip
SOURCE_RULE = "source-rule"  # of ours: one that outbound NAT asks in whatever mode


def brought_over(root: Element) -> None:
    """Change ``root``, an ``<opnsense>``: without empty switches, and with newer rules among the older."""
    _without_empty(root)
    nat, rules = _section(root, "nat"), _section(root, "filter")
    newer = ("OPNsense", "Firewall", "Filter")
    rules.children = [*_each(root, (*newer, "rules", "rule"), "rule", _FILTER), *rules.children]
    nat.children = [
        *_each(root, (*newer, "snatrules", "rule"), SOURCE_RULE, _SOURCE_NAT),
        *_each(root, (*newer, "onetoone", "rule"), "onetoone", _PAIR),
        *_each(root, (*newer, "npt", "rule"), "npt", _PAIR),
        *_in_sequence(nat.children),
    ]


def _without_empty(element: Element) -> None:
    for one in element.children:
        _without_empty(one)
    element.children = [
        one for one in element.children if one.children or one.text or one.tag in _KEPT_EMPTY
    ]


def _section(root: Element, tag: str) -> Element:
    found = root.child(tag)
    if found is None:
        found = Element(tag, root.where, {})
        root.children.append(found)
    return found


def _in_sequence(elements: list[Element]) -> list[Element]:
    """Port forwards of newer versions tell their order."""
    return sorted(elements, key=_sequence)


def _sequence(element: Element) -> int:
    text = element.value("sequence")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _each(root: Element, path: tuple[str, ...], tag: str, names: dict[str, str]) -> Iterator[Element]:
    found = [root]
    for step in path:
        found = [inner for one in found for inner in one.each(step)]
    for one in sorted(found, key=_sequence):
        yield _older(one, tag, names)


def _older(element: Element, tag: str, names: dict[str, str]) -> Element:
    made = Element(tag, element.where, element.attributes)
    for one in element.children:
        if one.tag in names and not (one.tag == "protocol" and one.text == "any"):
            made.children.append(Element(names[one.tag], one.where, {}, one.text))
    for side in ("source", "destination"):
        made.children.append(_side(element, side, names))
    if element.value("enabled", usual="1") == "0":
        made.children.append(Element("disabled", element.where, {}, "1"))
    return made


def _side(element: Element, side: str, names: dict[str, str]) -> Element:
    """``source_net`` and its kin as one element; ports stand in it but where the older form has fields."""
    made = Element(side, element.where, {})
    told = element.child(f"{side}_net")
    if told is None or told.text in ("", "any"):
        made.children.append(Element("any", element.where, {}))
    else:
        made.children.append(Element("network", told.where, {}, told.text))
    if element.value(f"{side}_not", usual="0") != "0":
        made.children.append(Element("not", element.where, {}, "1"))
    port = element.child(f"{side}_port")
    if port is not None and f"{side}_port" not in names:
        made.children.append(Element("port", port.where, {}, port.text))
    return made
