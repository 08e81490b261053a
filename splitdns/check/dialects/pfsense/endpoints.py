"""What a rule says of a packet's source and destination, as conditions of the model.

``any``, an interface's network or address by name, an address, a prefix or an alias, each perhaps negated,
and a port. A destination may have become the gateway's loopback, for that is how its proxy reflects port
forwards and how DNS is redirected: pf sees 127.0.0.1 there, and the model a mark (``LOOPED``, ``PROXIED``).
"""

from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.dialects.pfsense.aliases import Alias, Aliases, parsed_addresses, parsed_ports, words_of
from splitdns.check.dialects.pfsense.config import Config, is_on
from splitdns.check.dialects.pfsense.faces import Faces
from splitdns.check.dialects.pfsense.protocols import ALL, protocols
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Mark,
    Of,
    Origin,
    Ports,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import NONE, PORTS, Numbers, all_addresses, numbers_of
from splitdns.value import value

PASSED, LOOPED, PROXIED = 0x1000_0000, 0x2000_0000, 0x4000_0000  # bits of a packet's mark
PROXY_PORTS = Numbers.of((19_000, 19_990))  # of the proxy that reflects, on loopback
_LOOPBACK = {4: int(ip_address("127.0.0.1")), 6: int(ip_address("::1"))}
_ANYWHERE = "any"
# Tables that the device fills, and networks of its own servers.
_OF_THE_DEVICE = {
    "bogons", "bogonsv6", "snort2c", "sshlockout", "virusprot", "pppoe", "l2tp", "pptp", "enc0", "openvpn",
}  # fmt: skip


@value(frozen=True, slots=True)
class Missing:
    """A rule's name that stands for nothing: the device leaves the whole rule out, with ``reason``."""

    reason: str


@value(frozen=True, slots=True)
class Meant:
    """One side's addresses of one family; ``maybe`` are further ways to be meant."""

    numbers: Numbers
    maybe: tuple[tuple[Condition, ...], ...] = ()
    negated: bool = False

    @property
    def is_any(self) -> bool:
        return self.numbers in (all_addresses(4), all_addresses(6)) and not self.negated

    def conditions(self, side: Side, family: int) -> tuple[Condition, ...] | None:
        """None: no packet of ``family`` is meant."""
        numbers = all_addresses(family) - self.numbers if self.negated else self.numbers
        if self.maybe:
            known = ((Addresses(side, self.numbers),),) if self.numbers else ()
            return (AnyOf((*known, *self.maybe), self.negated),)
        if numbers == all_addresses(family):
            return ()
        return (Addresses(side, numbers),) if numbers else None

    def holds(self, number: int) -> bool:
        return (number in self.numbers) is not self.negated


class Endpoints:
    """Reads sources and destinations. ``loops``: some packets are led to loopback."""

    def __init__(self, config: Config, faces: Faces, aliases: Aliases) -> None:
        self.config = config
        self.faces = faces
        self.aliases = aliases
        self.loops = False

    # --- Addresses ------------------------------------------------------------------------------------------

    def addresses(self, element: Element | None, side: Side, family: int) -> Meant | Missing:
        """Those of a ``<source>`` or ``<destination>``."""
        if element is None or element.child("any") is not None:
            return Meant(all_addresses(family))
        negated = is_on(element, "not")
        text = element.value("network") or element.value("address")
        if not text:
            if self.config.is_opnsense:
                return Meant(all_addresses(family))
            return Missing("its address is empty")
        if element.tag == "source" and text == _ANYWHERE:
            return Meant(all_addresses(family))
        return self.named(text, side, family, negated)

    def named(self, text: str, side: Side, family: int, negated: bool = False) -> Meant | Missing:
        """Those of a text: several, with commas between, may be meant."""
        numbers = NONE
        maybe: list[tuple[Condition, ...]] = []
        for word in words_of(text):
            found = self._one(word, side, family)
            if isinstance(found, Missing):
                return found
            numbers |= found.numbers
            maybe += found.maybe
        return Meant(numbers, tuple(maybe), negated)

    def _one(self, word: str, side: Side, family: int) -> Meant | Missing:
        if word == _ANYWHERE:
            return Meant(all_addresses(family))
        if word == "(self)":
            return Meant(NONE, ((AddressTypes(side, frozenset({"local"})),),))
        if (pair := parsed_addresses(word)) is not None:
            return Meant(pair[1] if pair[0] == family else NONE)
        alias = self.aliases.get(word)
        if alias is not None:
            return Meant(alias.of(family), _unknown(alias))
        if word.endswith("ip") and self.faces.named(word[:-2]) is not None:
            return self._own(word[:-2], side, family)
        keys = self.faces.named(word.removeprefix("__").removesuffix("_network"))
        if keys is not None:
            return self._networks(keys, family)
        if word in _OF_THE_DEVICE:
            return Meant(NONE, ((Unknown(f"what is in {word} is known to the device only"),),))
        return Missing(f"{word} is no alias and no interface")

    def _own(self, name: str, side: Side, family: int) -> Meant:
        """An interface's own address.

        A leased one that no source tells is whatever the gateway has beside its own fixed ones (`wan:` may
        tell it later), and else may be any that is nobody's in its networks.
        """
        numbers = NONE
        maybe: tuple[tuple[Condition, ...], ...] = ()
        for key in sorted(self.faces.named(name) or ()):
            face = self.faces.all[key]
            numbers |= face.own(family, dynamic=False)
            if dynamic := face.own(family, dynamic=True):  # by its interface: a rule that follows it
                maybe = (*maybe, (Addresses(side, dynamic),))
            if family in face.leased:
                others = all_addresses(family) - self.faces.own(family) - numbers_of_loopback(family)
                foreign = others - self.faces.networks(family)
                local = frozenset({"local"})
                unsure = Unknown(f"the address of {key} is leased, and told by no source such as ifconfig")
                maybe = (
                    *maybe,
                    (AddressTypes(side, local), Addresses(side, others)),
                    (AddressTypes(side, local, negated=True), Addresses(side, foreign), unsure),
                )
        return Meant(numbers, maybe)

    def _networks(self, keys: frozenset[str], family: int) -> Meant:
        numbers = NONE
        maybe: tuple[tuple[Condition, ...], ...] = ()
        for key in sorted(keys):
            face = self.faces.all[key]
            numbers |= face.networks(family)
            if family in face.leased:
                maybe = (*maybe, (Unknown(f"the network of {key} is told by a lease"),))
        return Meant(numbers, maybe)

    # --- Protocols ------------------------------------------------------------------------------------------

    def protocols(self, name: str, family: int, origin: Origin) -> tuple[Numbers, tuple[Condition, ...]]:
        """The protocols of ``name``, and what makes it uncertain that others are not meant."""
        numbers = protocols(name, family)
        if numbers is not None:
            return numbers, ()
        reason = f"the protocol {name} is not known here"
        self.config.note(Support.UNKNOWN, "protocol", origin, reason)
        return ALL, (Unknown(reason),)

    # --- Ports ----------------------------------------------------------------------------------------------

    def ports(self, text: str) -> tuple[Numbers, str] | Missing:
        """The ports, and why more may be meant."""
        found = NONE
        unknown = ""
        for word in words_of(text):
            numbers = parsed_ports(word)
            if numbers is None:
                alias = self.aliases.get(word)
                if alias is None:
                    return Missing(f"{word} is no port and no alias")
                numbers, unknown = alias.ports, unknown or alias.unknown
            found |= numbers
        return found, unknown

    def port_conditions(self, text: str, side: Side) -> tuple[Condition, ...] | Missing:
        if not text or text == _ANYWHERE:
            return ()
        found = self.ports(text)
        if isinstance(found, Missing):
            return found
        numbers, unknown = found
        if numbers | Numbers.one(0) == PORTS:
            return ()
        known: tuple[Condition, ...] = (Ports(side, numbers),)
        if unknown:
            return (AnyOf((known, (Unknown(unknown),))),)
        return known

    # --- Destinations that may be loopback ------------------------------------------------------------------

    def seen_by_filter(self, where: Meant, text: str, family: int) -> tuple[Condition, ...] | Missing | None:
        """The destination and its ports, as the filter sees them; None: no packet of ``family`` is meant."""
        plain = where.conditions(Side.DESTINATION, family)
        ports = self.port_conditions(text, Side.DESTINATION)
        if isinstance(ports, Missing) or not self.loops:
            return ports if isinstance(ports, Missing) else None if plain is None else (*plain, *ports)
        is_self = any(len(way) == 1 and isinstance(way[0], AddressTypes) for way in where.maybe)
        seen: tuple[tuple[Condition, ...], ...] = ()
        if not where.negated if is_self else where.holds(_LOOPBACK[family]):
            proxied = not ports or any(_holds(one, PROXY_PORTS) for one in ports)
            seen = ((_marked(LOOPED), *ports), *(((_marked(PROXIED),),) if proxied else ()))
        usual = () if plain is None else ((_marked(0, LOOPED | PROXIED), *plain, *ports),)
        return (AnyOf((*usual, *seen)),) if usual or seen else None


def numbers_of_loopback(family: int) -> Numbers:
    return numbers_of(ip_address("::1")) if family == 6 else Numbers.of((127 << 24, (128 << 24) - 1))


def _holds(condition: Condition, ports: Numbers) -> bool:
    return isinstance(condition, Ports) and bool(condition.numbers & ports)


def _marked(bits: int, mask: int = 0) -> Mark:
    return Mark(Of.PACKET, Numbers.one(bits), mask or bits)


def _unknown(alias: Alias) -> tuple[tuple[Condition, ...], ...]:
    return ((Unknown(alias.unknown),),) if alias.unknown else ()
