"""An edge gateway from its XML: as a whole, or in the parts in which its API gives it.

>>> from splitdns.check.dialects.printed import Printed
>>> from splitdns.check.model import Network
>>> edge = '''<edge>
...   <vnics><vnic><index>0</index><name>uplink</name><type>uplink</type>
...     <addressGroups><addressGroup><primaryAddress>203.0.113.5</primaryAddress>
...       <subnetPrefixLength>29</subnetPrefixLength></addressGroup></addressGroups></vnic></vnics>
...   <features><firewall/></features>
... </edge>'''
>>> [one.name for one in read([Printed(edge, "edge.xml")], Network()).network.interfaces]
['uplink']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.nsx import director, edge, groups, services
from splitdns.check.dialects.nsx.fields import Reader
from splitdns.check.dialects.nsx.rules import rules_of
from splitdns.check.dialects.nsx.values import Edge, Nat, Vnic
from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import Device, Host, Network, Origin, Route
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError

PARTS = ("vnics", "edgeInterfaces", "nat", "firewall", "routing", "dhcp", "loadBalancer")
_ROOTS = ("edge", *PARTS, *director.ROOTS, *groups.ROOTS)


def read(texts: Sequence[Printed], around: Network) -> Device:
    """The edge of which ``texts`` tell; ``around``: its interfaces, where they do not.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in the order of their places.
    """
    reader = Reader()
    roots = list(_roots(texts, reader))
    whole = _Whole(reader, around)
    if roots:
        whole.read(roots)
    reader.problems.raise_errors("the edge gateway's XML is wrong")
    assert roots  # or there was an error
    ruleset = rules_of(whole.edge, reader, roots[0].where)
    reader.problems.raise_errors("the edge gateway's XML is wrong")
    return Device(ruleset, whole.network(), tuple(whole.hosts), whole.listens)


def _told_apart(vnics: Sequence[Vnic]) -> Iterator[Vnic]:
    """Names that several interfaces have get the index, by which rules refer to them anyway."""
    counted = Counter(one.name for one in vnics)
    for one in vnics:
        if counted[one.name] == 1:
            yield one
        else:
            name = f"{one.name} ({one.called[0]})"
            yield Vnic(replace(one.interface, name=name), one.called)


def _roots(texts: Sequence[Printed], reader: Reader) -> Iterator[Element]:
    for text in texts:
        try:
            root = xml_places.read(text.text, text.file)
        except ConfigError as error:
            reader.problems.error(error)
            continue
        if root.tag in _ROOTS:
            yield root
        else:
            expected = "<edge> or <EdgeGateway>, or a part of it such as <nat> and <firewall>"
            reader.wrong(root.where, expected, f"<{root.tag}>")


@dataclass(slots=True)
class _Whole:
    """All texts together: interfaces and groups before the rules that name them."""

    reader: Reader
    around: Network
    edge: Edge = field(default_factory=Edge)
    groups: groups.Groups = field(default_factory=groups.Groups)
    routes: list[Route] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    listens: dict[int, Numbers] | None = None

    def read(self, roots: list[Element]) -> None:
        for root in roots:
            if root.tag in groups.ROOTS:
                self.groups.add(root, self.reader)
            self.edge.vnics += self._vnics(root)
        self.edge.vnics = list(_told_apart(self.edge.vnics))
        if not self.edge.vnics:
            names = ((str(at), one) for at, one in enumerate(self.around.interfaces))
            self.edge.vnics += [Vnic(one, (one.name, at)) for at, one in names]
        for root in roots:
            if root.tag == "edge":
                self._features(root)
            elif root.tag in director.ROOTS:
                self._director(root)
            elif root.tag in PARTS:
                self._part(root)

    def _vnics(self, root: Element) -> Iterator[Vnic]:
        if root.tag in director.ROOTS:
            yield from director.vnics(root, self.reader)
            return
        inner = [root] if root.tag in ("vnics", "edgeInterfaces") else [*root.each("vnics")]
        for one in inner if root.tag in ("edge", "vnics", "edgeInterfaces") else ():
            yield from edge.vnics(one, self.reader)

    def _features(self, root: Element) -> None:
        features = root.child("features") or root
        for one in features.children:
            self._part(one)
        if self.edge.nat is None:  # it was never set up
            self.edge.nat = Nat(False, (), Origin(root.where))
        self.listens = services.listens(root, self.reader)
        services.others(root, self.reader)

    def _part(self, root: Element) -> None:
        match root.tag:
            case "nat":
                self.edge.nat = edge.nat(root, self.edge, self.reader)
            case "firewall":
                self.edge.firewall = edge.firewall(root, self.edge, self.groups, self.reader)
            case "routing":
                self.routes += services.routes(root, self.edge, self.reader)
            case "dhcp":
                self.hosts += services.hosts(root, self.edge, self.reader)
            case "loadBalancer":
                self.edge.balanced += services.balanced(root, self.reader)

    def _director(self, root: Element) -> None:
        self.edge.nat = director.nat(root, self.edge, self.reader)
        self.edge.firewall = director.firewall(root, self.edge, self.reader)
        self.routes += director.routes(root, self.edge, self.reader)
        self.edge.balanced += director.balanced(root, self.reader)
        director.others(root, self.reader)

    def network(self) -> Network:
        """The interfaces that the texts tell; a default route makes its interface an uplink."""
        ways = {route.interface for route in self.routes if route.prefix.prefixlen == 0}
        told = {one.name for one in self.around.interfaces}
        interfaces = tuple(
            replace(vnic.interface, uplink=vnic.interface.uplink or vnic.name in ways)
            for vnic in self.edge.vnics
            if vnic.name not in told
        )
        return Network(interfaces, tuple(self.routes))
