"""Address lists: which addresses a rule means by a list's name, as far as that can be known.

What an export tells of a list is what a person or a script wrote. What rules add to it, what a name in it
resolves to, and what has a time-out are *dynamic*: `/ip firewall address-list print terse` tells those, and
without it they are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from splitdns.check.dialects.routeros.config import Config, Item, scripts
from splitdns.check.dialects.routeros.values import address_range, is_name, wrong
from splitdns.check.model import Addresses, AnyOf, Condition, Network, Side, Support, Unknown
from splitdns.check.sets import NONE, Numbers, all_addresses, numbers_of
from splitdns.errors import ConfigError, Problems

CLOUD = ".sn.mynetname.net"  # the names that /ip cloud keeps
_ADDS = ("add-src-to-address-list", "add-dst-to-address-list")


@dataclass(frozen=True, slots=True)
class AddressList:
    """``known`` addresses are in it; ``unsure``: others may be, and why.

    ``kept``: a name or a script keeps it, so that a rule that names the list does not name these addresses.
    """

    known: Numbers = NONE
    unsure: str = ""
    kept: bool = False


def lists_of(
    config: Config, network: Network, family: int, problems: Problems
) -> Mapping[str, AddressList]:
    """The lists of one family by name; what is wrong in them goes to ``problems``."""
    menu = f"{_menu(family)} firewall address-list"
    printed = menu in config.printed
    dynamic = {item.get("list") for item in config.items.get(menu, ()) if item.dynamic}
    found: dict[str, AddressList] = {}
    for item in config.of(menu):
        name = item.get("list")
        was = found.get(name, AddressList())
        try:
            known, unsure = _entry(config, item, network, family, told=name in dynamic)
        except ConfigError as error:
            problems.error(error)
            continue
        kept = was.kept or item.dynamic or is_name(item.get("address"))
        found[name] = AddressList(was.known | known, was.unsure or unsure, kept)
    for name, why in _added(config, family):
        if not printed:
            found[name] = AddressList(found.get(name, AddressList()).known, why)
    _take_scripts(config, config.of(menu), found)
    return found


def _entry(
    config: Config, item: Item, network: Network, family: int, *, told: bool
) -> tuple[Numbers, str]:
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
    if text.endswith(CLOUD) and (own := _uplinks(network, family)):
        reason = f"{text} is taken for the device's own cloud name: its uplink's address"
        config.note(Support.IGNORED, f"address-list {item.get('list')}", item.origin, reason)
        return own, ""
    why = (
        f"the address of {text} in list {item.get('list')} is not known: add what "
        f"'/{_menu(family)} firewall address-list print terse where dynamic' prints"
    )
    config.note(Support.WIDENED, f"address-list {item.get('list')}", item.origin, why)
    return NONE, why


def _menu(family: int) -> str:
    return "ip" if family == 4 else "ipv6"


def _uplinks(network: Network, family: int) -> Numbers:
    own = [own.address for one in network.interfaces if one.uplink for own in one.addresses]
    return numbers_of(*(one for one in own if one.version == family))


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
    if found.unsure:
        known = Addresses(side, found.known)
        return AnyOf(((known,), (Unknown(found.unsure),)), negated=negated), found.unsure
    if found.kept:
        return AnyOf(((Addresses(side, found.known),),), negated), ""
    numbers = all_addresses(family) - found.known if negated else found.known
    return Addresses(side, numbers), ""
