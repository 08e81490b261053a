"""Address lists: which addresses a rule means by a list's name, as far as that can be known.

What an export tells of a list is what a person or a script wrote. What rules add to it, what a name in it
resolves to, and what has a time-out are *dynamic*: `/ip firewall address-list print terse` tells those, and
without it they are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.dialects.routeros.config import Config, Item, scripts
from splitdns.check.dialects.routeros.values import address_range, is_name, wrong
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Network,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import NONE, Numbers, Range, all_addresses, numbers_of
from splitdns.errors import ConfigError, Problems
from splitdns.value import value

CLOUD = ".sn.mynetname.net"  # the names that /ip cloud keeps
_ADDS = ("add-src-to-address-list", "add-dst-to-address-list")


@value(frozen=True, slots=True)
class AddressList:
    """``known`` addresses are in it; ``unsure``: others may be, and why.

    ``kept``: a name or a script keeps it, so that a rule that names the list does not name these addresses.
    ``inside``: the uplink's addresses are in it, whatever they are: all local ones but these.
    """

    known: Numbers = NONE
    unsure: str = ""
    kept: bool = False
    inside: Numbers | None = None


def lists_of(
    config: Config, network: Network, family: int, problems: Problems
) -> Mapping[str, AddressList]:
    """The lists of one family by name; what is wrong in them goes to ``problems``."""
    menu = f"{_menu(family)} firewall address-list"
    printed = menu in config.printed
    dynamic = {item.get("list") for item in config.items.get(menu, ()) if item.dynamic}
    found: dict[str, AddressList] = {}
    ranges: dict[str, list[Range]] = {}
    for item in config.of(menu):
        name = item.get("list")
        was = found.get(name, AddressList())
        try:
            if is_name(text := item.get("address")) and text.endswith(CLOUD) and name not in dynamic:
                found[name] = replace(was, kept=True, inside=_inside(config, item, network, family))
                continue
            known, unsure = _entry(config, item, family, told=name in dynamic)
        except ConfigError as error:
            problems.error(error)
            continue
        ranges.setdefault(name, []).extend(known.ranges)
        kept = was.kept or item.dynamic or is_name(text)
        if name not in found or (kept, bool(unsure)) != (was.kept, bool(was.unsure)):
            found[name] = replace(was, kept=kept, unsure=was.unsure or unsure)
    for name, its in ranges.items():  # all at once: lists of what is to be kept away are long
        found[name] = replace(found[name], known=Numbers.of(*its))
    for name, why in _added(config, family):
        if not printed:
            found[name] = replace(found.get(name, AddressList()), unsure=why)
    _take_scripts(config, config.of(menu), found)
    return found


def _entry(config: Config, item: Item, family: int, *, told: bool) -> tuple[Numbers, str]:
    """The addresses of an entry, or why they are not known; ``told``: dynamic ones are, where they are."""
    text = item.get("address")
    found = address_range(text, family)
    if found is not None:
        return found, ""
    if not is_name(text):
        raise wrong(item, "address", f"an IPv{family} address, range, prefix or name")
    if told:
        reason = "what it meant when the device was asked"
        config.note(Support.IGNORED, f"address-list {item.get('list')}", item.origin, reason)
        return NONE, ""
    why = (
        f"the address of {text} in list {item.get('list')} is not known: add what "
        f"'/{_menu(family)} firewall address-list print terse where dynamic' prints"
    )
    config.note(Support.WIDENED, f"address-list {item.get('list')}", item.origin, why)
    return NONE, why


def _menu(family: int) -> str:
    return "ip" if family == 4 else "ipv6"


def _inside(config: Config, item: Item, network: Network, family: int) -> Numbers:
    """The addresses that are the device's own and no uplink's."""
    reason = f"{item.get('address')} is taken for the device's own cloud name: its uplink's address"
    config.note(Support.IGNORED, f"address-list {item.get('list')}", item.origin, reason)
    faces = (one for one in network.interfaces if not one.uplink)
    own = [own.address for one in faces for own in one.addresses if own.address.version == family]
    return numbers_of(*own, ip_network("127.0.0.0/8" if family == 4 else "::1/128"))


def _added(config: Config, family: int) -> list[tuple[str, str]]:
    """The lists that rules write to."""
    top = _menu(family)
    menus = (f"{top} firewall {menu}" for menu in ("filter", "nat", "mangle", "raw"))
    rules = (item for menu in menus for item in config.of(menu) if item.get("action") in _ADDS)
    return [
        (name := item.get("address-list"), f"rules add to list {name}, and what is in it now is not known")
        for item in rules
    ]


def _take_scripts(config: Config, entries: Sequence[Item], found: dict[str, AddressList]) -> None:
    """A list that a script keeps, by its name or an entry's comment, is told as it was at the export."""
    words = {name: {name} for name in found}
    for item in entries:
        words.setdefault(item.get("list"), set()).add(item.get("comment"))
    for item, text in scripts(config):
        for name in found if "address-list" in text else ():
            if any(word and word in text for word in words[name]):
                found[name] = replace(found[name], kept=True)
                reason = "a script keeps it: taken as it was when this was printed"
                config.note(Support.IGNORED, f"address-list {name}", item.origin, reason)


def is_in(
    lists: Mapping[str, AddressList], name: str, side: Side, family: int, *, negated: bool
) -> tuple[Condition, str]:
    """That an address is in a list or not, and why that is not sure, if it is not."""
    found = lists.get(name)
    if found is None:
        why = f"nothing here says what is in list {name}"
        return Unknown(why), why
    ways: list[tuple[Condition, ...]] = [(Addresses(side, found.known),)]
    if found.inside is not None:
        outer = Addresses(side, all_addresses(family) - found.inside)
        ways.append((AddressTypes(side, frozenset({"local"})), outer))
    if found.unsure:
        ways.append((Unknown(found.unsure),))
    if len(ways) > 1 or found.kept:
        return AnyOf(tuple(ways), negated), found.unsure
    numbers = all_addresses(family) - found.known if negated else found.known
    return Addresses(side, numbers), ""
