"""RouterOS texts, read in a few words, and what became of their constructs."""

from __future__ import annotations

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros import read as routeros
from splitdns.check.dialects.routeros.config import Config
from splitdns.check.dialects.routeros.config import read as read_config
from splitdns.check.model import Chain, Device, Kind, Network, Note, Rule, Support
from tests.check.gateways import clients

USUAL = """\
/interface bridge
add name=bridge
/interface bridge port
add bridge=bridge interface=ether2
add bridge=bridge interface=ether3
/interface list
add name=WAN
add name=LAN
/interface list member
add interface=bridge list=LAN
add interface=ether1 list=WAN
/ip address
add address=192.168.88.1/24 interface=bridge network=192.168.88.0
add address=203.0.113.7/24 interface=ether1 network=203.0.113.0
/ip route
add gateway=203.0.113.1
"""


def config(text: str) -> Config:
    return read_config([Printed(text, "gateway.rsc")])


def device(text: str, around: Network | None = None) -> Device:
    return routeros.read([Printed(text, "gateway.rsc")], around or Network())


def usual(*lines: str) -> Device:
    """The usual device, and more lines."""
    return device(USUAL + "".join(f"{line}\n" for line in lines))


def chain(found: Device, name: str, table: str = "routeros nat") -> Chain:
    return next(one for one in found.ruleset.chains if (one.table, one.name) == (table, name))


def filter_rule(words: str) -> Rule:
    """The first rule that ``add words`` makes in the filter's forward chain."""
    found = usual("/ip firewall filter", f"add chain=forward {words}")
    return chain(found, "forward", "routeros filter").rules[0]


def wrong(text: str) -> list[str]:
    """The mistakes in a text, as a person reads them."""
    try:
        device(text)
    except ExceptionGroup as group:
        return [str(error) for error in group.exceptions]
    return []


def state_of(notes: tuple[Note, ...]) -> str:
    """The worst state of what is noted."""
    states = {note.support for note in notes}
    worst_first = (Support.UNKNOWN, Support.REFUSED, Support.WIDENED, Support.IGNORED)
    return next((one.value for one in worst_first if one in states), "modelled")


LAN_CLIENT = clients("lan", Kind.NETWORK, "bridge", "192.168.88.50", near="192.168.88.0/24")
OUTSIDE = clients("internet", Kind.INTERNET, "ether1", "198.51.100.9")
