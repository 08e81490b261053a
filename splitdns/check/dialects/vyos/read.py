"""A gateway of VyOS or EdgeOS, from its configuration.

Both have the same tree, of which each knows parts that the other has not: what stands in the file decides,
and the dialect only says in whose words a change is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos import shown
from splitdns.check.dialects.vyos.answering import read_answering
from splitdns.check.dialects.vyos.firewall import read_firewall
from splitdns.check.dialects.vyos.interfaces import read_interfaces
from splitdns.check.dialects.vyos.nat import read_nat
from splitdns.check.dialects.vyos.policy import read_policy
from splitdns.check.dialects.vyos.port_forward import PortForward
from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.routes import LEARNS, read_routes
from splitdns.check.dialects.vyos.services import read_hosts, read_listens
from splitdns.check.dialects.vyos.tree import Node, parse
from splitdns.check.dialects.vyos.zones import read_zones
from splitdns.check.model import Device, Network, Ruleset, Support
from splitdns.errors import InputError, Problems, Where

_READ = frozenset(
    {
        "firewall", "high-availability", "interfaces", "nat", "nat64", "nat66", "policy", "port-forward",
        "protocols", "service", "vpn", "zone-policy",
    }
)  # fmt: skip
_LISTS = frozenset(  # of routing protocols
    {
        "access-list", "access-list6", "as-path-list", "community-list", "extcommunity-list",
        "large-community-list", "prefix-list", "prefix-list6", "route-map",
    }
)  # fmt: skip
# Of trees that are read in part: what is read, and what changes no packet's way.
_PARTS: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {
    ("high-availability",): (frozenset({"vrrp"}), frozenset({"disable"})),
    ("high-availability", "vrrp"): (
        frozenset({"group"}),
        frozenset({"global-parameters", "snmp", "sync-group"}),
    ),
    ("nat",): (frozenset({"cgnat", "destination", "source", "static"}), frozenset()),
    ("nat66",): (frozenset({"destination", "source"}), frozenset()),
    ("policy",): (
        frozenset({"ipv6-route", "route", "route6"}),
        _LISTS,
    ),
    ("protocols",): (
        LEARNS | {"static"},
        frozenset({"bfd", "igmp", "igmp-proxy", "mld", "pim", "pim6", "rpki"}),
    ),
    ("service", "dns"): (frozenset({"forwarding"}), frozenset({"dynamic"})),
    ("service", "nat"): (frozenset({"rule"}), frozenset()),
}
_IGNORED = frozenset({"custom-attribute", "pki", "qos", "traffic-control", "traffic-policy"})


def read(texts: Sequence[Printed], around: Network) -> Device:
    """A gateway of VyOS; several texts are parts of one configuration.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    return _read("vyos", texts, around)


def read_edgeos(texts: Sequence[Printed], around: Network) -> Device:
    """A gateway of EdgeOS, likewise.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    return _read("edgeos", texts, around)


def _read(dialect: str, texts: Sequence[Printed], around: Network) -> Device:
    whole = Node("", Where(texts[0].file, 1, 1))
    addresses: shown.Shown = {}
    problems = Problems()
    for one in texts:
        try:
            if shown.is_shown(one.text):
                addresses |= shown.read(one.text, one.file)
            else:
                _put(whole, parse(one.text, one.file))
        except ExceptionGroup as group:
            for error in group.exceptions:
                assert isinstance(error, InputError)
                problems.error(error)
    problems.raise_errors("the configuration is wrong")
    return device_of(dialect, whole, around, addresses)


def _put(whole: Node, more: Node) -> None:
    """All that ``more`` has into ``whole``."""
    for word, child in more.children.items():
        if word in whole.children:
            _put(whole.children[word], child)
        else:
            whole.children[word] = child


def device_of(dialect: str, tree: Node, around: Network, addresses: shown.Shown | None = None) -> Device:
    """The gateway that a tree writes; ``dialect`` begins the names of its tables.

    ``addresses`` are those that ``show interfaces`` told.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    reading = Reading(dialect, tree, around, shown=addresses or {})
    read_interfaces(reading)
    read_routes(reading)
    forwards = PortForward(reading)
    chains = (
        *read_policy(reading),
        *read_nat(reading, forwards.nat),
        *read_firewall(reading, forwards.accepted),
        *read_zones(reading),
        *read_answering(reading),
    )
    listens = read_listens(reading)
    hosts = tuple(read_hosts(reading))
    _note_the_rest(reading)
    reading.problems.raise_errors("the configuration is wrong")
    rules = sum(len(chain.rules) for chain in chains)
    return Device(Ruleset(chains, tuple(reading.notes), rules), reading.network, hosts, listens)


def _note_the_rest(reading: Reading) -> None:
    """What stands at the top of the tree, or right beneath, and nobody has read."""
    for path, (known, ignored) in _PARTS.items():
        if (node := reading.tree.at(*path)) is not None:
            reading.rest(node, known, ignored)
    for node in reading.tree.children.values():
        match node.word:
            case word if word in _READ:
                continue
            case word if word in _IGNORED:
                reading.note(Support.IGNORED, node)
            case "system":
                if set(node.children) - {"gateway-address"}:
                    reading.note(Support.IGNORED, node)
            case "load":
                reading.note(Support.WIDENED, node, "what it loads is not in this file")
            case "load-balance":
                reading.note(Support.WIDENED, node, "which uplink is taken of those that share the load")
            case "load-balancing":
                reading.note(Support.WIDENED, node, "any of its uplinks may be taken; the routes' is")
            case _:
                reading.note(Support.UNKNOWN, node)
