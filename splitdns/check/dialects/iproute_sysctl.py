"""The kernel's switches that change a packet's way, from ``sysctl -a``.

A switch that is not in a complete listing is one of a module that is not loaded: bridge-nf-call-iptables is
off then. A file with a few settings only is no such listing; what it does not name is not known.
"""

from __future__ import annotations

from collections.abc import Iterable

from splitdns.check.dialects.printed import Printed
from splitdns.check.rules import Origin
from splitdns.errors import Where
from splitdns.value import value

_OF_EVERY_LISTING = "net.ipv4.conf.lo.rp_filter"  # nobody writes it into a file


@value(frozen=True, slots=True)
class Switches:
    """Settings by name, as ``net.ipv4.ip_forward``, and the place of each."""

    by_name: dict[str, str]
    places: dict[str, Where]

    def rp_filter(self, interface: str) -> int | None:
        """The larger of the interface's and of all (Documentation/networking/ip-sysctl); None: not known."""
        own = self._number(f"net.ipv4.conf.{interface}.rp_filter")
        everywhere = self._number("net.ipv4.conf.all.rp_filter")
        if own is None and everywhere is None:
            return None
        if None in (own, everywhere) and max(own or 0, everywhere or 0) < 2:
            return None
        return max(own or 0, everywhere or 0)

    def bridge_nf(self, family: int) -> bool | None:
        """net.bridge.bridge-nf-call-iptables, or -ip6tables; None: not known."""
        name = "net.bridge.bridge-nf-call-" + ("iptables" if family == 4 else "ip6tables")
        value = self._number(name)
        if value is None:
            return False if _OF_EVERY_LISTING in self.by_name else None
        return value != 0

    def forwards(self, family: int) -> bool:
        """Whether it routes; it is taken to, where nothing is said."""
        return self.not_forwarding(family) is None

    def not_forwarding(self, family: int) -> Origin | None:
        """The setting that keeps it from routing, if one does."""
        names = ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"] if family == 4 else []
        for name in names or ["net.ipv6.conf.all.forwarding"]:
            value = self._number(name)
            if value is not None:
                return Origin(self.places[name], f"{name} = 0") if value == 0 else None
        return None

    def _number(self, name: str) -> int | None:
        value = self.by_name.get(name, "")
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 10 else None


def read_switches(texts: Iterable[Printed]) -> Switches:
    """The settings in all of ``texts``; a later one counts. Lines without ``=`` are passed over."""
    by_name: dict[str, str] = {}
    places: dict[str, Where] = {}
    for one in texts:
        for number, line in enumerate(one.text.splitlines(), start=1):
            name, equals, value = line.partition("=")
            if equals and not name.lstrip().startswith(("#", ";")):
                name = _dotted(name.strip().lstrip("-"))
                by_name[name] = value.strip()
                places[name] = Where(one.file, number, 1)
    return Switches(by_name, places)


def _dotted(name: str) -> str:
    """The dots of an interface's name stand as slashes (sysctl.d(5)), or all dots do, and those stay."""
    return name.replace("/", ".")
